//! What the engine says about itself.

use serde_json::Value;

use crate::apply::doctor::{ENGINE, Inspector, asked, now, within};
use crate::doctor::facts::{Asked, Engine as EngineFacts, System};
use crate::engine::{Engine, Thing};

pub(super) async fn gather<E: Engine>(inspector: &Inspector<'_, E>) -> Asked<EngineFacts> {
    let session = match (&inspector.session, &inspector.observed) {
        (Ok(session), Ok(_)) => session,
        (Err(reason), _) | (Ok(_), Err(reason)) => return Asked::NoAnswer(reason.clone()),
    };
    let describe = async { asked(session.engine.describe(Thing::Engine).await).map(|info| system(&info)) };
    let system = within("the engine", ENGINE, describe).await;
    let info = session.engine.info();
    Asked::Answer(EngineFacts {
        endpoint: info.endpoint.clone(),
        version: info.version.clone(),
        api_version: info.api_version.clone(),
        podman: info.podman,
        is_local: info.endpoint.starts_with("unix://"),
        system,
    })
}

fn system(info: &Value) -> System {
    let text = |name: &str| info[name].as_str().unwrap_or_default().to_owned();
    // An engine that does not speak of a limit has it.
    let works = |name: &str| info[name].as_bool().unwrap_or(true);
    let list = |name: &str| -> Vec<String> {
        info[name]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|one| one.as_str().map(str::to_owned))
            .collect()
    };
    let clock = text("SystemTime").parse::<jiff::Timestamp>().ok();
    System {
        operating_system: text("OperatingSystem"),
        kernel: text("KernelVersion"),
        root_dir: text("DockerRootDir"),
        clock: clock.map(|at| (at.as_duration().as_secs_f64(), now())),
        rootless: list("SecurityOptions").iter().any(|option| option.contains("rootless")),
        memory_limit: works("MemoryLimit"),
        pids_limit: works("PidsLimit"),
        cgroup_version: text("CgroupVersion"),
        live_restore: info["LiveRestoreEnabled"].as_bool().unwrap_or_default(),
        total_memory: info["MemTotal"].as_f64().unwrap_or_default(),
        warnings: list("Warnings"),
    }
}
