//! The stack's containers, as the engine tells and as they answer.

use futures_util::future::join_all;
use serde_json::Value;

use crate::apply::doctor::{ENGINE, Inspector, asked, logs, within};
use crate::apply::gather as engine_gather;
use crate::doctor::Topic;
use crate::doctor::facts::{Asked, Container, Hardening};
use crate::engine::{Engine, Thing};
use crate::health::Reading;
use crate::model::{ObservedContainer, Secret};
use crate::store::tarball;

/// Shorter values stand in many texts by chance.
const SHORTEST_SECRET: usize = 6;

pub(super) async fn gather<E: Engine>(inspector: &Inspector<'_, E>) -> Asked<Vec<Container>> {
    let observed = match &inspector.observed {
        Ok(observed) => observed,
        Err(reason) => return Asked::NoAnswer(reason.clone()),
    };
    let stack = &inspector.settings.stack;
    let ours = engine_gather::services(observed, stack);
    let ours = ours.filter(|one| one.service().is_some_and(|service| one.name == stack.container(service)));
    let secrets = inspector.secrets();
    Asked::Answer(join_all(ours.map(|container| one(inspector, container, &secrets))).await)
}

async fn one<E: Engine>(
    inspector: &Inspector<'_, E>,
    container: &ObservedContainer,
    secrets: &[(String, Secret)],
) -> Container {
    let Ok(session) = &inspector.session else { return Container::default() };
    let describe = async { asked(session.engine.describe(Thing::Container(&container.id)).await) };
    let image = async { asked(session.engine.describe(Thing::Image(&container.image_id)).await) };
    let (detail, image, probe, open_secrets) = tokio::join!(
        within("the engine", ENGINE, describe),
        within("the engine", ENGINE, image),
        probe(inspector, container),
        open_secrets(inspector, container),
    );
    let null = Value::Null;
    let detail = detail.answer().unwrap_or(&null);
    let is_ready = probe.answer().is_some_and(String::is_empty);
    let last_lines =
        if is_ready { Vec::new() } else { logs::tail(&session.engine, &container.id, 15, None).await };
    let state = &detail["State"];
    let hardening = hardening(detail);
    Container {
        service: container.service().map(|service| service.name().to_owned()).unwrap_or_default(),
        name: container.name.clone(),
        state: container.state.to_string(),
        status: container.status.clone(),
        image: container.image.clone(),
        image_id: container.image_id.clone(),
        exit_code: state["ExitCode"].as_i64().unwrap_or_default(),
        oom_killed: state["OOMKilled"].as_bool().unwrap_or_default(),
        error: state["Error"].as_str().unwrap_or_default().to_owned(),
        restarts: detail["RestartCount"].as_i64().unwrap_or_default(),
        restart_policy: hardening.restart_policy.clone(),
        published: container.ports.iter().map(|(ip, port, _)| (ip.clone(), *port)).collect(),
        probe,
        last_lines,
        exposed_secrets: exposed(detail, secrets),
        open_secrets,
        hardening,
        image_created: created(&image),
    }
}

async fn probe<E: Engine>(inspector: &Inspector<'_, E>, container: &ObservedContainer) -> Asked<String> {
    let (Ok(session), Some(service)) = (&inspector.session, container.service()) else {
        return Asked::Absent;
    };
    let Some(wanted) = inspector.desired.services.get(&service).filter(|_| container.is_running()) else {
        return Asked::Absent;
    };
    let inside = wanted.probe.container_port();
    let Some((_, port, _)) = container.ports.iter().find(|(_, _, port)| *port == inside) else {
        return Asked::NoAnswer("no port of it is published".to_owned());
    };
    let reading = session.probe(&wanted.probe, &session.address(wanted, *port)).await;
    match reading {
        Reading::Silent(text) => Asked::NoAnswer(text),
        other => Asked::Answer(other.text().to_owned()),
    }
}

/// Files of secrets that others than their owner may read. The engine packs them without reading their text here.
async fn open_secrets<E: Engine>(inspector: &Inspector<'_, E>, container: &ObservedContainer) -> Vec<String> {
    let (Ok(session), Some(service)) = (&inspector.session, container.service()) else { return Vec::new() };
    let Some(wanted) = inspector.desired.services.get(&service).filter(|_| inspector.wants(Topic::Security))
    else {
        return Vec::new();
    };
    let path = format!("{}/secrets", wanted.files.root);
    let read = async { asked(session.engine.download(&container.id, &path).await) };
    let archive = within("the engine", ENGINE, read).await;
    let files = archive.answer().map(|archive| tarball::modes(archive)).unwrap_or_default();
    let open = files.into_iter().filter(|(_, mode)| mode & 0o077 != 0);
    open.map(|(path, mode)| format!("{path} ({mode:04o})")).collect()
}

fn created(image: &Asked<Value>) -> Option<f64> {
    let at = image.answer()?["Created"].as_str()?.parse::<jiff::Timestamp>().ok()?;
    Some(at.as_duration().as_secs_f64())
}

fn exposed(detail: &Value, secrets: &[(String, Secret)]) -> Vec<String> {
    let text = detail.to_string();
    let shown = |secret: &Secret| {
        let quoted = Value::String(secret.reveal().to_owned()).to_string();
        secret.reveal().len() >= SHORTEST_SECRET && text.contains(quoted.trim_matches('"'))
    };
    secrets.iter().filter(|(_, secret)| shown(secret)).map(|(name, _)| name.clone()).collect()
}

fn hardening(detail: &Value) -> Hardening {
    let host = &detail["HostConfig"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| -> Vec<String> {
        value
            .as_array()
            .into_iter()
            .flatten()
            .map(|one| one.as_str().map_or_else(|| one["PathOnHost"].to_string(), str::to_owned))
            .collect()
    };
    let mounts = detail["Mounts"].as_array().into_iter().flatten();
    let binds = mounts.filter(|mount| mount["Type"] == "bind").map(|mount| text(&mount["Source"]));
    let mounts = detail["Mounts"].as_array().into_iter().flatten();
    let networks = detail["NetworkSettings"]["Networks"].as_object();
    let propagation = mounts.map(|mount| text(&mount["Propagation"]));
    Hardening {
        user: text(&detail["Config"]["User"]),
        privileged: host["Privileged"].as_bool().unwrap_or_default(),
        cap_add: list(&host["CapAdd"]),
        cap_drop: list(&host["CapDrop"]),
        security_opt: list(&host["SecurityOpt"]),
        read_only_root: host["ReadonlyRootfs"].as_bool().unwrap_or_default(),
        memory: host["Memory"].as_f64().unwrap_or_default(),
        pids: host["PidsLimit"].as_f64().unwrap_or_default(),
        network_mode: text(&host["NetworkMode"]),
        networks: networks.map(|networks| networks.keys().cloned().collect()).unwrap_or_default(),
        pid_mode: text(&host["PidMode"]),
        ipc_mode: text(&host["IpcMode"]),
        uts_mode: text(&host["UTSMode"]),
        userns_mode: text(&host["UsernsMode"]),
        cgroup_parent: text(&host["CgroupParent"]),
        propagation: propagation.collect(),
        binds: binds.collect(),
        devices: list(&host["Devices"]),
        restart_policy: text(&host["RestartPolicy"]["Name"]),
    }
}
