//! How a service or a stack is, in the words that scripts rely on.

use std::fmt;

use serde::{Serialize, Serializer};

/// The words of `status` and `ls`: these and no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It answers as it should.
    Healthy,
    /// It is on its way.
    Starting,
    /// It runs and does not answer as it should.
    Unhealthy,
    /// It runs, and the settings do not say how to ask it: they leave it out, or have another password than its own.
    Unknown,
    /// It does not run.
    Stopped,
    /// There is no container.
    Absent,
}

impl Health {
    /// Every one, best first.
    pub const ALL: [Self; 6] =
        [Self::Healthy, Self::Starting, Self::Unhealthy, Self::Unknown, Self::Stopped, Self::Absent];

    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Starting => "starting",
            Self::Unhealthy => "unhealthy",
            Self::Unknown => "unknown",
            Self::Stopped => "stopped",
            Self::Absent => "absent",
        }
    }

    /// What a word means.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|health| health.word() == word)
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Serialize for Health {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}
