//! Secrets in a container's environment or arguments.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "secret-files",
    topic: Topic::Security,
    what: "secrets are in files that only their service can read",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    crate::doctor::stack::each(facts, "none is in the environment, arguments or labels", |container| {
        if !container.open_secrets.is_empty() {
            return Some(Trouble::problem(
                format!("not for its owner alone: {}", container.open_secrets.join(", ")),
                "somebody wrote into the volume, past confidexmon",
                format!(
                    "confidexmon down, docker volume rm {0}-{1}-config, confidexmon up",
                    facts.wanted.stack, container.service
                ),
            ));
        }
        (!container.exposed_secrets.is_empty()).then(|| {
            Trouble::problem(
                format!("`docker inspect` shows the value of {}", container.exposed_secrets.join(", ")),
                "the container was made by something else than `confidexmon up`, or by a template that was changed",
                "confidexmon up; then change the secret",
            )
        })
    })
}
