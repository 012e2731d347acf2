//! Grafana's data volume where it lies on this machine and this user may read it.

use std::path::{Path, PathBuf};

use crate::apply::StackSession;
use crate::apply::backup::DATA;
use crate::engine::{Engine, FileState};
use crate::error::Error;
use crate::model::ObservedContainer;
use crate::store::volume::{self, Seen};

/// Its database is compared with what the engine says of it.
const DATABASE: &str = "grafana.db";
/// How often: somebody may be writing.
const ATTEMPTS: usize = 5;

/// The volume's folder; `None` where only the engine can read it. A path of the engine's may mean something else
/// here (its socket may be forwarded from another machine), so its database must have the size and the time of
/// change that the engine sees, to the nanosecond.
///
/// # Errors
/// When the engine does not answer.
pub(super) async fn folder<E: Engine>(
    session: &StackSession<E>,
    container: &ObservedContainer,
) -> Result<Option<PathBuf>, Error> {
    if !session.engine.info().is_local() {
        return Ok(None);
    }
    let detail = session.engine.inspect(&container.id).await?;
    let Some(folder) = detail.volumes.get(DATA).map(PathBuf::from) else { return Ok(None) };
    for _ in 0..ATTEMPTS {
        let Some(before) = here(&folder) else { return Ok(None) };
        let there = session.engine.stat(&container.id, &format!("{DATA}/{DATABASE}")).await?;
        let there = there.as_ref().and_then(seen);
        if there.is_some() && (there == Some(before) || there == here(&folder)) {
            return Ok(Some(folder));
        }
    }
    Ok(None)
}

fn here(folder: &Path) -> Option<Seen> {
    volume::open(folder, DATABASE).map(|(_, seen)| seen)
}

/// The state that the engine tells, as this machine would see it.
pub(super) fn seen(state: &FileState) -> Option<Seen> {
    let changed_at: jiff::Timestamp = state.changed_at.parse().ok()?;
    Some(Seen { size: state.size, changed_at: changed_at.as_nanosecond() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_change_is_read_to_the_nanosecond_in_any_zone() {
        let state = |at: &str| FileState { size: 7, changed_at: at.to_owned() };
        let seen_at = |at: &str| seen(&state(at)).map(|seen| seen.changed_at);
        assert_eq!(seen_at("1970-01-01T00:00:01.000000002Z"), Some(1_000_000_002));
        assert_eq!(seen_at("1970-01-01T02:00:01.5+02:00"), Some(1_500_000_000));
        assert_eq!(seen_at("yesterday"), None);
    }
}
