//! A firewall between the engine's bridge and its host.

use crate::doctor::check::{Diagnosis, Run, Topic, Trouble};
use crate::doctor::facts::{Facts, Target};

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "firewall",
    topic: Topic::Targets,
    what: "no firewall stands between the containers and this machine",
    run: Run::Target(run),
};

fn run(target: &Target, facts: &Facts) -> Option<Trouble> {
    let rejected = super::says(target, &["connection refused", "no route to host", "network is unreachable"]);
    if !rejected && !super::timed_out(target) {
        return None;
    }
    let answers_here = target
        .from_here
        .answer()
        .is_some_and(|view| view.error.is_empty() && view.seconds < target.timeout.max(1.0));
    let works_outside =
        if target.is_engines_host() { super::gateway_works(target) && answers_here } else { answers_here };
    // A connection that works from inside by now was only slow to come up.
    let works_inside = target.inside.answer().is_some_and(String::is_empty);
    if !works_outside || works_inside {
        return None;
    }
    let rules = facts.machine.answer().map(|machine| machine.firewall.as_slice()).unwrap_or_default();
    let names_port = |rule: &&String| {
        rule.ends_with(&format!("--dport {}", target.port))
            || rule.contains(&format!("--dport {} ", target.port))
    };
    let rule = rules.iter().find(names_port).or_else(|| rules.iter().find(|rule| !rule.contains("--dport")));
    let rule = rule.map_or_else(String::new, |rule| format!("; the firewall has `{rule}`"));
    let evidence = format!("this machine connects to the same address at once, the container does not{rule}");
    if !target.is_engines_host() {
        let cause = "the container cannot get out to where this machine can: a firewall rule for forwarded packets, or a proxy that only this machine uses";
        return Some(Trouble::problem(
            evidence,
            cause,
            "sudo iptables -S FORWARD; sudo iptables -S DOCKER-USER",
        ));
    }
    let rootless =
        facts.engine.answer().and_then(|engine| engine.system.answer()).is_some_and(|system| system.rootless);
    if rootless {
        let cause = "a rootless engine does not let containers reach this machine's loopback";
        return Some(Trouble::problem(
            evidence,
            cause,
            "write this machine's own address instead of host.docker.internal",
        ));
    }
    let port = target.port;
    let fix = format!(
        "sudo ufw allow in on docker0 to any port {port} proto tcp (or: sudo iptables -I INPUT -i br-+ -p tcp --dport {port} -j ACCEPT)"
    );
    Some(Trouble::problem(evidence, "a firewall drops what comes from the containers to this machine", fix))
}
