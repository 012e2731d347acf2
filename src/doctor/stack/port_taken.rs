//! What stands in the way of `up`: a port or a name that is taken.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "port-taken",
    topic: Topic::Stack,
    what: "the stack's ports and names are free or its own",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    facts.plan.then(|plan| {
        let taken =
            plan.blockers.iter().filter(|blocker| matches!(blocker.kind.as_str(), "port" | "foreign"));
        let troubles = taken.map(|blocker| {
            Trouble::problem(
                blocker.text.clone(),
                "something else was there first: `up` cannot start the service",
                blocker.hint.clone(),
            )
        });
        Outcome::of(troubles.collect(), "all are")
    })
}
