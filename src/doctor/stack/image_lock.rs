//! An image that is not the locked one.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "image-lock",
    topic: Topic::Stack,
    what: "the images are those of images.lock",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    facts.plan.then(|plan| {
        let moved = plan.blockers.iter().filter(|blocker| blocker.kind == "image");
        let troubles = moved.map(|blocker| {
            Trouble::problem(blocker.text.clone(), "the tag was pushed or built anew", blocker.hint.clone())
        });
        Outcome::of(troubles.collect(), "they are")
    })
}
