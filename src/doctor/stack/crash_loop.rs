//! A container that keeps exiting.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::{Container, Facts};

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "crash-loop",
    topic: Topic::Stack,
    what: "no service keeps exiting",
    run: Run::Once(run),
};

/// Words of a log, and what they mean.
const CAUSES: [(&[&str], &str); 6] = [
    (
        &["error loading config", "Error loading config", "parsing YAML", "cannot unmarshal"],
        "it refuses its configuration",
    ),
    (&["permission denied"], "it may not write where its data lie: the volume belongs to another user"),
    (&["no space left"], "the disk is full"),
    (&["lock DB directory", "resource temporarily unavailable"], "another process holds its data"),
    (&["address already in use"], "its port inside the container is taken"),
    (&["database is locked", "database disk image is malformed"], "its database is locked or damaged"),
];

fn run(facts: &Facts) -> Outcome {
    super::each(facts, "none keeps exiting", |container| {
        if !super::is_crash_loop(container) || container.oom_killed || container.exit_code == 137 {
            return None;
        }
        let evidence = format!(
            "{}, exit code {}, {} restarts{}",
            container.state,
            container.exit_code,
            container.restarts,
            super::last_words(container)
        );
        Some(Trouble::problem(
            evidence,
            cause(container),
            format!("confidexmon logs {} --tail 30", container.service),
        ))
    })
}

fn cause(container: &Container) -> String {
    let log = container.last_lines.join("\n");
    let known = CAUSES.iter().find(|(words, _)| words.iter().any(|word| log.contains(word)));
    known.map_or_else(
        || "it ends with an error of its own; its log says which".to_owned(),
        |(_, cause)| (*cause).to_owned(),
    )
}
