//! The services of a stack and the names their resources carry on the engine.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A service that confidexmon manages, in the order in which it is shown.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceKind {
    Prometheus,
    Grafana,
    Alertmanager,
    Redis,
    RedisExporter,
}

impl ServiceKind {
    /// Every service, in the order in which they are shown.
    pub const ALL: [Self; 5] =
        [Self::Prometheus, Self::Grafana, Self::Alertmanager, Self::Redis, Self::RedisExporter];

    /// The name as users type it and as resources on the engine carry it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Prometheus => "prometheus",
            Self::Grafana => "grafana",
            Self::Alertmanager => "alertmanager",
            Self::Redis => "redis",
            Self::RedisExporter => "redis-exporter",
        }
    }

    /// The name as it stands in settings, where words are joined by underscores.
    pub fn key(self) -> String {
        self.name().replace('-', "_")
    }

    /// The service of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for ServiceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The stack's name: the prefix of everything it owns on the engine.
///
/// Invariant: 1–40 characters of `[a-z0-9-]`, starting and ending with a letter or digit, so that
/// it is valid inside container, network, volume and DNS names alike.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StackName(String);

impl StackName {
    /// `None` when `name` breaks the invariant.
    pub fn new(name: &str) -> Option<Self> {
        let inner_ok = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let edges_ok = !name.starts_with('-') && !name.ends_with('-');
        (inner_ok && edges_ok && (1..=40).contains(&name.len())).then(|| Self(name.to_owned()))
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of a service's container.
    pub fn container(&self, service: ServiceKind) -> String {
        format!("{}-{service}", self.0)
    }

    /// The name of the stack's network.
    pub fn network(&self) -> String {
        format!("{}-monitoring", self.0)
    }

    /// The network of a drill's containers; it is there only while one runs.
    pub fn drill_network(&self) -> String {
        format!("{}-drill", self.0)
    }

    /// The name of the volume with a service's data.
    pub fn data_volume(&self, service: ServiceKind) -> String {
        format!("{}-{service}-data", self.0)
    }

    /// The name of the volume with a service's rendered files.
    pub fn config_volume(&self, service: ServiceKind) -> String {
        format!("{}-{service}-config", self.0)
    }
}

impl fmt::Display for StackName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
