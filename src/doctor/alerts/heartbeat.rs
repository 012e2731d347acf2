//! Nobody outside would notice that everything here is dead.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;
use crate::model::ServiceKind;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "heartbeat",
    topic: Topic::Alerts,
    what: "somebody outside notices when this machine dies",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    // Without any receiver that is said already, and is worse.
    if !facts.wants(ServiceKind::Alertmanager) || facts.wanted.receivers.is_empty() {
        return Outcome::NotApplicable;
    }
    if facts.wanted.receivers.iter().any(|name| name == "webhook") {
        return Outcome::Well("the Watchdog goes to ALERT_WEBHOOK_URL: let that miss it".to_owned());
    }
    Trouble::warning(
        "the alert that always fires goes to no receiver",
        "when this machine dies, silence looks like health",
        "set ALERT_WEBHOOK_URL in .env to a service that misses a regular sign of life, then `confidexmon up`",
    )
    .into()
}
