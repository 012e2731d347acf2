//! A service that runs and does not answer, or is not ready.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::{Asked, Container, Facts};

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "not-answering",
    topic: Topic::Stack,
    what: "every service that runs answers that it is ready",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    super::each(facts, "all are ready", |container| {
        if container.state != "running" || super::is_crash_loop(container) {
            return None;
        }
        match &container.probe {
            Asked::Answer(text) if text.is_empty() => None,
            Asked::Absent => None,
            Asked::Answer(text) | Asked::NoAnswer(text) => Some(explain(container, text)),
        }
    })
}

fn explain(container: &Container, text: &str) -> Trouble {
    let evidence = format!("{text}{}", super::last_words(container));
    let logs = format!("confidexmon logs {} --tail 30", container.service);
    let restart = format!("confidexmon restart {}", container.service);
    let lower = text.to_lowercase();
    if lower.contains("503") || lower.contains("loading") {
        return Trouble::warning(
            evidence,
            "it is still starting (Prometheus reads its log of writes first)",
            "confidexmon doctor --wait",
        );
    }
    if lower.contains("401") || lower.contains("wrongpass") || lower.contains("noauth") {
        return Trouble::problem(evidence, "its password is not the one of the settings", "confidexmon up");
    }
    if lower.contains("no port") {
        return Trouble::problem(
            evidence,
            "it is not published: its network was taken away",
            "confidexmon up",
        );
    }
    if lower.contains("refused") {
        return Trouble::problem(evidence, "its process has not opened its port yet, or has lost it", logs);
    }
    Trouble::problem(evidence, "its process hangs, or the machine is too busy", restart)
}
