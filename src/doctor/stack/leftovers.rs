//! Containers that a killed run left, or that the settings no longer name.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::{Facts, Leftover};
use crate::doctor::remedy::Remedy;

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
        Outcome::of(plan.leftovers.iter().map(one).collect(), "")
    })
}

fn one(left: &Leftover) -> Trouble {
    let cause = if left.temporary {
        "a command was killed before it could remove its own container"
    } else {
        "a service was taken out of the settings, or its container has another stack's name"
    };
    let about = format!("the container {}", left.container);
    if left.runs && !left.temporary {
        let fix = format!("confidexmon up --without {}", left.service);
        return Trouble::warning(left.evidence.clone(), cause, fix).about(about);
    }
    Trouble::warning(left.evidence.clone(), cause, "confidexmon doctor --fix")
        .about(about)
        .mended_by(Remedy::Remove { container: left.container.clone() })
}
