//! Services that are close to their memory limit.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;
use crate::doctor::units;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "memory-use",
    topic: Topic::Stack,
    what: "services keep away from their memory limits",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    facts.prometheus.then(|prometheus| {
        let mut troubles = Vec::new();
        let mut seen = Vec::new();
        for (service, used) in &prometheus.memory {
            let Some(limit) = facts.wanted.memory.get(service).filter(|limit| **limit > 0.0) else { continue };
            let text = format!("{service} {} of {}", units::bytes(*used), units::bytes(*limit));
            if used / limit > 0.85 {
                troubles.push(
                    Trouble::warning(
                        text,
                        "at its limit the kernel kills it",
                        format!("raise `resources.{service}.memory` in config/confidexmon.yml, then `confidexmon up`"),
                    )
                    .about(format!("the memory of {service}")),
                );
            } else {
                seen.push(text);
            }
        }
        if troubles.is_empty() && seen.is_empty() {
            return Outcome::Unknown("Prometheus has no measurement of them yet".to_owned());
        }
        Outcome::of(troubles, seen.join(", "))
    })
}
