//! Whether there is an engine that speaks to us.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::{Asked, Facts};

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "engine-answers",
    topic: Topic::Engine,
    what: "the container engine answers, and lets this user in",
    run: Run::Once(run),
};

/// The words of the refusal, the cause, the fix.
const REASONS: [(&[&str], &str, &str); 4] = [
    (
        &["permission denied", "Permission denied", "Forbidden"],
        "this user may not talk to the engine",
        "sudo usermod -aG docker $USER",
    ),
    (
        &["does not answer", "no answer within"],
        "the engine's process is there but hangs",
        "journalctl -u docker -n 50 --no-pager; sudo systemctl restart docker (Podman: restart podman.socket)",
    ),
    (
        &["API"],
        "the engine and this program share no version of the API",
        "upgrade the engine to Docker 20.10 or newer",
    ),
    (&["context", "endpoint"], "the endpoint or context that was named is none", "docker context ls"),
];

fn run(facts: &Facts) -> Outcome {
    match &facts.engine {
        Asked::Absent => Outcome::NotApplicable,
        Asked::Answer(engine) => {
            let kind = if engine.podman { "Podman" } else { "Docker" };
            Outcome::Well(format!(
                "{kind} {} (API {}) at {}",
                engine.version, engine.api_version, engine.endpoint
            ))
        }
        Asked::NoAnswer(reason) => {
            let known = REASONS.iter().find(|(words, ..)| words.iter().any(|word| reason.contains(word)));
            let (cause, fix) = known.map_or(
                ("the engine does not run, or listens somewhere else", "sudo systemctl start docker"),
                |(_, cause, fix)| (*cause, *fix),
            );
            Trouble::problem(reason, cause, fix).into()
        }
    }
}
