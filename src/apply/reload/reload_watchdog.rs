//! The watchdog: what reloads a service when this program is killed between writing its files and telling
//! it so.
//!
//! A shell inside the container, started before the files change, waits for a note that is the last
//! entry of their archive. Soon after it, the note should say that the reload is proved; when it does
//! not, nobody is there any more, and the watchdog sends the reload signal. So a kill during a reload in
//! place ends with the files on disk in force. It has no watchdog where the service is restarted instead,
//! while old files are put back to a service that is just coming up, or where the image has no shell:
//! then `status` tells, and the next `reload` or `up` finishes what was begun.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::engine::{ContainerFiles, Processes};
use crate::model::ServiceKind;
use crate::services::profile;
use crate::store::tarball;

/// The note's path below the config root.
const NOTE: &str = ".staged/.note";

/// `$1` the note's path, `$2` this run's token. A note of another run means that this one is over.
/// The first loop outlives the longest validation. Two seconds are more than most reloads take; a
/// signal too many only reads the same files again.
const SCRIPT: &str = r#"
left=1500
while read -r state token < "$1" && [ "$token" = "$2" ] && [ "$state" = staged ]; do
    left=$((left - 1)); [ $left -gt 0 ] || exit
    sleep 0.1 || sleep 1 || exit
done
sleep 2
read -r state token < "$1"
[ "$token" = "$2" ] && [ "$state" = switched ] && kill -HUP 1
"#;

const LONGEST_NOTE: usize = 1024;

/// How far the run has come, as the note tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Staged,
    /// The files at their real places are those that shall be in force.
    Switched,
    /// Proved, or put back.
    Over,
    /// Given up with nothing changed.
    Dropped,
}

/// One run's watchdog.
pub(super) struct ReloadWatchdog {
    /// Distinguishes this run from those before it; `None` for services that no signal reloads.
    token: Option<String>,
}

impl ReloadWatchdog {
    pub(super) fn of(service: ServiceKind) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            token: profile(service)
                .reloads_on_signal
                .then(|| format!("{}-{}", std::process::id(), now.as_nanos())),
        }
    }

    /// The note as a file of the archive that brings the service to `phase`: (path, text).
    pub(super) fn note(&self, phase: Phase) -> Option<(&'static str, String)> {
        let state = match phase {
            Phase::Staged => "staged",
            Phase::Switched => "switched",
            Phase::Over => "over",
            Phase::Dropped => "dropped",
        };
        self.token.as_ref().map(|token| (NOTE, format!("{state} {token}\n")))
    }

    /// True when another run, from another machine, has put its files into place while this one worked. One
    /// that has only begun, or changed nothing, is no reason to leave what this one wrote.
    pub(super) async fn is_overtaken<E: ContainerFiles>(
        &self,
        engine: &E,
        container_id: &str,
        root: &str,
    ) -> bool {
        let Some(token) = &self.token else { return false };
        let Ok(archive) = engine.download(container_id, &format!("{root}/{NOTE}")).await else {
            return false;
        };
        let files = tarball::extract(&archive, LONGEST_NOTE).unwrap_or_default();
        let Some(note) = files.first() else { return false };
        let text = String::from_utf8_lossy(&note.bytes);
        let (state, theirs) = text.trim_end().split_once(' ').unwrap_or_default();
        theirs != token && matches!(state, "switched" | "over")
    }

    /// Starts it. An image without a shell has none; an engine that is gone fails the next step anyway.
    pub(super) async fn start<E: Processes>(&self, engine: &E, container_id: &str, root: &str) {
        let Some(token) = &self.token else { return };
        let note = format!("{root}/{NOTE}");
        let command = ["sh", "-c", SCRIPT, "watchdog", &note, token].map(str::to_owned);
        if let Err(error) = engine.spawn(container_id, &command).await {
            tracing::debug!("no watchdog: {error}: {}", error.source);
        }
    }
}
