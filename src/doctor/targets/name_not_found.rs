//! A name that does not resolve in Prometheus's network.

use crate::doctor::check::{Diagnosis, Run, Topic, Trouble};
use crate::doctor::facts::{Facts, Target};

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "name-not-found",
    topic: Topic::Targets,
    what: "the target's name resolves inside the Prometheus container",
    run: Run::Target(run),
};

/// True for a container of the stack that runs and is attached to its network.
fn is_neighbour(host: &str, facts: &Facts) -> bool {
    let network = format!("{}-monitoring", facts.wanted.stack);
    let mut containers = facts.containers.answer().into_iter().flatten();
    containers
        .any(|one| one.name == host && one.state == "running" && one.hardening.networks.contains(&network))
}

fn run(target: &Target, facts: &Facts) -> Option<Trouble> {
    let lookup = super::says(target, &["lookup "]);
    let unknown = super::says(target, &["no such host", "name or service not known"]);
    let broken = lookup
        && super::says(
            target,
            &["server misbehaving", "i/o timeout", "temporary failure", "connection refused"],
        );
    if !unknown && !broken {
        return None;
    }
    let host = &target.host;
    if broken {
        let cause =
            format!("the engine's name server does not answer the container: `{host}` may well exist");
        let fix =
            "sudo systemctl restart docker (a firewall that was reloaded has removed the engine's rules)";
        return Some(Trouble::problem("the name server was asked and failed", cause, fix));
    }
    if target.is_engines_host() {
        let podman = facts.engine.answer().is_some_and(|engine| engine.podman);
        let name = if podman { "host.containers.internal" } else { "host.docker.internal" };
        let cause = format!("the container has no entry for `{host}`");
        let fix = format!("write `http://{name}:{}` into {}", target.port, super::in_settings(target));
        return Some(Trouble::problem("", cause, fix));
    }
    if is_neighbour(host, facts) {
        let cause = "it runs on the same network, so the network itself resolves no names: the engine's part for that is missing or does not run";
        let fix = "Podman: install aardvark-dns and netavark (or the CNI plugin dnsname), then `confidexmon down && confidexmon up`; Docker: sudo systemctl restart docker";
        return Some(Trouble::problem("", cause, fix));
    }
    if !host.contains('.') {
        let cause =
            format!("no container called `{host}` is on the network `{}-monitoring`", facts.wanted.stack);
        let fix = format!("docker network connect {}-monitoring {host}", facts.wanted.stack);
        return Some(Trouble::problem("a name without a dot is a container's", cause, fix));
    }
    let here = match target.from_here.answer() {
        Some(view) if view.connect.is_empty() => "this machine can resolve it, the container cannot",
        Some(_) => "this machine cannot connect to it either",
        None => "",
    };
    let fix = format!("correct {}", super::in_settings(target));
    Some(Trouble::problem(here, format!("`{host}` does not exist in DNS as the container sees it"), fix))
}
