//! What we want on the engine, in the engine's terms but without any client library's types.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Serialize;

use crate::model::{ImageRef, Role, ServiceKind, StackName};

/// A container we want. Everything in it is hashed into a label, so it must hold no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerSpec {
    pub stack: StackName,
    pub service: ServiceKind,
    /// Written as the role label.
    pub role: Role,
    pub name: String,
    pub image: ImageRef,
    /// Arguments after the image's entrypoint.
    pub command: Vec<String>,
    /// `None` keeps the image's entrypoint.
    pub entrypoint: Option<Vec<String>>,
    pub env: BTreeMap<String, String>,
    /// `uid:gid`.
    pub user: String,
    pub mounts: Vec<Mount>,
    pub tmpfs: Vec<Tmpfs>,
    pub ports: Vec<PublishedPort>,
    /// Name of the network the container joins; `None` gives it no network at all.
    pub network: Option<String>,
    /// Names under which others on that network find the container.
    pub aliases: Vec<String>,
    /// `host:ip` entries for /etc/hosts, for example `host.docker.internal:host-gateway`.
    pub extra_hosts: Vec<String>,
    pub cap_add: Vec<String>,
    pub read_only_root: bool,
    /// Bytes; `None` for no limit.
    pub memory: Option<i64>,
    /// Billionths of a CPU; `None` for no limit.
    pub nano_cpus: Option<i64>,
    pub pids_limit: i64,
    /// Seconds between the stop signal and the kill.
    pub stop_timeout: i64,
    pub restart: RestartPolicy,
    /// Further labels, the spec's hash among them; the engine adapter adds stack, service and role.
    pub labels: BTreeMap<String, String>,
}

/// What the engine does when the container's process ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RestartPolicy {
    /// For services: started again, after a reboot of the engine too.
    #[default]
    Always,
    /// For containers that run once.
    No,
}

impl RestartPolicy {
    /// The word the engine uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::No => "no",
        }
    }
}

/// A named volume on a path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mount {
    pub volume: String,
    pub target: String,
    /// True for config volumes: the image's own content at `target` must not seed them.
    pub no_copy: bool,
    /// Written as the volume's role label.
    pub role: Role,
}

/// A file system in memory, gone with the container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tmpfs {
    pub target: String,
    /// Mount options, for example `rw,noexec,nosuid,size=64m`.
    pub options: String,
}

/// A port of the container that the host listens on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PublishedPort {
    /// TCP port inside the container.
    pub container: u16,
    pub host_ip: IpAddr,
    /// 0 lets the engine choose.
    pub host: u16,
}

/// The stack's bridge network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkSpec {
    pub stack: StackName,
    pub name: String,
    /// Further labels; the engine adapter adds stack and role.
    pub labels: BTreeMap<String, String>,
}
