//! Calls that change something, each one request with its own deadline.

use std::time::Duration;

use bollard::body_full;
use bollard::models::ContainerUpdateBody;
use bollard::query_parameters::{
    CreateContainerOptions, DownloadFromContainerOptions, RemoveContainerOptions, RenameContainerOptions,
    RestartContainerOptions, StopContainerOptions, TagImageOptions, UploadToContainerOptions,
    WaitContainerOptions,
};
use futures_util::StreamExt;
use tokio::time::{Instant, sleep};

use crate::engine::{EngineError, ErrorKind};
use crate::model::{ContainerSpec, ImageRef, NetworkSpec};

use super::convert::{create_body, network_body, our_labels, policy};
use super::errors::hung;
use super::observe::{IdAnswer, InspectAnswer};
use super::wire::Wire;

pub(super) const LOOK: Duration = Duration::from_secs(10);
pub(super) const CHANGE: Duration = Duration::from_mins(1);
/// Added to the grace of a stop: the engine answers after the kill.
const AFTER_GRACE: Duration = Duration::from_secs(15);
/// How long a removal that someone else began may take.
const REMOVAL: Duration = Duration::from_secs(20);

pub(super) async fn create_container(wire: &Wire, spec: &ContainerSpec) -> Result<String, EngineError> {
    if !wire.info.capabilities.labels_new_volumes {
        label_volumes(wire, spec).await?;
    }
    let action = format!("create container `{}`", spec.name);
    let options = CreateContainerOptions { name: Some(spec.name.clone()), platform: String::new() };
    let body = create_body(spec, wire.info.capabilities);
    Ok(wire.call(&action, CHANGE, wire.docker.create_container(Some(options), body)).await?.id)
}

/// Podman takes no labels for a volume that a container's creation makes (4.3), so it is made before.
async fn label_volumes(wire: &Wire, spec: &ContainerSpec) -> Result<(), EngineError> {
    for mount in &spec.mounts {
        let action = format!("create volume `{}`", mount.volume);
        let body = serde_json::json!({"Name": mount.volume, "Labels": our_labels(spec, mount.role)});
        wire.post::<serde_json::Value>(&action, CHANGE, "/volumes/create", &body).await?;
    }
    Ok(())
}

pub(super) async fn create_network(wire: &Wire, spec: &NetworkSpec) -> Result<String, EngineError> {
    let action = format!("create network `{}`", spec.name);
    let answer: IdAnswer = wire.post(&action, CHANGE, "/networks/create", &network_body(spec)).await?;
    Ok(answer.id.unwrap_or_default())
}

pub(super) async fn start(wire: &Wire, id: &str) -> Result<(), EngineError> {
    let call = wire.docker.start_container(id, None::<bollard::query_parameters::StartContainerOptions>);
    wire.call(&format!("start container `{}`", short(id)), CHANGE, call).await
}

pub(super) async fn stop(wire: &Wire, id: &str, grace: Duration) -> Result<(), EngineError> {
    let options = StopContainerOptions { t: Some(seconds(grace)), signal: None };
    let call = wire.docker.stop_container(id, Some(options));
    wire.call(&format!("stop container `{}`", short(id)), grace + AFTER_GRACE, call).await
}

pub(super) async fn restart(wire: &Wire, id: &str, grace: Duration) -> Result<(), EngineError> {
    let options = RestartContainerOptions { t: Some(seconds(grace)), signal: None };
    let call = wire.docker.restart_container(id, Some(options));
    wire.call(&format!("restart container `{}`", short(id)), grace + CHANGE, call).await
}

pub(super) async fn remove_container(wire: &Wire, id: &str, force: bool) -> Result<(), EngineError> {
    let action = format!("remove container `{}`", short(id));
    // `v` takes the anonymous volumes along that an image's VOLUME line made, and never a named one.
    let options = RemoveContainerOptions { v: true, force, link: false };
    match wire.call(&action, CHANGE, wire.docker.remove_container(id, Some(options))).await {
        Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
        Err(error) if is_being_removed(&error) => wait_until_gone(wire, &action, id).await,
        other => other,
    }
}

fn is_being_removed(error: &EngineError) -> bool {
    error.kind == ErrorKind::Conflict && error.source.to_string().contains("already in progress")
}

async fn wait_until_gone(wire: &Wire, action: &str, id: &str) -> Result<(), EngineError> {
    let deadline = Instant::now() + REMOVAL;
    while Instant::now() < deadline {
        match wire.get::<InspectAnswer>(action, LOOK, &format!("/containers/{id}/json")).await {
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
            Ok(_) => sleep(Duration::from_millis(100)).await,
        }
    }
    let text = format!("it is still being removed after {} s", REMOVAL.as_secs());
    Err(EngineError::new(action, ErrorKind::Conflict, text))
}

pub(super) async fn rename_container(wire: &Wire, id: &str, name: &str) -> Result<(), EngineError> {
    let action = format!("rename container `{}` to `{name}`", short(id));
    let options = RenameContainerOptions { name: name.to_owned() };
    wire.call(&action, CHANGE, wire.docker.rename_container(id, options)).await
}

