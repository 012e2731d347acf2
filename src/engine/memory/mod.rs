//! An engine in memory, for tests of what is decided and applied. It keeps to what Docker does:
//! volumes outlive containers, a taken port fails the start and leaves the container created, a
//! missing image fails the create.

mod calls;
mod control;
mod files;
mod resources;
mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use hyper::body::Bytes;
use tokio::sync::broadcast;

pub use calls::Call;
pub use files::{Files, MemoryFile};

use crate::engine::{
    ContainerEvent, ContainerFiles, Containers, Engine, EngineError, EngineInfo, ErrorKind, EventAction,
    Events, ExecOutput, FileState, Images, LogLine, LogQuery, Networks, Processes, PullProgress, Thing,
    Volumes,
};
use crate::model::{
    ContainerDetail, ContainerSpec, ContainerState, ImageRef, LocalImage, NetworkSpec, Observed,
    ObservedNetwork, ObservedVolume, StackName, labels,
};

use calls::Calls;
use state::State;

type ExecHandler = Arc<dyn Fn(&str, &[String], Option<&[u8]>) -> ExecOutput + Send + Sync>;
type StartHandler = Arc<dyn Fn(&ContainerSpec) -> Option<i64> + Send + Sync>;

/// Clones share the same engine.
#[derive(Clone)]
pub struct MemoryEngine {
    info: EngineInfo,
    inner: Arc<Mutex<Inner>>,
    events: broadcast::Sender<(StackName, ContainerEvent)>,
}

struct Inner {
    state: State,
    calls: Calls,
    on_exec: ExecHandler,
    on_start: StartHandler,
}

impl Default for MemoryEngine {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryEngine {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Logs the call, lets an injected failure happen, and does the work.
    async fn call<T>(
        &self,
        call: Call,
        about: &str,
        work: impl FnOnce(&mut State) -> Result<T, (ErrorKind, String)> + Send,
    ) -> Result<T, EngineError> {
        // Concurrent callers take turns, as with a real engine.
        tokio::task::yield_now().await;
        let mut inner = self.lock();
        let failed = |(kind, text)| EngineError::new(action(call, about), kind, text);
        let after = inner.calls.begin(call, about).map_err(failed)?;
        let done = work(&mut inner.state).map_err(failed)?;
        match after {
            Some(kind) => Err(failed((kind, "the answer was lost".to_owned()))),
            None => Ok(done),
        }
    }

    fn announce(&self, container: &state::Container, action: &str) {
        let event = ContainerEvent {
            container_id: container.id.clone(),
            container_name: container.spec.name.clone(),
            action: EventAction::of(action),
        };
        if container.ours {
            // Nobody listening is no failure.
            let _ = self.events.send((container.spec.stack.clone(), event));
        }
    }

    /// Runs `work` and announces `actions` of the container when it changed something.
    async fn change(
        &self,
        call: Call,
        id: &str,
        actions: &[&str],
        work: impl FnOnce(&mut State) -> Result<bool, (ErrorKind, String)> + Send,
    ) -> Result<(), EngineError> {
        let engine = self.clone();
        let announced = |state: &mut State| {
            let before = state.find(id).cloned();
            if work(state)? {
                let container = state.find(id).or(before.as_ref());
                for (container, action) in actions.iter().filter_map(|action| Some((container?, action))) {
                    engine.announce(container, action);
                }
            }
            Ok(())
        };
        let about = self.name_of(id);
        self.call(call, &about, announced).await
    }

    fn name_of(&self, id: &str) -> String {
        self.lock().state.find(id).map_or_else(|| id.to_owned(), |container| container.spec.name.clone())
    }
}

fn action(call: Call, about: &str) -> String {
    let verb = call.name().replace('_', " ");
    if about.is_empty() { verb } else { format!("{verb} `{about}`") }
}

impl Containers for MemoryEngine {
    async fn list(&self) -> Result<Observed, EngineError> {
        self.call(Call::List, "", |state| Ok(state.list())).await
    }

    async fn inspect(&self, container_id: &str) -> Result<ContainerDetail, EngineError> {
        let about = self.name_of(container_id);
        self.call(Call::Inspect, &about, |state| state.detail(container_id)).await
    }

    async fn create_container(&self, spec: &ContainerSpec) -> Result<String, EngineError> {
        let engine = self.clone();
        let create = |state: &mut State| {
            let id = state.create(spec)?;
            state.find(&id).inspect(|container| engine.announce(container, "create"));
            Ok(id)
        };
        self.call(Call::CreateContainer, &spec.name, create).await
    }

    async fn start(&self, container_id: &str) -> Result<(), EngineError> {
        let on_start = self.lock().on_start.clone();
        self.change(Call::Start, container_id, &["start"], |state| state.start(container_id)).await?;
        let mut inner = self.lock();
        let Some(container) = inner.state.find_mut(container_id) else { return Ok(()) };
        if let Some(code) = on_start(&container.spec).filter(|_| container.state == ContainerState::Running) {
            container.end(code);
            self.announce(container, "die");
        }
        Ok(())
    }

