//! The port to a container engine: one method per engine call that a plan's step can name.
//!
//! `docker` is the only folder that names bollard; `memory` is the twin for tests.

mod capabilities;
pub mod docker;
mod event;
pub mod memory;

use std::future::Future;
use std::time::Duration;

use futures_util::stream::BoxStream;
use hyper::body::Bytes;

pub use capabilities::Capabilities;
pub use event::{ContainerEvent, EventAction};

use crate::model::{
    ContainerDetail, ContainerSpec, Hint, ImageRef, LocalImage, NetworkSpec, Observed, ObservedNetwork,
    ObservedVolume, Platform, StackName,
};

/// What an engine said about itself when we connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineInfo {
    /// As a person would write it: `unix:///var/run/docker.sock`, `tcp://10.0.0.5:2376`, `ssh://host`.
    pub endpoint: String,
    /// True when ports published on the engine's loopback are on this machine's loopback
    /// (a local socket), or are forwarded here (ssh).
    pub ports_are_local: bool,
    /// Engine version, for example `20.10.24`.
    pub version: String,
    /// The API version spoken: min(theirs, ours), for example `1.41`.
    pub api_version: String,
    /// True for Podman's compatible API.
    pub podman: bool,
    pub capabilities: Capabilities,
    /// What containers must be made for: `linux/amd64`.
    pub platform: Platform,
}

impl EngineInfo {
    /// The engine runs here, so its clock and its files are this machine's; a forwarded socket looks the same.
    pub fn is_local(&self) -> bool {
        self.ports_are_local && !self.endpoint.starts_with("ssh://")
    }
}

/// What a command inside a container printed, and its exit code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecOutput {
    pub exit_code: i64,
    pub stdout: String,
    pub stderr: String,
}

/// What tells that a file inside a container has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileState {
    /// Bytes.
    pub size: u64,
    /// As the engine writes it: RFC 3339 with nanoseconds.
    pub changed_at: String,
}

/// Which part of a container's log to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    pub follow: bool,
    /// Seconds since the epoch with nanoseconds, `1700000000.000000001`; only newer lines.
    pub since: Option<String>,
    /// Only the last so many lines.
    pub tail: Option<u64>,
}

/// One whole line of a container's log (frames are reassembled).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// RFC 3339 with nanoseconds, as the engine stamped it.
    pub timestamp: String,
    pub stderr: bool,
    pub text: String,
}

/// Progress of a pull.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullProgress {
    /// Layer id, empty for messages about the whole image.
    pub layer: String,
    pub status: String,
    pub current: u64,
    pub total: u64,
}

/// Containers: listed, made, started, stopped and removed.
pub trait Containers: Send + Sync {
    /// All containers, running or not; one call.
    fn list(&self) -> impl Future<Output = Result<Observed, EngineError>> + Send;
    fn inspect(
        &self,
        container_id: &str,
    ) -> impl Future<Output = Result<ContainerDetail, EngineError>> + Send;
    /// Creates a container, never starts it; returns its id. A missing image is
    /// [`ErrorKind::ImageMissing`], a taken name [`ErrorKind::NameTaken`] with the holder's id.
    fn create_container(
        &self,
        spec: &ContainerSpec,
    ) -> impl Future<Output = Result<String, EngineError>> + Send;
    /// "Already running" is success.
    fn start(&self, container_id: &str) -> impl Future<Output = Result<(), EngineError>> + Send;
    /// "Not running" is success. Waits until it has stopped; killed after `grace`.
    fn stop(
        &self,
        container_id: &str,
        grace: Duration,
    ) -> impl Future<Output = Result<(), EngineError>> + Send;
    /// Stop and start again in one call.
    fn restart(
        &self,
        container_id: &str,
        grace: Duration,
    ) -> impl Future<Output = Result<(), EngineError>> + Send;
    /// Removes a container, by force when asked; "no such container" and "removal already in progress"
    /// end in success once it is gone. Never removes named volumes; the anonymous ones
    /// that an image asks for go with their container.
    fn remove_container(
        &self,
        container_id: &str,
        force: bool,
    ) -> impl Future<Output = Result<(), EngineError>> + Send;
    /// Gives a container another name, running or not. A taken name is [`ErrorKind::NameTaken`].
    fn rename_container(
        &self,
        container_id: &str,
        name: &str,
    ) -> impl Future<Output = Result<(), EngineError>> + Send;
    /// Changes the restart policy: `always` or `no`.
    fn set_restart_policy(
        &self,
        container_id: &str,
        policy: &str,
    ) -> impl Future<Output = Result<(), EngineError>> + Send;
    /// Freezes all processes of a running container.
    fn pause(&self, container_id: &str) -> impl Future<Output = Result<(), EngineError>> + Send;
    /// "Not paused" is success.
    fn unpause(&self, container_id: &str) -> impl Future<Output = Result<(), EngineError>> + Send;
}

