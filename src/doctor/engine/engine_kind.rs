//! Kinds of engines whose containers do not see the host as others do.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic};
use crate::doctor::facts::Facts;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "engine-kind",
    topic: Topic::Engine,
    what: "what kind of engine it is: rootless, Docker Desktop, WSL, Podman",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    facts.engine.then(|engine| {
        engine.system.then(|system| {
            let mut kinds = Vec::new();
            if engine.podman {
                kinds.push("Podman".to_owned());
            }
            if system.rootless {
                kinds.push(
                    "rootless: containers reach the host's loopback only by the host's own address"
                        .to_owned(),
                );
            }
            if system.operating_system.contains("Docker Desktop") {
                kinds.push(
                    "Docker Desktop: the engine runs in a virtual machine with a clock of its own".to_owned(),
                );
            }
            if system.kernel.to_lowercase().contains("microsoft") {
                kinds.push("WSL: its clock can stand still while the machine sleeps".to_owned());
            }
            if kinds.is_empty() {
                kinds.push("with root rights".to_owned());
            }
            Outcome::Well(format!(
                "{}, kernel {}; {}",
                system.operating_system,
                system.kernel,
                kinds.join("; ")
            ))
        })
    })
}
