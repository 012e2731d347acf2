//! The adapter to a Docker-compatible engine. The only folder that names bollard.
//!
//! A call goes out in one request over one pooled connection: through bollard where its models fit,
//! raw where they are too strict (lists, events, logs) or lack a field (`CheckDuplicate`).

mod bodies;
mod connect;
mod context;
mod convert;
mod errors;
mod events;
mod exec;
mod files;
mod frames;
mod images;
mod known;
mod logs;
mod modifier;
mod observe;
mod ops;
mod pull;
mod query;
pub(in crate::engine) mod ssh;
mod stream;
mod tls;
mod transport;
mod version;
mod wire;

use std::time::Duration;

use futures_util::stream::BoxStream;
use hyper::body::Bytes;

pub use connect::{EndpointChoice, connect, connect_directly};
pub use context::context_names;

use crate::engine::{
    ContainerEvent, ContainerFiles, Containers, Engine, EngineError, EngineInfo, ErrorKind, Events,
    ExecOutput, FileState, Images, LogLine, LogQuery, Networks, Processes, PullProgress, Thing, Volumes,
};
use crate::model::{
    ContainerDetail, ContainerSpec, ImageRef, LocalImage, NetworkSpec, Observed, ObservedContainer,
    ObservedNetwork, ObservedVolume, StackName, labels,
};

use observe::{ImageAnswer, InspectAnswer, ListItem, NetworkItem, VolumesAnswer};
use ops::{LOOK, short};
use query::{filters, with_query};
use wire::Wire;

/// A connected engine. Clones share the connection; streams keep it open.
#[derive(Clone)]
pub struct DockerEngine {
    wire: Wire,
}

impl Containers for DockerEngine {
    async fn list(&self) -> Result<Observed, EngineError> {
        let items: Vec<ListItem> = self.wire.get("list containers", LOOK, "/containers/json?all=1").await?;
        let mut containers: Vec<ObservedContainer> = items.into_iter().map(Into::into).collect();
        containers.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Observed { containers })
    }

    async fn inspect(&self, container_id: &str) -> Result<ContainerDetail, EngineError> {
        let action = format!("inspect container `{}`", short(container_id));
        let answer: InspectAnswer =
            self.wire.get(&action, LOOK, &format!("/containers/{container_id}/json")).await?;
        Ok(answer.into())
    }

    async fn create_container(&self, spec: &ContainerSpec) -> Result<String, EngineError> {
        ops::create_container(&self.wire, spec).await
    }

    async fn start(&self, container_id: &str) -> Result<(), EngineError> {
        ops::start(&self.wire, container_id).await
    }

    async fn stop(&self, container_id: &str, grace: Duration) -> Result<(), EngineError> {
        ops::stop(&self.wire, container_id, grace).await
    }

    async fn restart(&self, container_id: &str, grace: Duration) -> Result<(), EngineError> {
        ops::restart(&self.wire, container_id, grace).await
    }

    async fn remove_container(&self, container_id: &str, force: bool) -> Result<(), EngineError> {
        ops::remove_container(&self.wire, container_id, force).await
    }

    async fn rename_container(&self, container_id: &str, name: &str) -> Result<(), EngineError> {
        ops::rename_container(&self.wire, container_id, name).await
    }

    async fn set_restart_policy(&self, container_id: &str, policy: &str) -> Result<(), EngineError> {
        ops::set_restart_policy(&self.wire, container_id, policy).await
    }

    async fn pause(&self, container_id: &str) -> Result<(), EngineError> {
        ops::pause(&self.wire, container_id).await
    }

    async fn unpause(&self, container_id: &str) -> Result<(), EngineError> {
        ops::unpause(&self.wire, container_id).await
    }
}

impl ContainerFiles for DockerEngine {
    async fn upload(&self, container_id: &str, root: &str, tar: Vec<u8>) -> Result<(), EngineError> {
        ops::upload(&self.wire, container_id, root, tar).await
    }

    async fn download(&self, container_id: &str, path: &str) -> Result<Vec<u8>, EngineError> {
        ops::download(&self.wire, container_id, path).await
    }

    fn download_stream(
        &self,
        container_id: &str,
        path: &str,
    ) -> BoxStream<'static, Result<Bytes, EngineError>> {
        files::download_stream(self.wire.clone(), container_id, path)
    }

    async fn upload_stream(
        &self,
        container_id: &str,
        root: &str,
        tar: BoxStream<'static, std::io::Result<Bytes>>,
        limit: Duration,
    ) -> Result<(), EngineError> {
        files::upload_stream(&self.wire, (container_id, root), tar, limit).await
    }

    async fn stat(&self, container_id: &str, path: &str) -> Result<Option<FileState>, EngineError> {
        files::stat(&self.wire, container_id, path).await
    }
}

