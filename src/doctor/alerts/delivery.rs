//! Alerts that do not get from Prometheus to Alertmanager.

use crate::doctor::alerts::young;
use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;
use crate::model::ServiceKind;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "delivery",
    topic: Topic::Alerts,
    what: "Prometheus hands its alerts to Alertmanager",
    run: Run::Once(run),
};

/// The errors of so many seconds are those of now.
const RECENT: f64 = 180.0;

fn run(facts: &Facts) -> Outcome {
    if !facts.wants(ServiceKind::Alertmanager) {
        return Outcome::NotApplicable;
    }
    facts.prometheus.then(|prometheus| {
        prometheus.alertmanagers.then(|number| {
            let value = |name: &str| prometheus.values.get(name).copied().unwrap_or_default();
            if *number == 0 {
                if let Some(reason) = young::may_be_undiscovered(prometheus) {
                    return Outcome::Unknown(reason);
                }
                return Trouble::problem(
                    "Prometheus knows no Alertmanager",
                    "its configuration names none, or the name does not resolve: every alert is lost",
                    "confidexmon up",
                )
                .into();
            }
            let (dropped, failed) = (value("dropped_alerts"), value("alert_errors"));
            // At a start Prometheus looks for an Alertmanager that is starting, too; what it could not hand over it
            // sends again every minute.
            let ages = || facts.alertmanager.answer().into_iter().flat_map(|one| &one.alerts).map(|alert| alert.age);
            let change = young::last_change(facts, prometheus);
            if dropped >= 1.0 || failed >= 1.0 {
                if ages().next().is_some() && value("alert_errors_now") < 1.0 {
                    return Outcome::Well(format!(
                        "it does by now: {dropped:.0} alerts were dropped and {failed:.0} requests failed, none in the last 3 minutes"
                    ));
                }
                if change.age < RECENT && ages().any(|age| age < change.age) {
                    return Outcome::Well(format!(
                        "it does by now: {dropped:.0} alerts were dropped and {failed:.0} requests failed, and one has arrived since {change}"
                    ));
                }
                let interval = prometheus.shortest_interval();
                if let Some(reason) = young::may_be_on_its_way(&change, prometheus, interval) {
                    return Outcome::Unknown(reason);
                }
                return Trouble::problem(
                    format!("{dropped:.0} alerts dropped and {failed:.0} requests failed in 15 minutes"),
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
