//! What happens to containers, in Docker's words.

use std::fmt;

/// One event of a container with our label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerEvent {
    pub container_id: String,
    pub container_name: String,
    pub action: EventAction,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventAction {
    Create,
    Start,
    /// Its process ended, for whatever reason.
    Die,
    Stop,
    Kill,
    Restart,
    Pause,
    Unpause,
    Rename,
    Update,
    /// The kernel killed a process of it: out of memory.
    Oom,
    Destroy,
    /// The word of an engine that says something else.
    Other(String),
}

const WORDS: [(&str, EventAction); 12] = [
    ("create", EventAction::Create),
    ("start", EventAction::Start),
    ("die", EventAction::Die),
    ("stop", EventAction::Stop),
    ("kill", EventAction::Kill),
    ("restart", EventAction::Restart),
    ("pause", EventAction::Pause),
    ("unpause", EventAction::Unpause),
    ("rename", EventAction::Rename),
    ("update", EventAction::Update),
    ("oom", EventAction::Oom),
    ("destroy", EventAction::Destroy),
];

impl EventAction {
    /// Of Docker's word, or Podman's where that is another one.
    pub fn of(word: &str) -> Self {
        let word = match word {
            "died" => "die",
            "remove" => "destroy",
            other => other,
        };
        let known = WORDS.iter().find(|(known, _)| *known == word);
        known.map_or_else(|| Self::Other(word.to_owned()), |(_, action)| action.clone())
    }
}

impl fmt::Display for EventAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = WORDS.iter().find(|(_, action)| action == self);
        f.write_str(match (self, known) {
            (Self::Other(word), _) => word,
            (_, Some((word, _))) => word,
            (_, None) => "",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_and_written() {
        for (word, action) in WORDS {
            assert_eq!(EventAction::of(word), action);
            assert_eq!(action.to_string(), word);
        }
        assert_eq!(EventAction::of("health_status: healthy").to_string(), "health_status: healthy");
    }

    #[test]
    fn podmans_words_are_understood() {
        assert_eq!(EventAction::of("died"), EventAction::Die);
        assert_eq!(EventAction::of("remove"), EventAction::Destroy);
    }
}
