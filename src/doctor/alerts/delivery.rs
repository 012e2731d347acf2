//! Alerts that do not get from Prometheus to Alertmanager.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;
use crate::model::ServiceKind;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "delivery",
    topic: Topic::Alerts,
    what: "Prometheus hands its alerts to Alertmanager",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    if !facts.wants(ServiceKind::Alertmanager) {
        return Outcome::NotApplicable;
    }
    facts.prometheus.then(|prometheus| {
        prometheus.alertmanagers.then(|number| {
            let value = |name: &str| prometheus.values.get(name).copied().unwrap_or_default();
            if *number == 0 && prometheus.uptime < 30.0 {
                return Outcome::Unknown("Prometheus has just started".to_owned());
            }
            if *number == 0 {
                return Trouble::problem(
                    "Prometheus knows no Alertmanager",
                    "its configuration names none, or the name does not resolve: every alert is lost",
                    "confidexmon up",
                )
                .into();
            }
            if value("dropped_alerts") >= 1.0 || value("alert_errors") >= 1.0 {
                return Trouble::problem(
                    format!("{:.0} alerts dropped and {:.0} requests failed in 15 minutes", value("dropped_alerts"), value("alert_errors")),
                    "Alertmanager does not take what Prometheus sends: it is down, or asks for another password",
                    "confidexmon doctor stack; confidexmon logs alertmanager prometheus --since 15m",
                )
                .into();
            }
            let full = value("alert_queue");
            if full > 0.5 {
                return Trouble::warning(
                    format!("the queue is {:.0} % full", full * 100.0),
                    "Alertmanager takes alerts more slowly than they come",
                    "confidexmon restart alertmanager",
                )
                .into();
            }
            Outcome::Well("none is dropped".to_owned())
        })
    })
}
