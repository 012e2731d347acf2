//! A target that is a service of this stack and does not run.

use crate::doctor::check::{Diagnosis, Run, Topic, Trouble};
use crate::doctor::facts::{Facts, Target};
use crate::model::ServiceKind;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "service-down",
    topic: Topic::Targets,
    what: "targets that are services of the stack run",
    run: Run::Target(run),
};

fn run(target: &Target, facts: &Facts) -> Option<Trouble> {
    let service = ServiceKind::ALL.into_iter().find(|service| {
        target.host == format!("{}-{service}", facts.wanted.stack) || target.host == service.name()
    })?;
    let container = facts.container(service);
    let state = container.map_or("absent", |container| container.state.as_str());
    let is_ready = container.is_some_and(|container| container.probe.answer().is_some_and(String::is_empty));
    if state == "running" && is_ready {
        return None;
    }
    let fix = if state == "paused" {
        format!("docker unpause {}", target.host)
    } else {
        "confidexmon up".to_owned()
    };
    Some(Trouble::problem(
        format!("its container is {state}"),
        "the service itself is not there to be scraped",
        fix,
    ))
}