    async fn stop(&self, container_id: &str, _grace: Duration) -> Result<(), EngineError> {
        self.change(Call::Stop, container_id, &["die", "stop"], |state| state.stop(container_id)).await
    }

    async fn restart(&self, container_id: &str, _grace: Duration) -> Result<(), EngineError> {
        let restart = |state: &mut State| {
            state.stop(container_id)?;
            state.start(container_id)
        };
        self.change(Call::Restart, container_id, &["die", "stop", "start", "restart"], restart).await
    }

    async fn remove_container(&self, container_id: &str, force: bool) -> Result<(), EngineError> {
        self.change(Call::RemoveContainer, container_id, &["destroy"], |state| {
            state.remove(container_id, force)
        })
        .await
    }

    async fn rename_container(&self, container_id: &str, name: &str) -> Result<(), EngineError> {
        let about = format!("{} to {name}", self.name_of(container_id));
        self.call(Call::RenameContainer, &about, |state| state.rename(container_id, name)).await
    }

    async fn set_restart_policy(&self, container_id: &str, policy: &str) -> Result<(), EngineError> {
        self.change(Call::SetRestartPolicy, container_id, &["update"], |state| {
            state.set_policy(container_id, policy)
        })
        .await
    }

    async fn pause(&self, container_id: &str) -> Result<(), EngineError> {
        self.change(Call::Pause, container_id, &["pause"], |state| {
            state.change_state(container_id, &ContainerState::Running, ContainerState::Paused)
        })
        .await
    }

    async fn unpause(&self, container_id: &str) -> Result<(), EngineError> {
        self.change(Call::Unpause, container_id, &["unpause"], |state| {
            state.change_state(container_id, &ContainerState::Paused, ContainerState::Running)
        })
        .await
    }
}

impl ContainerFiles for MemoryEngine {
    async fn upload(&self, container_id: &str, root: &str, tar: Vec<u8>) -> Result<(), EngineError> {
        let about = self.name_of(container_id);
        self.call(Call::Upload, &about, |state| state.upload(container_id, root, &tar)).await
    }

    async fn download(&self, container_id: &str, path: &str) -> Result<Vec<u8>, EngineError> {
        let about = self.name_of(container_id);
        self.call(Call::Download, &about, |state| state.download(container_id, path)).await
    }

    fn download_stream(
        &self,
        container_id: &str,
        path: &str,
    ) -> BoxStream<'static, Result<Bytes, EngineError>> {
        let (engine, id, path) = (self.clone(), container_id.to_owned(), path.to_owned());
        stream::once(async move { engine.download(&id, &path).await.map(Bytes::from) }).boxed()
    }

    async fn upload_stream(
        &self,
        container_id: &str,
        root: &str,
        mut tar: BoxStream<'static, std::io::Result<Bytes>>,
        _limit: Duration,
    ) -> Result<(), EngineError> {
        let mut whole = Vec::new();
        while let Some(piece) = tar.next().await {
            let failed =
                |error: std::io::Error| EngineError::new("write files", ErrorKind::Other, error.to_string());
            whole.extend_from_slice(&piece.map_err(failed)?);
        }
        self.upload(container_id, root, whole).await
    }

    async fn stat(&self, container_id: &str, path: &str) -> Result<Option<FileState>, EngineError> {
        let about = self.name_of(container_id);
        self.call(Call::Stat, &about, |state| state.stat(container_id, path)).await
    }
}

impl Processes for MemoryEngine {
    async fn exec(
        &self,
        container_id: &str,
        command: &[String],
        stdin: Option<&[u8]>,
    ) -> Result<ExecOutput, EngineError> {
        let (name, handler) = (self.name_of(container_id), self.lock().on_exec.clone());
        self.call(Call::Exec, &name, |state| state.must_run(container_id)).await?;
        Ok(handler(&name, command, stdin))
    }

    async fn spawn(&self, container_id: &str, _command: &[String]) -> Result<(), EngineError> {
        let name = self.name_of(container_id);
        self.call(Call::Exec, &name, |state| state.must_run(container_id)).await.map(drop)
    }

    async fn wait(&self, container_id: &str, deadline: Duration) -> Result<i64, EngineError> {
        let name = self.name_of(container_id);
        self.call(Call::Wait, &name, |state| state.detail(container_id).map(|_| ())).await?;
        let ended = async {
            loop {
                let code = self.lock().state.find(container_id).and_then(state::Container::ended_with);
                match code {
                    Some(code) => return code,
                    None => tokio::time::sleep(Duration::from_millis(2)).await,
                }
            }
        };
        tokio::time::timeout(deadline, ended).await.map_err(|_| {
            let text = format!("it still runs after {} s", deadline.as_secs());
            EngineError::new(action(Call::Wait, &name), ErrorKind::Other, text)
        })
    }

