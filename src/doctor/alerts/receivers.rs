//! A stack that notifies nobody.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;
use crate::model::ServiceKind;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis =
    Diagnosis { id: "receivers", topic: Topic::Alerts, what: "somebody is notified", run: Run::Once(run) };

fn run(facts: &Facts) -> Outcome {
    if !facts.wants(ServiceKind::Alertmanager) {
        return Trouble::warning(
            "Alertmanager is left out",
            "alerts show in Prometheus only",
            "confidexmon up",
        )
        .into();
    }
    if facts.wanted.receivers.is_empty() {
        return Trouble::warning(
            "no receiver is configured",
            "alerts fire, and nobody is notified",
            "set SLACK_WEBHOOK_URL, PAGERDUTY_SERVICE_KEY or ALERT_WEBHOOK_URL in .env, then `confidexmon up`",
        )
        .into();
    }
    let placeholders = facts.wanted.placeholders.iter().map(|(variable, mark)| {
        Trouble::problem(
            format!("{variable} {mark}"),
            "it is an example's value, not one of yours: no notification arrives",
            format!("write the real value of {variable} into .env, then `confidexmon up`"),
        )
        .about(format!("the receiver of {variable}"))
    });
    Outcome::of(placeholders.collect(), facts.wanted.receivers.join(", "))
}
