//! Samples that are scraped and refused.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "samples-refused",
    topic: Topic::Storage,
    what: "Prometheus takes every sample that it scrapes",
    run: Run::Once(run),
};

/// Name of the count, what was refused, cause.
const KINDS: [(&str, &str, &str); 3] = [
    (
        "duplicate_samples",
        "with the timestamp of another",
        "a target exports one series twice, or two targets have the same labels",
    ),
    (
        "out_of_order_samples",
        "older than the one before",
        "a target sets timestamps of its own, or a clock jumped back",
    ),
    (
        "out_of_bounds_samples",
        "too old or in the future",
        "a clock stood still or jumped (a virtual machine after sleep)",
    ),
];

fn run(facts: &Facts) -> Outcome {
    facts.prometheus.then(|prometheus| {
        let refused = KINDS.iter().filter_map(|(name, what, cause)| {
            let number = prometheus.values.get(*name).copied().filter(|number| *number >= 1.0)?;
            let line = prometheus.log.iter().rfind(|line| {
                line.contains("target=")
                    && (line.contains("Error on ingesting") || line.contains("error on ingesting"))
            });
            let who = line.and_then(|line| line.split("target=").nth(1)).map_or_else(String::new, |rest| {
                format!("; the last of them: {}", rest.split_whitespace().next().unwrap_or_default())
            });
            let evidence = format!("{number:.0} samples in 15 minutes were {what}{who}");
            let fix = if who.is_empty() {
                "confidexmon logs prometheus --since 15m".to_owned()
            } else {
                "give each target labels of its own, and no timestamps".to_owned()
            };
            Some(Trouble::warning(evidence, *cause, fix))
        });
        Outcome::of(refused.collect(), "none was refused in 15 minutes")
    })
}