impl Processes for DockerEngine {
    async fn exec(
        &self,
        container_id: &str,
        command: &[String],
        stdin: Option<&[u8]>,
    ) -> Result<ExecOutput, EngineError> {
        exec::run(&self.wire, container_id, command, stdin).await
    }

    async fn spawn(&self, container_id: &str, command: &[String]) -> Result<(), EngineError> {
        exec::spawn(&self.wire, container_id, command).await
    }

    async fn wait(&self, container_id: &str, deadline: Duration) -> Result<i64, EngineError> {
        ops::wait(&self.wire, container_id, deadline).await
    }

    fn logs(&self, container_id: &str, query: LogQuery) -> BoxStream<'static, Result<LogLine, EngineError>> {
        logs::read(self.wire.clone(), container_id, &query)
    }
}

impl Networks for DockerEngine {
    async fn create_network(&self, spec: &NetworkSpec) -> Result<String, EngineError> {
        ops::create_network(&self.wire, spec).await
    }

    async fn find_networks(&self, name: &str) -> Result<Vec<ObservedNetwork>, EngineError> {
        // The engine's filter matches parts of names too.
        let path = with_query("/networks", &[("filters", &filters(&[("name", name)]))]);
        let items: Vec<NetworkItem> = self.wire.get(&format!("find network `{name}`"), LOOK, &path).await?;
        Ok(items.into_iter().map(ObservedNetwork::from).filter(|network| network.name == name).collect())
    }

    async fn remove_network(&self, network_id: &str) -> Result<(), EngineError> {
        ops::remove_network(&self.wire, network_id).await
    }
}

impl Images for DockerEngine {
    fn pull(&self, image: &ImageRef) -> BoxStream<'static, Result<PullProgress, EngineError>> {
        pull::pull(self.wire.clone(), image.clone())
    }

    async fn find_image(&self, image: &ImageRef) -> Result<Option<LocalImage>, EngineError> {
        let (action, path) = (format!("look for image `{image}`"), format!("/images/{image}/json"));
        match self.wire.get::<ImageAnswer>(&action, LOOK, &path).await {
            Ok(answer) => Ok(Some(answer.into())),
            Err(error) if matches!(error.kind, ErrorKind::ImageMissing | ErrorKind::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn save_images(&self, images: &[ImageRef]) -> BoxStream<'static, Result<Vec<u8>, EngineError>> {
        images::save(self.wire.clone(), images)
    }

    async fn load_images(
        &self,
        archive: BoxStream<'static, std::io::Result<Vec<u8>>>,
    ) -> Result<(), EngineError> {
        images::load(&self.wire, archive).await
    }

    async fn tag_image(&self, image_id: &str, tag: &ImageRef) -> Result<(), EngineError> {
        ops::tag_image(&self.wire, image_id, tag).await
    }
}

impl Volumes for DockerEngine {
    async fn volumes(&self, stack: &StackName) -> Result<Vec<ObservedVolume>, EngineError> {
        let label = format!("{}={stack}", labels::STACK);
        let path = with_query("/volumes", &[("filters", &filters(&[("label", &label)]))]);
        let answer: VolumesAnswer = self.wire.get("list volumes", LOOK, &path).await?;
        Ok(answer.sorted())
    }

    async fn remove_volume(&self, name: &str) -> Result<(), EngineError> {
        ops::remove_volume(&self.wire, name).await
    }
}

impl Events for DockerEngine {
    fn events(&self, stack: &StackName) -> BoxStream<'static, Result<ContainerEvent, EngineError>> {
        events::follow(self.wire.clone(), stack)
    }
}

impl Engine for DockerEngine {
    fn info(&self) -> &EngineInfo {
        &self.wire.info
    }

    async fn describe(&self, thing: Thing<'_>) -> Result<serde_json::Value, EngineError> {
        let (action, path) = match thing {
            Thing::Engine => ("describe the engine".to_owned(), "/info".to_owned()),
            Thing::Container(id) => {
                (format!("describe container `{}`", short(id)), format!("/containers/{id}/json"))
            }
            Thing::Image(id) => (format!("describe image `{id}`"), format!("/images/{id}/json")),
        };
        self.wire.get(&action, LOOK, &path).await
    }
}
