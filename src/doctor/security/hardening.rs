//! The items of section 5 of the CIS Docker Benchmark (1.6 and 1.7) that apply to a container, for each of them.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::{Container, Facts, Hardening};

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "hardening",
    topic: Topic::Security,
    what: "the containers have no more rights than they need (CIS Docker, section 5)",
    run: Run::Once(run),
};

/// One item: its number, its title, and what tells that it holds.
struct Item {
    number: &'static str,
    title: &'static str,
    holds: fn(&Container) -> bool,
}

const fn item(number: &'static str, title: &'static str, holds: fn(&Container) -> bool) -> Item {
    Item { number, title, holds }
}

const ITEMS: [Item; 23] = [
    item("4.1", "runs as a user without root rights", |one| !is_root(&one.hardening)),
    item("5.2", "AppArmor is not switched off", |one| {
        one.hardening.security_opt.iter().all(|option| option != "apparmor=unconfined")
    }),
    item("5.4", "every capability is dropped, none is added", |one| drops_all(&one.hardening)),
    item("5.5", "is not privileged", |one| !one.hardening.privileged),
    item("5.6", "mounts nothing of the host", |one| one.hardening.binds.is_empty()),
    item("5.8", "has no privileged port of the host", |one| {
        one.published.iter().all(|(_, port)| *port == 0 || *port >= 1024)
    }),
    item("5.9", "publishes the one port that is needed", |one| ports(one) <= 1),
    item("5.10", "does not share the host's network", |one| one.hardening.network_mode != "host"),
    item("5.11", "has a limit on memory", |one| one.hardening.memory > 0.0),
    item("5.13", "its root file system is read-only", |one| one.hardening.read_only_root),
    item("5.14", "its port is bound to one address", |one| {
        one.published.iter().all(|(address, _)| address != "0.0.0.0" && address != "::")
    }),
    item("5.16", "does not share the host's processes", |one| one.hardening.pid_mode != "host"),
    item("5.17", "does not share the host's shared memory", |one| one.hardening.ipc_mode != "host"),
    item("5.18", "has no device of the host", |one| one.hardening.devices.is_empty()),
    item("5.20", "no mount is passed on to the host", |one| {
        one.hardening.propagation.iter().all(|mode| !mode.contains("shared"))
    }),
    item("5.21", "does not share the host's name", |one| one.hardening.uts_mode != "host"),
    item("5.22", "seccomp is not switched off", |one| {
        one.hardening.security_opt.iter().all(|option| option != "seccomp=unconfined")
    }),
    item("5.25", "is in the engine's own cgroup", |one| one.hardening.cgroup_parent.is_empty()),
    item("5.26", "cannot gain rights (no-new-privileges)", |one| cannot_gain(&one.hardening)),
    item("5.29", "has a limit on processes", |one| one.hardening.pids > 0.0),
    item("5.30", "is not on the engine's default bridge", |one| !on_default_bridge(&one.hardening)),
    item("5.31", "does not share the host's user namespace on purpose", |one| {
        one.hardening.userns_mode != "host"
    }),
    item("5.32", "does not have the engine's socket", |one| {
        one.hardening.binds.iter().all(|path| !path.contains("docker.sock") && !path.contains("podman.sock"))
    }),
];

/// Items that are left open on purpose: number, title, reason.
const EXCEPTIONS: [(&str, &str, &str); 6] = [
    ("5.3", "SELinux options", "the engine labels its containers itself where the host runs SELinux"),
    ("5.12", "CPU priority", "idle CPUs may be used; `resources.<service>.cpus` sets a limit"),
    (
        "5.15",
        "restart policy on-failure:5",
        "it is `always`: after a killed engine every other one leaves the stack down; a crash loop is told by `status` and `doctor`",
    ),
    ("5.19", "ulimits of its own", "the engine's are enough, processes are limited by 5.29"),
    (
        "5.27",
        "a health check in the container",
        "the official images bring none; every command asks the services themselves, and Prometheus scrapes them",
    ),
    (
        "5.28",
        "the latest image",
        "images are pinned and locked; `confidexmon update` takes newer ones, proved",
    ),
];

fn is_root(hardening: &Hardening) -> bool {
    let user = hardening.user.split(':').next().unwrap_or_default();
    user.is_empty() || user == "0" || user == "root"
}

/// What a container has when nobody says anything. Podman lists these where all were dropped.
const USUAL_CAPABILITIES: [&str; 11] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

fn drops_all(hardening: &Hardening) -> bool {
    let dropped = |wanted: &str| {
        let is_it = |name: &String| name.trim_start_matches("CAP_").eq_ignore_ascii_case(wanted);
        hardening.cap_drop.iter().any(is_it)
    };
    let all = dropped("ALL") || USUAL_CAPABILITIES.iter().all(|name| dropped(name));
    all && hardening.cap_add.is_empty()
}

/// Podman calls the mode of every network of its own `bridge`, so the networks' names count where they are known.
fn on_default_bridge(hardening: &Hardening) -> bool {
    if hardening.networks.is_empty() {
        return matches!(hardening.network_mode.as_str(), "default" | "bridge");
    }
    hardening.networks.iter().any(|name| matches!(name.as_str(), "bridge" | "podman"))
}

fn cannot_gain(hardening: &Hardening) -> bool {
    let forbids = |option: &String| option.starts_with("no-new-privileges") && !option.ends_with("false");
    hardening.security_opt.iter().any(forbids)
}

/// Published ports; one for each address counts once.
fn ports(container: &Container) -> usize {
    container.published.iter().map(|(_, port)| port).collect::<std::collections::BTreeSet<_>>().len()
}

/// Items that, where they do not hold, give the host away.
const GRAVE: [&str; 4] = ["5.5", "5.10", "5.16", "5.32"];

fn run(facts: &Facts) -> Outcome {
    crate::doctor::stack::each(facts, &well(), |container| {
        let failed: Vec<&Item> = ITEMS.iter().filter(|item| !(item.holds)(container)).collect();
        if failed.is_empty() {
            return None;
        }
        let named: Vec<String> =
            failed.iter().map(|item| format!("{} {}", item.number, item.title)).collect();
        let evidence = format!("not so: {}", named.join(", "));
        let cause = "the container is not as `confidexmon up` makes it, or the engine ignores what was asked";
        let is_grave = failed.iter().any(|item| GRAVE.contains(&item.number));
        let trouble = if is_grave { Trouble::problem } else { Trouble::warning };
        Some(trouble(evidence, cause.to_owned(), "confidexmon up".to_owned()))
    })
}

/// A line for each item.
fn well() -> String {
    let passed = ITEMS.iter().map(|item| format!("{:<5}passed: {}", item.number, item.title));
    let excepted =
        EXCEPTIONS.iter().map(|(number, title, reason)| format!("{number:<5}excepted: {title}: {reason}"));
    passed.chain(excepted).collect::<Vec<_>>().join("\n")
}
