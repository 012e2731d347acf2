//! Disk, memory and firewall of the engine's machine, where that is this one.

use std::path::Path;
use std::time::Duration;

use tokio::process::Command;

use crate::apply::doctor::{ENGINE, Inspector, asked, within};
use crate::doctor::facts::{Asked, Disk, Machine};
use crate::engine::{Engine, Thing};
use crate::store::machine;

/// Where engines keep images and volumes when they do not say.
const USUAL: &str = "/var/lib/docker";

pub(super) async fn gather<E: Engine>(inspector: &Inspector<'_, E>) -> Asked<Machine> {
    let session = match &inspector.session {
        Ok(session) => session,
        Err(reason) => return Asked::NoAnswer(reason.clone()),
    };
    if !session.engine.info().endpoint.starts_with("unix://") {
        return Asked::NoAnswer("the engine runs on another machine, which is not looked at".to_owned());
    }
    let describe = async { asked(session.engine.describe(Thing::Engine).await) };
    let info = within("the engine", ENGINE, describe).await;
    let root = info.answer().and_then(|info| info["DockerRootDir"].as_str()).unwrap_or(USUAL).to_owned();
    let (total, available) = machine::memory().unwrap_or_default();
    Asked::Answer(Machine {
        disk: disk(&root),
        memory_total: float(total),
        memory_available: float(available),
        firewall: firewall().await,
    })
}

/// Of the folder, or of the next one above it that may be looked at.
fn disk(root: &str) -> Option<Disk> {
    let space = Path::new(root).ancestors().find_map(machine::space)?;
    Some(Disk {
        path: root.to_owned(),
        total: float(space.total),
        free: float(space.free),
        inodes: float(space.inodes),
        inodes_free: float(space.inodes_free),
    })
}

#[expect(clippy::cast_precision_loss, reason = "bytes; a float holds them exactly enough")]
const fn float(number: u64) -> f64 {
    number as f64
}

/// Rules that drop or reject what comes in; empty without the right to read them.
async fn firewall() -> Vec<String> {
    let mut rules = Vec::new();
    for chain in ["INPUT", "DOCKER-USER"] {
        let listed = Command::new("iptables").args(["-w", "1", "-S", chain]).kill_on_drop(true).output();
        let Ok(Ok(output)) = tokio::time::timeout(Duration::from_secs(2), listed).await else { break };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let refuses = |line: &&str| {
            line.contains("-j DROP") || line.contains("-j REJECT") || *line == format!("-P {chain} DROP")
        };
        rules.extend(text.lines().filter(refuses).map(str::to_owned));
    }
    rules
}
