//! The alert that fires always, and where it is.

use crate::doctor::alerts::young;
use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;
use crate::model::ServiceKind;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "watchdog",
    topic: Topic::Alerts,
    what: "the alert that always fires has reached Alertmanager",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    if !facts.wants(ServiceKind::Alertmanager) {
        return Outcome::NotApplicable;
    }
    facts.prometheus.then(|prometheus| {
        prometheus.rules.then(|rules| {
            let Some(rule) = rules.iter().find(|rule| rule.is_alert && rule.name == "Watchdog") else {
                // That there is none is a lint's matter.
                return Outcome::NotApplicable;
            };
            facts.alertmanager.then(|alertmanager| {
                let arrived = alertmanager.alerts.iter().find(|alert| alert.name == "Watchdog");
                if let Some(alert) = arrived {
                    return Outcome::Well(format!("sent {:.0} s ago", alert.age.max(0.0)));
                }
                if rule.state == "pending" {
                    return Outcome::Unknown(
                        "too early to tell: the rule is still pending in Prometheus".to_owned(),
                    );
                }
                let change = young::last_change(facts, prometheus);
                if let Some(reason) = young::may_be_on_its_way(&change, prometheus, rule.interval) {
                    return Outcome::Unknown(reason);
                }
                Trouble::problem(
                    format!(
                        "the rule is {} in Prometheus, and Alertmanager does not have the alert",
                        if rule.state.is_empty() { "unknown" } else { &rule.state }
                    ),
                    "alerts do not get from Prometheus to Alertmanager",
                    "confidexmon logs prometheus --since 10m; confidexmon restart prometheus alertmanager",
                )
                .into()
            })
        })
    })
}
