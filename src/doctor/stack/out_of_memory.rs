//! A container that was killed for its memory.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;
use crate::doctor::units;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "out-of-memory",
    topic: Topic::Stack,
    what: "no service was killed because it ran out of memory",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    super::each(facts, "none was killed", |container| {
        let by_signal = container.exit_code == 137 && super::is_crash_loop(container);
        let is_ready = container.probe.answer().is_some_and(String::is_empty);
        // Somebody has started it since: the engine (20.10) keeps the mark of the life before.
        let is_over = is_ready && container.restarts == 0;
        if is_over || !container.oom_killed && !by_signal {
            return None;
        }
        let limit = if container.hardening.memory > 0.0 {
            format!("its limit is {}", units::bytes(container.hardening.memory))
        } else {
            "it has no limit of its own".to_owned()
        };
        let evidence = format!(
            "{}, exit code {}, {} restarts; {limit}{}",
            if container.oom_killed {
                "killed because it ran out of memory (OOM)"
            } else {
                "killed by signal 9"
            },
            container.exit_code,
            container.restarts,
            super::last_words(container)
        );
        let cause = "it needs more memory than it may use";
        let fix = format!(
            "raise `resources.{}.memory` in config/confidexmon.yml, then `confidexmon up`",
            container.service
        );
        let trouble = if is_ready { Trouble::warning } else { Trouble::problem };
        Some(trouble(evidence, cause.to_owned(), fix))
    })
}
