//! A container that is frozen.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;
use crate::doctor::remedy::Remedy;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis =
    Diagnosis { id: "paused", topic: Topic::Stack, what: "no service is paused", run: Run::Once(run) };

fn run(facts: &Facts) -> Outcome {
    super::each(facts, "none is paused", |container| {
        (container.state == "paused").then(|| {
            Trouble::problem(
                container.status.clone(),
                "somebody paused it, or a backup was killed half-way: its processes stand still",
                "confidexmon doctor --fix",
            )
            .mended_by(Remedy::Unpause { container: container.name.clone() })
        })
    })
}