    fn logs(&self, container_id: &str, query: LogQuery) -> BoxStream<'static, Result<LogLine, EngineError>> {
        let (engine, id) = (self.clone(), container_id.to_owned());
        let lines = async move {
            let about = engine.name_of(&id);
            let lines = engine.call(Call::Logs, &about, |state| state.log(&id, &query)).await;
            stream::iter(match lines {
                Ok(lines) => lines.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            })
        };
        stream::once(lines).flatten().boxed()
    }
}

impl Networks for MemoryEngine {
    async fn create_network(&self, spec: &NetworkSpec) -> Result<String, EngineError> {
        self.call(Call::CreateNetwork, &spec.name, |state| state.create_network(spec)).await
    }

    async fn find_networks(&self, name: &str) -> Result<Vec<ObservedNetwork>, EngineError> {
        let found = |state: &mut State| {
            Ok(state.networks.values().filter(|network| network.name == name).cloned().collect())
        };
        self.call(Call::FindNetworks, name, found).await
    }

    async fn remove_network(&self, network_id: &str) -> Result<(), EngineError> {
        self.call(Call::RemoveNetwork, network_id, |state| state.remove_network(network_id)).await
    }
}

impl Images for MemoryEngine {
    fn pull(&self, image: &ImageRef) -> BoxStream<'static, Result<PullProgress, EngineError>> {
        let (engine, image) = (self.clone(), image.clone());
        let pulled = async move {
            engine.call(Call::Pull, image.as_str(), |state| state.pull(&image)).await.map(|()| PullProgress {
                layer: String::new(),
                status: "Pull complete".to_owned(),
                current: 1,
                total: 1,
            })
        };
        stream::once(pulled).boxed()
    }

    async fn find_image(&self, image: &ImageRef) -> Result<Option<LocalImage>, EngineError> {
        let platform = self.info.platform.clone();
        let found = |state: &mut State| {
            let id = state.images.get(image).cloned();
            Ok(id.map(|id| LocalImage { id, platform, ..LocalImage::default() }))
        };
        self.call(Call::FindImage, image.as_str(), found).await
    }

    /// The archive is a list of names and ids.
    fn save_images(&self, images: &[ImageRef]) -> BoxStream<'static, Result<Vec<u8>, EngineError>> {
        let (engine, images) = (self.clone(), images.to_vec());
        let saved =
            async move { engine.call(Call::SaveImages, "", |state| state.save_images(&images)).await };
        stream::once(saved).boxed()
    }

    async fn load_images(
        &self,
        archive: BoxStream<'static, std::io::Result<Vec<u8>>>,
    ) -> Result<(), EngineError> {
        let pieces: Vec<Vec<u8>> = archive.filter_map(|piece| async { piece.ok() }).collect().await;
        self.call(Call::LoadImages, "", |state| state.load_images(&pieces.concat())).await
    }

    async fn tag_image(&self, image_id: &str, tag: &ImageRef) -> Result<(), EngineError> {
        self.call(Call::TagImage, tag.as_str(), |state| state.tag_image(image_id, tag)).await
    }
}

impl Volumes for MemoryEngine {
    async fn volumes(&self, stack: &StackName) -> Result<Vec<ObservedVolume>, EngineError> {
        let ours = |state: &mut State| {
            let has_label = |volume: &state::Volume| {
                volume.labels.get(labels::STACK).map(String::as_str) == Some(stack.as_str())
            };
            Ok(state
                .volumes
                .iter()
                .filter(|(_, volume)| has_label(volume))
                .map(|(name, volume)| ObservedVolume { name: name.clone(), labels: volume.labels.clone() })
                .collect())
        };
        self.call(Call::Volumes, "", ours).await
    }

    async fn remove_volume(&self, name: &str) -> Result<(), EngineError> {
        self.call(Call::RemoveVolume, name, |state| state.remove_volume(name)).await
    }
}

impl Events for MemoryEngine {
    fn events(&self, stack: &StackName) -> BoxStream<'static, Result<ContainerEvent, EngineError>> {
        let (receiver, stack) = (self.events.subscribe(), stack.clone());
        stream::unfold((receiver, stack), |(mut receiver, stack)| async move {
            loop {
                match receiver.recv().await {
                    Ok((of, event)) if of == stack => return Some((Ok(event), (receiver, stack))),
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return None,
                }
            }
        })
        .boxed()
    }
}

impl Engine for MemoryEngine {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

    async fn describe(&self, thing: Thing<'_>) -> Result<serde_json::Value, EngineError> {
        let described = |state: &mut State| match thing {
            Thing::Container(id) => state.describe(id),
            Thing::Engine | Thing::Image(_) => Ok(serde_json::Value::Null),
        };
        self.call(Call::Describe, "", described).await
    }
}

#[cfg(test)]
mod tests;
