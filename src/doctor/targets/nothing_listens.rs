//! Nothing listens at the target's port.

use crate::doctor::check::{Diagnosis, Run, Topic, Trouble};
use crate::doctor::facts::{Facts, Target};

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "nothing-listens",
    topic: Topic::Targets,
    what: "something listens where the target should be",
    run: Run::Target(run),
};

fn run(target: &Target, _: &Facts) -> Option<Trouble> {
    if !super::says(target, &["connection refused"]) {
        return None;
    }
    let place =
        if target.is_engines_host() { "this machine".to_owned() } else { format!("`{}`", target.host) };
    let evidence = match (target.listeners.answer(), target.from_here.answer()) {
        (Some(listeners), _) if listeners.is_empty() && target.is_engines_host() => {
            format!("no process of {place} listens on port {}", target.port)
        }
        (_, Some(view)) if !view.connect.is_empty() => format!("from this machine: {}", view.connect),
        _ => String::new(),
    };
    let fix = if target.is_engines_host() {
        format!(
            "start the program that serves {} (to try the stack without it: `confidexmon demo-backend`), or correct {}",
            target.job,
            super::in_settings(target)
        )
    } else {
        format!("start it, or correct {}", super::in_settings(target))
    };
    Some(Trouble::problem(
        evidence,
        format!(
            "nothing listens on port {} of {place}: the program does not run, or uses another port",
            target.port
        ),
        fix,
    ))
}
