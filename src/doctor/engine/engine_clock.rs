//! Clocks: of this machine, of the engine, and of Prometheus.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble, Verdict};
use crate::doctor::facts::{Asked, Facts};
use crate::doctor::units;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "engine-clock",
    topic: Topic::Engine,
    what: "the clocks of this machine, of the engine and of Prometheus agree",
    run: Run::Once(run),
};

/// Seconds. Answers take time, and whole seconds are all that some of them have.
const SMALL: f64 = 5.0;
const LARGE: f64 = 60.0;

fn run(facts: &Facts) -> Outcome {
    let engine =
        facts.engine.answer().and_then(|engine| engine.system.answer()).and_then(|system| system.clock);
    let prometheus = facts.prometheus.answer().and_then(|prometheus| prometheus.clock);
    if let (None, None, Asked::NoAnswer(reason)) = (engine, prometheus, &facts.engine) {
        return Outcome::Unknown(reason.clone());
    }
    let known = [("the engine", engine), ("Prometheus", prometheus)];
    let mut troubles = Vec::new();
    let mut seen = Vec::new();
    for (who, clock) in known {
        let Some((theirs, ours)) = clock else { continue };
        let off = theirs - ours;
        if off.abs() < SMALL {
            seen.push(format!("{who} within {}", units::time(off.abs().max(1.0))));
            continue;
        }
        let side = if off > 0.0 { "ahead of" } else { "behind" };
        let verdict = if off.abs() < LARGE { Verdict::Warning } else { Verdict::Problem };
        troubles.push(Trouble {
            verdict,
            ..Trouble::problem(
                format!("the clock of {who} is {} {side} this machine's", units::time(off)),
                "a clock that stood still or jumped (a virtual machine after sleep): samples are refused, panels are empty",
                "sudo timedatectl set-ntp true (Docker Desktop: restart it; WSL: `sudo hwclock -s`)",
            )
        });
    }
    if let Some(lag) =
        facts.prometheus.answer().and_then(|prometheus| prometheus.values.get("newest_sample_age"))
    {
        let late =
            facts.prometheus.answer().is_some_and(|prometheus| prometheus.uptime > 300.0) && *lag > 300.0;
        if late {
            troubles.push(Trouble::problem(
                format!("the newest sample is {} old", units::time(*lag)),
                "Prometheus does not scrape, or its clock jumped back: newer samples are refused until it catches up",
                "confidexmon restart prometheus",
            ));
        }
    }
    seen.push("a browser's clock cannot be looked at from here".to_owned());
    Outcome::of(troubles, seen.join(", "))
}
