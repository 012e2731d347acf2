//! Why a step is in the plan. Decisions ask the variant; the words are for people.

use std::fmt;

use crate::model::{ContainerState, FileChanges, ImageRef};
use crate::plan::secrets;

/// The reason of one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// What is wanted does not exist.
    NotThere,
    /// `--pull always`.
    PullAsked,
    /// The engine has not the image that the settings name.
    ImageMissing,
    /// The container is frozen.
    Paused,
    /// A container in this state is good for nothing.
    Unusable(ContainerState),
    /// The fields of the container that differ from the settings, each in its words.
    Settings(Vec<String>),
    /// The tag has another image by now.
    ImageMoved(ImageRef),
    /// It belonged to the project in this place.
    TakenOver(String),
    /// It is not attached to this network.
    NotAttached(String),
    /// This network, on which it ran, is gone.
    NetworkGone(String),
    /// A run ended between its creation and its start.
    NeverStarted,
    /// It does not run; the engine's words for since when.
    Stopped(String),
    /// Its files differ; `interrupted` where an earlier run did not prove what it wrote.
    Files { changes: FileChanges, interrupted: bool },
    /// A validator's or drill's container that outlived its command.
    LeftBehind,
    /// The settings do not name it, and the command takes it away.
    Unwanted,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotThere => f.write_str("not there"),
            Self::PullAsked => f.write_str("asked to pull always"),
            Self::ImageMissing => f.write_str("the engine does not have it"),
            Self::Paused => f.write_str("it is paused"),
            Self::Unusable(state) => write!(f, "the old container is {state}"),
            Self::Settings(differences) => f.write_str(&differences.join("; ")),
            Self::ImageMoved(image) => write!(f, "{image} means another image now"),
            Self::TakenOver(place) => write!(f, "taken over from the project in {place}"),
            Self::NotAttached(network) => write!(f, "it is not attached to the network `{network}`"),
            Self::NetworkGone(network) => write!(f, "its network `{network}` is gone"),
            Self::NeverStarted => f.write_str("created but never started"),
            Self::Stopped(status) => write!(f, "stopped ({})", status.to_lowercase()),
            Self::Files { changes, interrupted: true } => {
                write!(f, "a run was interrupted ({})", described(changes))
            }
            Self::Files { changes, interrupted: false } => f.write_str(&described(changes)),
            Self::LeftBehind => f.write_str("left behind by an interrupted run"),
            Self::Unwanted => f.write_str("not wanted any more"),
        }
    }
}

/// ``rules/confidex.yml changed, rules/extra.yml removed``; long lists are counted.
fn described(changes: &FileChanges) -> String {
    let secrets = secrets::changed(changes);
    let changes = &secrets::others(changes);
    let kinds = [("new", &changes.added), ("changed", &changes.changed), ("removed", &changes.removed)];
    let mut parts: Vec<String> =
        secrets.into_iter().map(|path| format!("secret {} changed", short(path))).collect();
    for (word, paths) in kinds {
        let mut names: Vec<String> = paths.iter().map(|path| short(path)).collect();
        if names.len() > 3 {
            names = vec![format!("{} files", paths.len())];
        }
        parts.extend(names.into_iter().map(|name| format!("{name} {word}")));
    }
    parts.join(", ")
}

/// The last two components of a path in a container.
fn short(path: &str) -> String {
    let parts: Vec<&str> = path.rsplit('/').take(2).collect();
    parts.into_iter().rev().collect::<Vec<_>>().join("/")
}
