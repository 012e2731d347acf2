//! What `up` would change.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;
use crate::doctor::units;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "plan",
    topic: Topic::Stack,
    what: "the stack is what the settings and files say",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    facts.plan.then(|plan| {
        if let Some(what) = &plan.interruption {
            return Trouble::problem(what.clone(), "a command was killed half-way", "confidexmon up").into();
        }
        if let Some(blocker) = plan.blockers.iter().find(|blocker| blocker.kind == "rules") {
            return Trouble::problem(blocker.text.clone(), "the last rule was removed", blocker.hint.clone())
                .into();
        }
        // That nothing is there, or does not run, is said by others.
        if !facts.has_containers() {
            return Outcome::NotApplicable;
        }
        let differs: Vec<String> = plan.steps.iter().filter(|step| !is_a_start(step)).cloned().collect();
        if differs.is_empty() {
            return Outcome::Well("`confidexmon plan` has nothing to change".to_owned());
        }
        Trouble::warning(
            units::list(&differs, 3),
            "settings, rules or dashboards were changed and not applied, or somebody changed a container",
            "confidexmon up",
        )
        .into()
    })
}

fn is_a_start(step: &str) -> bool {
    [": not there", ": stopped (", ": created but never started", ": it is paused", ": left behind"]
        .iter()
        .any(|cause| step.contains(cause))
}
