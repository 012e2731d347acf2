//! What a thing of ours on the engine is there for: the value of its role label.

use std::fmt;

use serde::Serialize;

/// A role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The container of a service.
    Service,
    /// A container that validates files, tries an image or runs rule tests, and goes.
    Validator,
    /// A container of a drill.
    Drill,
    /// The stack's network.
    Network,
    /// A volume with a service's files.
    Config,
    /// A volume with a service's data.
    Data,
}

impl Role {
    /// As the label has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Validator => "validator",
            Self::Drill => "drill",
            Self::Network => "network",
            Self::Config => "config",
            Self::Data => "data",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
