//! The items of the CIS Docker benchmark's section 5 that apply, for each container.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::{Container, Facts, Hardening};

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "hardening",
    topic: Topic::Security,
    what: "the containers have no more rights than they need (CIS Docker, section 5)",
    run: Run::Once(run),
};

/// One item: its title, and what tells that it holds.
struct Item {
    title: &'static str,
    holds: fn(&Container) -> bool,
}

const ITEMS: [Item; 16] = [
    Item { title: "runs as a user without root rights", holds: |one| !is_root(&one.hardening) },
    Item { title: "no capability is added, all are dropped", holds: |one| drops_all(&one.hardening) },
    Item { title: "is not privileged", holds: |one| !one.hardening.privileged },
    Item { title: "mounts nothing of the host", holds: |one| one.hardening.binds.is_empty() },
    Item {
        title: "does not have the engine's socket",
        holds: |one| one.hardening.binds.iter().all(|path| !path.contains("docker.sock")),
    },
    Item { title: "does not share the host's network", holds: |one| one.hardening.network_mode != "host" },
    Item { title: "has a limit on memory", holds: |one| one.hardening.memory > 0.0 },
    Item { title: "its root file system is read-only", holds: |one| one.hardening.read_only_root },
    Item {
        title: "its ports are bound to one address",
        holds: |one| one.published.iter().all(|(address, _)| address != "0.0.0.0" && address != "::"),
    },
    Item { title: "does not share the host's processes", holds: |one| one.hardening.pid_mode != "host" },
    Item { title: "does not share the host's shared memory", holds: |one| one.hardening.ipc_mode != "host" },
    Item { title: "has no device of the host", holds: |one| one.hardening.devices.is_empty() },
    Item {
        title: "cannot gain rights (no-new-privileges)",
        holds: |one| {
            one.hardening
                .security_opt
                .iter()
                .any(|option| option.starts_with("no-new-privileges") && !option.ends_with("false"))
        },
    },
    Item {
        title: "seccomp is not switched off",
        holds: |one| one.hardening.security_opt.iter().all(|option| option != "seccomp=unconfined"),
    },
    Item {
        title: "AppArmor is not switched off",
        holds: |one| one.hardening.security_opt.iter().all(|option| option != "apparmor=unconfined"),
    },
    Item { title: "has a limit on processes", holds: |one| one.hardening.pids > 0.0 },
];

/// Items that are left open on purpose, and why.
const EXCEPTIONS: [&str; 2] = [
    "restart policy `always` instead of on-failure:5 (after a killed engine every other policy leaves the stack down)",
    "no CPU shares (set `resources.<service>.cpus`)",
];

fn is_root(hardening: &Hardening) -> bool {
    let user = hardening.user.split(':').next().unwrap_or_default();
    user.is_empty() || user == "0" || user == "root"
}

fn drops_all(hardening: &Hardening) -> bool {
    let all = |name: &String| name.eq_ignore_ascii_case("all");
    hardening.cap_drop.iter().any(all) && hardening.cap_add.is_empty()
}

fn run(facts: &Facts) -> Outcome {
    let well = format!(
        "passed: {}; excepted: {}",
        ITEMS.iter().map(|item| item.title).collect::<Vec<_>>().join(", "),
        EXCEPTIONS.join(", ")
    );
    crate::doctor::stack::each(facts, &well, |container| {
        let failed: Vec<&str> =
            ITEMS.iter().filter(|item| !(item.holds)(container)).map(|item| item.title).collect();
        let open =
            ["is not privileged", "does not have the engine's socket", "does not share the host's network"];
        let is_open = failed.iter().any(|title| open.contains(title));
        (!failed.is_empty()).then(|| {
            let evidence = format!("not so: {}", failed.join(", "));
            let cause =
                "the container is not as `confidexmon up` makes it, or the engine ignores what was asked";
            if is_open {
                Trouble::problem(evidence, cause, "confidexmon up")
            } else {
                Trouble::warning(evidence, cause, "confidexmon up")
            }
        })
    })
}
