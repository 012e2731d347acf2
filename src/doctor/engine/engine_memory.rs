//! Memory of the engine's machine.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::Facts;
use crate::doctor::units;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "engine-memory",
    topic: Topic::Engine,
    what: "memory of the engine's machine, beside the limits of the stack",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    facts.machine.then(|machine| {
        let seen = format!(
            "{} available of {}",
            units::bytes(machine.memory_available),
            units::bytes(machine.memory_total)
        );
        let limits: f64 = facts.wanted.memory.values().sum();
        if machine.memory_total > 0.0 && machine.memory_available / machine.memory_total < 0.05 {
            return Trouble::warning(
                seen,
                "the machine is short of memory: the kernel may kill a service of the stack",
                "free -h; ps aux --sort=-rss | head",
            )
            .into();
        }
        if machine.memory_total > 0.0 && limits > machine.memory_total {
            return Trouble::warning(
                format!("{seen}; the limits add up to {}", units::bytes(limits)),
                "the services may together use more than there is",
                "lower `resources:` in config/confidexmon.yml, then `confidexmon up`",
            )
            .into();
        }
        Outcome::Well(seen)
    })
}
