//! A service that does not run.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::{Container, Facts};

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "stopped",
    topic: Topic::Stack,
    what: "every service of the settings runs",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    facts.containers.then(|containers| {
        if containers.is_empty() {
            return Trouble::problem(
                format!("no container of the stack `{}` is there", facts.wanted.stack),
                "the stack is not up",
                "confidexmon up",
            )
            .into();
        }
        let absent =
            facts.wanted.services.iter().filter(|name| containers.iter().all(|one| one.service != **name));
        let absent = absent.map(|name| {
            Trouble::problem(
                format!("there is no container for {name}"),
                "it was removed, or never created",
                "confidexmon up",
            )
            .about(format!("the service {name}"))
        });
        let ended = containers.iter().filter_map(ended);
        Outcome::of(ended.chain(absent).collect(), "all run")
    })
}

fn ended(container: &Container) -> Option<Trouble> {
    // What is paused, keeps exiting or was killed for its memory is another diagnosis's matter.
    let stopped = matches!(container.state.as_str(), "exited" | "created" | "dead" | "removing");
    if !stopped || container.oom_killed || super::is_crash_loop(container) {
        return None;
    }
    let (cause, evidence) = match container.state.as_str() {
        "created" if container.error.is_empty() => (
            "it was created and never started: a run was interrupted, or the engine refused (`up` says why)",
            container.status.clone(),
        ),
        "created" => ("the engine could not start it", container.error.clone()),
        _ if container.restart_policy == "no" => {
            ("it was stopped through confidexmon, or its restart policy was lost", container.status.clone())
        }
        _ if matches!(container.exit_code, 0 | 137 | 143) => {
            ("somebody stopped it, or the engine was restarted", container.status.clone())
        }
        _ => ("it ended with an error", container.status.clone()),
    };
    let evidence = format!("{evidence}{}", super::last_words(container));
    Some(
        Trouble::problem(evidence, cause, "confidexmon up")
            .about(format!("the container {}", container.name)),
    )
}