/// What lies inside a container.
pub trait ContainerFiles: Send + Sync {
    /// Unpacks a tar into the container's directory `root` (`PUT /containers/{id}/archive`).
    fn upload(
        &self,
        container_id: &str,
        root: &str,
        tar: Vec<u8>,
    ) -> impl Future<Output = Result<(), EngineError>> + Send;
    /// The tar of `path` inside the container; [`ErrorKind::NotFound`] when it is absent.
    fn download(
        &self,
        container_id: &str,
        path: &str,
    ) -> impl Future<Output = Result<Vec<u8>, EngineError>> + Send;
    /// The same as a stream of the tar's bytes, for what is too large to hold; each piece has its own
    /// deadline.
    fn download_stream(
        &self,
        container_id: &str,
        path: &str,
    ) -> BoxStream<'static, Result<Bytes, EngineError>>;
    /// Unpacks a tar that comes piece by piece; the whole of it has the deadline `limit`.
    fn upload_stream(
        &self,
        container_id: &str,
        root: &str,
        tar: BoxStream<'static, std::io::Result<Bytes>>,
        limit: Duration,
    ) -> impl Future<Output = Result<(), EngineError>> + Send;
    /// Size and time of change of a file inside the container; `None` when it is absent.
    fn stat(
        &self,
        container_id: &str,
        path: &str,
    ) -> impl Future<Output = Result<Option<FileState>, EngineError>> + Send;
}

/// Commands in a container, its end and its log.
pub trait Processes: Send + Sync {
    /// Runs a command in a running container and waits for its end.
    fn exec(
        &self,
        container_id: &str,
        command: &[String],
        stdin: Option<&[u8]>,
    ) -> impl Future<Output = Result<ExecOutput, EngineError>> + Send;
    /// Starts a command in a running container and leaves it to itself: it goes on when this program ends.
    fn spawn(
        &self,
        container_id: &str,
        command: &[String],
    ) -> impl Future<Output = Result<(), EngineError>> + Send;
    /// Waits for a container that runs to completion (a validator); its exit code.
    fn wait(
        &self,
        container_id: &str,
        deadline: Duration,
    ) -> impl Future<Output = Result<i64, EngineError>> + Send;
    fn logs(&self, container_id: &str, query: LogQuery) -> BoxStream<'static, Result<LogLine, EngineError>>;
}