pub(super) async fn tag_image(wire: &Wire, id: &str, tag: &ImageRef) -> Result<(), EngineError> {
    let options = TagImageOptions {
        repo: Some(tag.repository().to_owned()),
        tag: Some(tag.tag().unwrap_or("latest").to_owned()),
    };
    let action = format!("give the tag `{tag}` to image `{id}`");
    wire.call(&action, CHANGE, wire.docker.tag_image(id, Some(options))).await
}

pub(super) async fn set_restart_policy(wire: &Wire, id: &str, name: &str) -> Result<(), EngineError> {
    let action = format!("set the restart policy of container `{}`", short(id));
    let Some(policy) = policy(name) else {
        return Err(EngineError::new(
            action,
            ErrorKind::Other,
            format!("`{name}` is neither `always` nor `no`"),
        ));
    };
    let body = ContainerUpdateBody { restart_policy: Some(policy), ..Default::default() };
    wire.call(&action, LOOK, wire.docker.update_container(id, body)).await
}

pub(super) async fn pause(wire: &Wire, id: &str) -> Result<(), EngineError> {
    let call = wire.docker.pause_container(id);
    wire.call(&format!("pause container `{}`", short(id)), LOOK, call).await
}

pub(super) async fn unpause(wire: &Wire, id: &str) -> Result<(), EngineError> {
    let call = wire.docker.unpause_container(id);
    match wire.call(&format!("unpause container `{}`", short(id)), LOOK, call).await {
        // Docker answers 409 or 500, by version, for a container that is not paused, and says so.
        Err(error) if error.source.to_string().contains("not paused") => Ok(()),
        other => other,
    }
}

pub(super) async fn upload(wire: &Wire, id: &str, root: &str, tar: Vec<u8>) -> Result<(), EngineError> {
    let action = format!("write files to `{root}` of container `{}`", short(id));
    let options = UploadToContainerOptions { path: root.to_owned(), ..Default::default() };
    wire.call(&action, CHANGE, wire.docker.upload_to_container(id, Some(options), body_full(tar.into())))
        .await
}

pub(super) async fn download(wire: &Wire, id: &str, path: &str) -> Result<Vec<u8>, EngineError> {
    let action = format!("read `{path}` of container `{}`", short(id));
    let options = DownloadFromContainerOptions { path: path.to_owned() };
    let mut chunks = wire.docker.download_from_container(id, Some(options));
    let mut tar = Vec::new();
    // The deadline is per chunk: a backup may be large, and silence is what tells a hung engine.
    loop {
        match tokio::time::timeout(CHANGE, chunks.next()).await {
            Err(_) => return Err(hung(action, &wire.info.endpoint, "in time")),
            Ok(Some(chunk)) => tar.extend_from_slice(&chunk.map_err(|error| wire.explain(&action, &error))?),
            Ok(None) => return Ok(tar),
        }
    }
}

pub(super) async fn wait(wire: &Wire, id: &str, deadline: Duration) -> Result<i64, EngineError> {
    let action = format!("wait for container `{}`", short(id));
    let options = WaitContainerOptions { condition: "not-running".to_owned() };
    let mut answers = wire.docker.wait_container(id, Some(options));
    let Ok(answer) = tokio::time::timeout(deadline, answers.next()).await else {
        let text = format!("it still runs after {} s", deadline.as_secs());
        return Err(EngineError::new(action, ErrorKind::Other, text));
    };
    match answer {
        Some(Ok(answer)) => Ok(answer.status_code),
        // Bollard reports every exit code but 0 as an error.
        Some(Err(bollard::errors::Error::DockerContainerWaitError { error, code })) if error.is_empty() => {
            Ok(code)
        }
        Some(Err(error)) => Err(wire.explain(&action, &error)),
        None => Err(EngineError::new(action, ErrorKind::Unreachable, "the engine ended the connection")),
    }
}

pub(super) async fn remove_network(wire: &Wire, id: &str) -> Result<(), EngineError> {
    let call = wire.docker.remove_network(id);
    gone_is_fine(wire.call(&format!("remove network `{}`", short(id)), CHANGE, call).await)
}

pub(super) async fn remove_volume(wire: &Wire, name: &str) -> Result<(), EngineError> {
    let call = wire.docker.remove_volume(name, None::<bollard::query_parameters::RemoveVolumeOptions>);
    gone_is_fine(wire.call(&format!("remove volume `{name}`"), CHANGE, call).await)
}

fn gone_is_fine(result: Result<(), EngineError>) -> Result<(), EngineError> {
    result.or_else(|error| if error.kind == ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

/// The first twelve characters of an id, as docker shows them; a name stays whole.
pub(super) fn short(id: &str) -> &str {
    let is_id = id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_id { &id[..12] } else { id }
}

fn seconds(grace: Duration) -> i32 {
    i32::try_from(grace.as_secs()).unwrap_or(i32::MAX)
}
