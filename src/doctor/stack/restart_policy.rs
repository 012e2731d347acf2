//! A restart policy that was lost.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;
use crate::doctor::remedy::Remedy;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "restart-policy",
    topic: Topic::Stack,
    what: "the engine starts every service again after a crash or a reboot",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    super::each(facts, "policy always", |container| {
        let lost = container.state == "running" && container.restart_policy != "always";
        lost.then(|| {
            Trouble::warning(
                format!("its policy is `{}`", container.restart_policy),
                "a stop, or `docker update`, has changed it: after a crash or a reboot it stays down",
                "confidexmon doctor --fix",
            )
            .mended_by(Remedy::RestorePolicy { container: container.name.clone() })
        })
    })
}
