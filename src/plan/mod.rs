//! What has to be done, as a value: desired × observed → [`Plan`]. Pure; its text is what tests compare.

mod cause;
pub mod doors;
pub mod fingerprint;
pub mod ownership;
mod ports;
mod reconcile;
pub mod removal;
pub mod rule_intent;
pub mod secrets;
mod text;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    FileChanges, ImageRef, LocalImage, Manifest, Observed, ObservedNetwork, ObservedVolume, PortHolder,
    ServiceKind,
};

pub use cause::Cause;
pub use reconcile::reconcile;

/// What was gathered before deciding.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Seconds since the epoch; 0 where no clock was read.
    pub now: i64,
    pub observed: Observed,
    /// The stack's volumes; looked up only when no container of its is there.
    pub volumes: Vec<ObservedVolume>,
    /// The network of ours with the stack's network name; looked up only when a container of ours
    /// is not running, because otherwise the listing tells.
    pub network: Option<ObservedNetwork>,
    /// What lies in the config volume, by container id. Absent: not known, write everything.
    pub known_files: BTreeMap<String, Manifest>,
    /// Host ports that something outside the engine holds, with who it is as far as can be seen.
    pub busy_ports: BTreeMap<u16, PortHolder>,
    /// What wanted images are by now: those that were pulled, or whose container or lock tells of another.
    pub images: BTreeMap<ImageRef, LocalImage>,
    /// Those of the same that the engine does not have.
    pub missing_images: BTreeSet<ImageRef>,
    /// For each busy port, the next port above it that is free.
    pub free_ports: BTreeMap<u16, u16>,
}

/// What the user asked for beyond convergence.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// Optional services whose containers must go.
    pub without: Vec<ServiceKind>,
    pub pull: PullPolicy,
    pub empty_rules: EmptyRules,
    pub adoption: ownership::Adoption,
}

/// Whether the last rule of a Prometheus that has some may go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EmptyRules {
    #[default]
    Refused,
    Allowed,
}

impl From<bool> for EmptyRules {
    fn from(allow_empty: bool) -> Self {
        if allow_empty { Self::Allowed } else { Self::Refused }
    }
}

/// When images are pulled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum PullPolicy {
    /// Pull what is not there.
    #[default]
    Missing,
    /// Pull everything first; a newer image replaces the container.
    Always,
    /// Never pull; a missing image is an error.
    Never,
}

/// The plan. Steps of different services are independent of each other; the steps of one service
/// happen in order; the network comes before any start; removals come before any creation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub network: Option<NetworkStep>,
    pub services: Vec<ServicePlan>,
    /// Why nothing may be applied. With any of these the plan must not run.
    pub blockers: Vec<Blocker>,
    /// Worth saying, changes nothing.
    pub notes: Vec<String>,
}

/// The stack's network is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkStep {
    pub name: String,
    pub cause: Cause,
}

/// What happens to one container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePlan {
    pub service: ServiceKind,
    pub container: String,
    /// The existing container of ours, if any.
    pub container_id: Option<String>,
    pub steps: Vec<Step>,
}

/// One step, one engine call (a reload is a transaction of its own).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Pull {
        image: ImageRef,
        cause: Cause,
    },
    /// Stops gracefully and removes the container; volumes stay.
    Remove {
        container_id: String,
        running: bool,
        cause: Cause,
    },
    Create {
        cause: Cause,
    },
    /// Writes files before the start, all of them.
    Write {
        files: usize,
        cause: Cause,
    },
    Start {
        cause: Cause,
    },
    Restart {
        container_id: String,
        cause: Cause,
    },
    /// Changes files of a running service and makes them take effect.
    ChangeFiles {
        container_id: String,
        changes: FileChanges,
        restart: bool,
        cause: Cause,
    },
}

/// A reason to stop before anything is touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocker {
    /// The stack of this name was started by another project.
    OtherProject {
        stack: String,
        owner: String,
        here: String,
    },
    ForeignContainer {
        name: String,
        image: String,
        id: String,
    },
    /// A tag means another image than the one that is locked.
    ImageMoved {
        service: ServiceKind,
        image: ImageRef,
        locked: String,
        now: String,
    },
    /// A Prometheus that has rules would be left without any: every alert would be off.
    LosesEveryRule,
    PortTaken {
        service: ServiceKind,
        port: u16,
        holder: PortHolder,
        free_port: Option<u16>,
    },
}

impl Plan {
    /// True when the stack is as it should be.
    pub fn is_empty(&self) -> bool {
        self.network.is_none() && self.services.iter().all(|service| service.steps.is_empty())
    }
}
