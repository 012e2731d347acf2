//! A target that answers, but not with the metrics that the rules read.

use std::collections::BTreeSet;

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;
use crate::doctor::units;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "contract",
    topic: Topic::Targets,
    what: "targets export the metrics that the alert rules read",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    facts.prometheus.then(|prometheus| {
        let targets = prometheus.targets.answer().map(Vec::as_slice).unwrap_or_default();
        let is_up = |job: &str| targets.iter().any(|target| target.job == job && target.health == "up");
        // One that is down exports nothing; that is said already.
        if !facts.wanted.targets.iter().all(|wanted| is_up(&wanted.job)) || prometheus.uptime < 60.0 {
            return Outcome::NotApplicable;
        }
        prometheus.metric_names.then(|names| {
            let known: BTreeSet<&str> = names.iter().map(String::as_str).collect();
            let wanted = &facts.wanted.rule_metrics;
            let missing: Vec<String> = wanted.iter().filter(|name| !known.contains(name.as_str())).cloned().collect();
            let seen = format!("{} of {} metrics exist", wanted.len() - missing.len(), wanted.len());
            // Some metrics come to be at the first event only.
            if missing.len() * 2 <= wanted.len() {
                return Outcome::Well(seen);
            }
            Trouble::warning(
                format!("{seen}; there is no {}", units::list(&missing, 4)),
                "the target is up but exports other metrics than the rules read: another program, version or prefix",
                "confidexmon check --live",
            )
            .into()
        })
    })
}
