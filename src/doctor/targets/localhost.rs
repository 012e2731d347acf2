//! `localhost` in a URL means the Prometheus container.

use crate::doctor::check::{Diagnosis, Run, Topic, Trouble};
use crate::doctor::facts::{Facts, Target};

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "localhost",
    topic: Topic::Targets,
    what: "no target is the Prometheus container itself by mistake",
    run: Run::Target(run),
};

fn run(target: &Target, _: &Facts) -> Option<Trouble> {
    let is_loopback = target.host == "localhost"
        || target.host.starts_with("127.")
        || target.host == "[::1]"
        || target.host == "::1";
    if !is_loopback || target.job == "prometheus" {
        return None;
    }
    let evidence = match target.from_here.answer() {
        Some(view) if view.connect.is_empty() => format!("port {} answers on this machine", target.port),
        _ => String::new(),
    };
    let fix = format!(
        "write `host.docker.internal:{}` instead of `{}:{0}` into {}",
        target.port,
        target.host,
        super::in_settings(target)
    );
    Some(Trouble::problem(
        evidence,
        format!("inside the container `{}` is the container itself, not this machine", target.host),
        fix,
    ))
}
