//! The states of a container, as the engine's API names them.

use std::fmt;

/// What a container is doing. Docker 20.10 to 28 and Podman's own words for the same states (its list
/// shows `configured`, `initialized` and `stopped` where Docker says `created` and `exited`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ContainerState {
    Created,
    Running,
    Paused,
    Restarting,
    Removing,
    Exited,
    Dead,
    /// A word newer than this program, which must not fail anything.
    Other(String),
    /// The engine gave none.
    #[default]
    Unknown,
}

impl ContainerState {
    /// True when no process of it runs or is about to: it can be started, and its ports are free.
    pub const fn is_stopped(&self) -> bool {
        matches!(self, Self::Created | Self::Exited | Self::Dead)
    }

    /// True when it has to be stopped before it can be removed. One that is being removed is on its way.
    pub fn needs_a_stop(&self) -> bool {
        !self.is_stopped() && *self != Self::Removing
    }
}

impl From<&str> for ContainerState {
    fn from(word: &str) -> Self {
        match word {
            "created" | "configured" | "initialized" => Self::Created,
            "running" => Self::Running,
            "paused" => Self::Paused,
            "restarting" => Self::Restarting,
            "removing" => Self::Removing,
            "exited" | "stopped" => Self::Exited,
            "dead" => Self::Dead,
            "" => Self::Unknown,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for ContainerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Restarting => "restarting",
            Self::Removing => "removing",
            Self::Exited => "exited",
            Self::Dead => "dead",
            Self::Other(word) => word,
            Self::Unknown => "unknown",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::ContainerState;

    #[test]
    fn dockers_and_podmans_words_are_known_and_new_ones_are_kept() {
        for word in ["created", "running", "paused", "restarting", "removing", "exited", "dead", "migrating"]
        {
            assert_eq!(ContainerState::from(word).to_string(), word);
        }
        assert_eq!(ContainerState::from("configured"), ContainerState::Created);
        assert_eq!(ContainerState::from("stopped"), ContainerState::Exited);
        assert_eq!(ContainerState::from(""), ContainerState::Unknown);
    }

    #[test]
    fn only_what_can_be_started_is_stopped() {
        let stopped = |word: &str| ContainerState::from(word).is_stopped();
        assert!(["created", "configured", "exited", "stopped", "dead"].into_iter().all(stopped));
        assert!(!["running", "paused", "restarting", "removing", "migrating"].into_iter().any(stopped));
    }
}
