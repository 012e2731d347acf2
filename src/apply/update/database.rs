//! Grafana migrates its database forward only, so a way back needs the files from before. They are
//! copied while no Grafana runs, and lie on this machine until the update is over.

use std::path::{Path, PathBuf};

use crate::apply::{StackSession, backup, restore};
use crate::engine::{Engine, ErrorKind};
use crate::error::Error;
use crate::model::ServiceKind;
use crate::services::DesiredService;
use crate::services::grafana::DATA;
use crate::store::incoming::Incoming;
use crate::store::meter::Meter;
use crate::store::{backups, outgoing, space};

/// The database and what `SQLite` may leave beside it. A file that was not there is put back empty: a log
/// of the new version beside the old database would be played into it.
const FILES: [&str; 3] = ["grafana.db", "grafana.db-wal", "grafana.db-journal"];

/// What became of the database on the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Saved {
    Restored,
    /// The service's data is read by both versions.
    NotNeeded,
    /// No copy is on this machine.
    Missing,
}

/// Copies the database of a stopped Grafana to this machine.
pub(super) async fn save<E: Engine>(
    session: &StackSession<E>,
    wanted: &DesiredService,
    container_id: &str,
) -> Result<(), Error> {
    if wanted.spec.service != ServiceKind::Grafana {
        return Ok(());
    }
    let kept = path(session, container_id);
    let unfinished = kept.with_extension("unfinished");
    backups::clear(&unfinished)?;
    for name in FILES {
        match copy(session, container_id, &unfinished.join("data"), name).await {
            // Nothing was ever written: there is nothing to go back to.
            Err(error) if is_missing(&error) && name == FILES[0] => return Ok(()),
            Err(error) if is_missing(&error) => {}
            other => other?,
        }
    }
    backups::clear(&kept)?;
    Ok(backups::settle_folder(&unfinished, &kept)?)
}

/// Streams one file, however large it is, to this machine.
async fn copy<E: Engine>(
    session: &StackSession<E>,
    container_id: &str,
    folder: &Path,
    name: &str,
) -> Result<(), Error> {
    let source = format!("{DATA}/{name}");
    if let Some(state) = session.engine.stat(container_id, &source).await? {
        space::check(folder, state.size)?;
    }
    let target = folder.join(name);
    let place = move |_: &str| Some(target.clone());
    backup::receive(session, container_id, &source, place, &Meter::default()).await.map(drop)
}

fn is_missing(error: &Error) -> bool {
    error.engine_kind == Some(ErrorKind::NotFound)
}

/// Puts the database from before back into the volume of a container that does not run.
pub(super) async fn restore<E: Engine>(
    session: &StackSession<E>,
    service: ServiceKind,
    container_id: &str,
) -> Result<Saved, Error> {
    if service != ServiceKind::Grafana {
        return Ok(Saved::NotNeeded);
    }
    let data = path(session, container_id).join("data");
    if !data.is_dir() {
        return Ok(Saved::Missing);
    }
    restore::upload(session, container_id, data).await?;
    Ok(Saved::Restored)
}

/// Writes the database of `earlier`, and nothing else of it, into the volume of a container that does not run.
pub(super) async fn put<E: Engine>(
    session: &StackSession<E>,
    container: &str,
    earlier: &Incoming,
) -> Result<(), Error> {
    let folder = earlier.folder().to_owned();
    let alone = backup::blocking(move || outgoing::database_alone(&folder)).await??;
    restore::upload(session, container, alone).await
}

/// True when the database of this update is on this machine.
pub(super) fn is_saved<E: Engine>(session: &StackSession<E>, container_id: &str) -> bool {
    path(session, container_id).join("data").is_dir()
}

/// The update is over, one way or the other.
pub(super) fn forget<E: Engine>(session: &StackSession<E>, container_id: &str) {
    let kept = path(session, container_id);
    for folder in [kept.with_extension("unfinished"), kept] {
        if let Err(error) = backups::clear(&folder) {
            tracing::warn!("{error}: {}", error.source);
        }
    }
}

/// Named after the container that is kept, so that stacks and engines do not meet.
fn path<E: Engine>(session: &StackSession<E>, container_id: &str) -> PathBuf {
    let directory = session.state.lock().map(|state| state.directory().to_owned()).unwrap_or_default();
    let short: String = container_id.chars().take(12).collect();
    directory.join(format!("grafana-before-update-{short}"))
}
