//! How many targets are up.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "targets-up",
    topic: Topic::Targets,
    what: "Prometheus can scrape every target",
    run: Run::Once(run),
};

/// Seconds until Prometheus has made targets of its configuration.
const WARM: f64 = 30.0;

fn run(facts: &Facts) -> Outcome {
    facts.prometheus.then(|prometheus| {
        prometheus.targets.then(|targets| {
            let up = targets.iter().filter(|target| target.health == "up").count();
            let new = targets.iter().filter(|target| target.health == "unknown").count();
            if targets.is_empty() && prometheus.uptime < WARM {
                return Outcome::Unknown("Prometheus has just started".to_owned());
            }
            if targets.is_empty() {
                return Trouble::problem(
                    "Prometheus has no target",
                    "its configuration names none",
                    "confidexmon up",
                )
                .into();
            }
            if new > 0 {
                return Outcome::Unknown(format!("{new} of {} targets were not scraped yet", targets.len()));
            }
            // Each of the others has a check of its own.
            if up < targets.len() {
                return Outcome::NotApplicable;
            }
            Outcome::Well(format!("{up} of {up} are up"))
        })
    })
}