/// Networks.
pub trait Networks: Send + Sync {
    /// Creates the network. A conflict is an error of kind [`ErrorKind::Conflict`].
    fn create_network(&self, spec: &NetworkSpec) -> impl Future<Output = Result<String, EngineError>> + Send;
    fn find_networks(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Vec<ObservedNetwork>, EngineError>> + Send;
    fn remove_network(&self, network_id: &str) -> impl Future<Output = Result<(), EngineError>> + Send;
}

/// Images: pulled, looked up, carried elsewhere.
pub trait Images: Send + Sync {
    fn pull(&self, image: &ImageRef) -> BoxStream<'static, Result<PullProgress, EngineError>>;
    /// What the engine knows of an image; `None` when it is not there.
    fn find_image(
        &self,
        image: &ImageRef,
    ) -> impl Future<Output = Result<Option<LocalImage>, EngineError>> + Send;
    /// These images as one archive, in pieces; to be read to its end.
    fn save_images(&self, images: &[ImageRef]) -> BoxStream<'static, Result<Vec<u8>, EngineError>>;
    /// Reads such an archive.
    fn load_images(
        &self,
        archive: BoxStream<'static, std::io::Result<Vec<u8>>>,
    ) -> impl Future<Output = Result<(), EngineError>> + Send;
    /// Lets a tag mean the image with this id.
    fn tag_image(
        &self,
        image_id: &str,
        tag: &ImageRef,
    ) -> impl Future<Output = Result<(), EngineError>> + Send;
}

/// Named volumes.
pub trait Volumes: Send + Sync {
    /// The volumes that carry the stack's label, by name.
    fn volumes(
        &self,
        stack: &StackName,
    ) -> impl Future<Output = Result<Vec<ObservedVolume>, EngineError>> + Send;
    fn remove_volume(&self, name: &str) -> impl Future<Output = Result<(), EngineError>> + Send;
}

/// What happens on the engine.
pub trait Events: Send + Sync {
    /// Container events of the stack from now on: (container name, action). Ends when the engine goes.
    fn events(&self, stack: &StackName) -> BoxStream<'static, Result<ContainerEvent, EngineError>>;
}

/// The engine as the rest of the program sees it: all of the above. Who needs one part only asks for that.
/// Every call has its own deadline inside the adapter.
pub trait Engine:
    Containers + ContainerFiles + Processes + Networks + Images + Volumes + Events + 'static
{
    fn info(&self) -> &EngineInfo;
    /// Everything that the engine tells about something, in its own words; for diagnosis only.
    fn describe(
        &self,
        thing: Thing<'_>,
    ) -> impl Future<Output = Result<serde_json::Value, EngineError>> + Send;
}

/// What the engine is asked to describe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing<'a> {
    /// The engine itself and its machine (`GET /info`).
    Engine,
    Container(&'a str),
    /// By its id or name.
    Image(&'a str),
}

/// What kind of failure it was, as far as decisions and exit codes need to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// No engine there, refused, or gone in the middle.
    Unreachable,
    /// The endpoint or context that was named is none.
    NoEndpoint,
    /// Connected, but no answer within the deadline.
    Hung,
    /// The engine's API is older than 1.41 or does not overlap with ours.
    TooOld,
    /// This user may not talk to the engine.
    Forbidden,
    NotFound,
    ImageMissing,
    /// The name belongs to this container id.
    NameTaken {
        holder_id: String,
    },
    Conflict,
    /// ssh brought no tunnel about.
    Tunnel,
    /// The host port, when the engine's text tells it.
    PortTaken {
        port: Option<u16>,
    },
    DiskFull,
    /// The registry refused or could not be reached.
    PullFailed,
    Other,
}

/// A failed engine call: what was asked, of what, and what the engine said.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot {action}")]
pub struct EngineError {
    /// Completes "cannot …": ``create container `confidex-grafana` ``.
    pub action: String,
    pub kind: ErrorKind,
    #[source]
    pub source: EngineAnswer,
}

/// The engine's own words, or the transport's.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct EngineAnswer(pub String);

impl EngineError {
    /// `action` is what was tried; `answer` what the engine said to it.
    pub fn new(action: impl Into<String>, kind: ErrorKind, answer: impl Into<String>) -> Self {
        Self { action: action.into(), kind, source: EngineAnswer(answer.into()) }
    }

    /// True when no engine could be spoken to at all (exit code 3).
    pub const fn is_engine_down(&self) -> bool {
        matches!(
            self.kind,
            ErrorKind::Unreachable
                | ErrorKind::Tunnel
                | ErrorKind::NoEndpoint
                | ErrorKind::Hung
                | ErrorKind::TooOld
                | ErrorKind::Forbidden
        )
    }
}

impl Hint for EngineError {
    fn hint(&self) -> Option<String> {
        let text = match self.kind {
            ErrorKind::Unreachable => {
                "start the engine (`systemctl start docker`, or Docker Desktop), or name another with `--host` or `DOCKER_HOST`"
            }
            ErrorKind::Tunnel => docker::ssh::hint(&self.source.0),
            ErrorKind::NoEndpoint => {
                "name an engine as `--host unix:///path`, `tcp://host:port` or `ssh://user@host`, or a context that `docker context ls` shows"
            }
            ErrorKind::Hung => {
                "the engine accepts connections but does not answer; look at its log (`journalctl -u docker`) and restart it"
            }
            ErrorKind::TooOld => "upgrade the engine to Docker 20.10 or newer (API 1.41)",
            ErrorKind::Forbidden => {
                "add your user to the engine's group (`sudo usermod -aG docker $USER`, then log in again), or use `sudo`"
            }
            ErrorKind::ImageMissing => "pull it first: `confidexmon up --pull missing`",
            ErrorKind::DiskFull => {
                "free space on the engine's disk (`docker system df`, `docker system prune`), then run the command again"
            }
            ErrorKind::PullFailed => {
                "check the image's name under `images:` in config/confidexmon.yml, the network, and `docker login`"
            }
            _ => return None,
        };
        Some(text.to_owned())
    }
}
