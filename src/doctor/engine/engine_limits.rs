//! Limits that the engine accepts and does not enforce.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "engine-limits",
    topic: Topic::Engine,
    what: "the engine enforces the limits on memory and processes",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    facts.engine.then(|engine| {
        engine.system.then(|system| {
            let limits = [(system.memory_limit, "memory"), (system.pids_limit, "processes")];
            let missing: Vec<&str> = limits.iter().filter(|(works, _)| !works).map(|(_, name)| *name).collect();
            if missing.is_empty() {
                return Outcome::Well(format!("cgroup v{}", system.cgroup_version));
            }
            Trouble::warning(
                format!("the engine says that it cannot limit {}", missing.join(" and ")),
                "the kernel's cgroup controllers are off or not delegated: one service can take the whole machine",
                "docker info 2>&1 | grep WARNING",
            )
            .into()
        })
    })
}
