//! Two networks of the stack's name.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;
use crate::doctor::remedy::Remedy;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "networks",
    topic: Topic::Stack,
    what: "there is one network of the stack's name",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    facts.networks.then(|number| match number {
        0 if !facts.has_containers() => Outcome::NotApplicable,
        0 => Trouble::problem("the stack's network is gone", "somebody removed it: no service reaches another", "confidexmon up").into(),
        1 => Outcome::Well("one".to_owned()),
        number => Trouble::problem(
            format!("{number} networks are called `{}-monitoring`", facts.wanted.stack),
            "two runs made it at the same time: the engine takes either, and services may not find each other",
            "confidexmon doctor --fix, and where the spare one is in use `confidexmon down && confidexmon up`",
        )
        .mended_by(Remedy::RemoveSpareNetworks)
        .into(),
    })
}
