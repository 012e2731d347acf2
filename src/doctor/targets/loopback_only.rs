//! A process that listens on the host's loopback only.

use crate::doctor::check::{Diagnosis, Run, Topic, Trouble};
use crate::doctor::facts::{Facts, Target};

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "loopback-only",
    topic: Topic::Targets,
    what: "what is scraped on this machine listens for containers too",
    run: Run::Target(run),
};

fn run(target: &Target, _: &Facts) -> Option<Trouble> {
    if !super::says(target, &["connection refused"]) && !super::timed_out(target) {
        return None;
    }
    let by_table = target.listeners.answer().is_some_and(|listeners| {
        !listeners.is_empty()
            && listeners.iter().all(|address| address.starts_with("127.") || address == "::1")
    });
    let refused_there = target.gateway.answer().is_some_and(|error| error.to_lowercase().contains("refused"));
    let by_connection = refused_there && super::connects_from_here(target);
    if !target.is_engines_host() || !(by_table || by_connection) {
        return None;
    }
    let who = if target.holder.is_empty() { "a process".to_owned() } else { target.holder.clone() };
    let evidence = match target.listeners.answer() {
        Some(listeners) if by_table => format!("{who} listens on {} only", listeners.join(" and ")),
        _ => "127.0.0.1 accepts connections, the address that containers see refuses them".to_owned(),
    };
    let fix = format!("let it listen on 0.0.0.0:{} or on the address of docker0 (172.17.0.1)", target.port);
    Some(Trouble::problem(
        evidence,
        "it listens on 127.0.0.1 of this machine only, where no container can reach it",
        fix,
    ))
}
