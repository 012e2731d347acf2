//! Containers that a killed run left, or that the settings no longer name.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;
use crate::doctor::units;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "leftovers",
    topic: Topic::Stack,
    what: "nothing of the stack is left over",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    facts.plan.then(|plan| {
        if plan.leftovers.is_empty() {
            return Outcome::Well("nothing is".to_owned());
        }
        Trouble::warning(
            units::list(&plan.leftovers, 4),
            "a run was killed, or a service was taken out of the settings while it ran",
            "confidexmon up",
        )
        .into()
    })
}
