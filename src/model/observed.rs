//! What is on the engine: one listing, with only what decisions need.

use std::collections::BTreeMap;

use crate::model::Role;
use crate::model::{ContainerState, ServiceKind};

/// Everything one look at the engine tells. Lists are sorted by name, whatever order it answered in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// All containers of the engine, ours and others'; decisions filter by label.
    pub containers: Vec<ObservedContainer>,
}

/// A container as the engine's list shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedContainer {
    pub id: String,
    /// Without the leading slash.
    pub name: String,
    pub image: String,
    pub image_id: String,
    pub labels: BTreeMap<String, String>,
    pub state: ContainerState,
    /// The engine's sentence, for example `Up 3 minutes (healthy)`, `Exited (137) 2 hours ago`.
    pub status: String,
    /// Seconds since the epoch.
    pub created: i64,
    /// Published TCP ports that are bound now: (host ip, host port, container port).
    pub ports: Vec<(String, u16, u16)>,
    /// Network name → network id.
    pub networks: BTreeMap<String, String>,
    /// Names of the mounted volumes.
    pub volumes: Vec<String>,
}

/// Details of one container that the list lacks. Fetched only to explain failures and for status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerDetail {
    pub id: String,
    pub name: String,
    pub image_id: String,
    pub state: ContainerState,
    pub exit_code: i64,
    pub oom_killed: bool,
    /// The engine's own error text, for example why a port could not be bound.
    pub error: String,
    pub restart_count: i64,
    /// RFC 3339; the year 0001 for never.
    pub started_at: String,
    pub finished_at: String,
    /// Host ports wanted by the container (`HostConfig`), bound or not.
    pub wanted_ports: Vec<u16>,
    pub labels: BTreeMap<String, String>,
    /// Where its volumes lie on the engine's machine, by their place in the container.
    pub volumes: BTreeMap<String, String>,
}

/// A network found by name or label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedNetwork {
    pub id: String,
    pub name: String,
    pub labels: BTreeMap<String, String>,
    /// The engine's own address in it, as the engine writes it; empty where it tells none.
    pub gateway: String,
}

/// A volume found by label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObservedVolume {
    pub name: String,
    pub labels: BTreeMap<String, String>,
}

impl ObservedContainer {
    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key).map(String::as_str)
    }

    /// The service that its labels name.
    pub fn service(&self) -> Option<ServiceKind> {
        self.label(crate::model::labels::SERVICE).and_then(ServiceKind::from_name)
    }

    /// A validator or a drill: it belongs to one run of a command and is no service of the stack.
    pub fn is_temporary(&self) -> bool {
        self.label(crate::model::labels::ROLE).is_some_and(|role| role != Role::Service.as_str())
    }

    /// A container of a drill.
    pub fn is_of_drill(&self) -> bool {
        self.label(crate::model::labels::ROLE) == Some(Role::Drill.as_str())
    }

    /// False while the ports of the listing are only wanted: Podman lists them for a container that does
    /// not run, too (4.3).
    pub fn has_its_ports(&self) -> bool {
        !self.state.is_stopped()
    }

    /// True while its process runs.
    pub fn is_running(&self) -> bool {
        self.state == ContainerState::Running
    }
}
