//! A machine that nothing leads to.

use crate::doctor::check::{Diagnosis, Run, Topic, Trouble};
use crate::doctor::facts::{Facts, Target};

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "unreachable",
    topic: Topic::Targets,
    what: "there is a way to the target's machine",
    run: Run::Target(run),
};

fn run(target: &Target, _: &Facts) -> Option<Trouble> {
    let no_way = super::says(
        target,
        &["no route to host", "network is unreachable", "host is unreachable", "host is down"],
    );
    let unreachable_here = target.from_here.answer().is_some_and(|view| !view.connect.is_empty());
    let unreachable_inside =
        target.inside.answer().is_some_and(|error| error.contains("timeout") || error.contains("deadline"));
    if !no_way && !(super::timed_out(target) && (unreachable_here || unreachable_inside)) {
        return None;
    }
    let evidence = match target.from_here.answer() {
        Some(view) if !view.connect.is_empty() => format!("from this machine: {}", view.connect),
        _ => String::new(),
    };
    let cause = format!(
        "no connection to {}:{} can be made: the machine is down, the address is wrong, or a firewall before it drops packets",
        target.host, target.port
    );
    Some(Trouble::problem(
        evidence,
        cause,
        format!("ping -c 1 {}; correct {}", target.host, super::in_settings(target)),
    ))
}
