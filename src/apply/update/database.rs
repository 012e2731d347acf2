//! Grafana migrates its database forward only, so a way back needs the files from before. They are
//! copied while no Grafana runs, and lie on this machine until the update is over.

use std::path::PathBuf;

use crate::apply::StackSession;
use crate::engine::{Engine, ErrorKind};
use crate::error::{Error, ExitCode};
use crate::model::ServiceKind;
use crate::services::DesiredService;
use crate::services::grafana::DATA;
use crate::store::{atomic, tarball};

/// The database and what `SQLite` may leave beside it. A file that was not there is put back empty: a log
/// of the new version beside the old database would be played into it.
const FILES: [&str; 3] = ["grafana.db", "grafana.db-wal", "grafana.db-journal"];
/// The database is held in memory on its way.
const LARGEST: usize = 2 * 1024 * 1024 * 1024;

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
    let mut archive = tarball::Archive::new(wanted.files.uid, wanted.files.gid);
    for name in FILES {
        let found = match session.engine.download(container_id, &format!("{DATA}/{name}")).await {
            Ok(tar) => tarball::extract(&tar, LARGEST).unwrap_or_default(),
            Err(error) if error.kind == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let bytes = found.into_iter().next().map(|file| file.bytes).unwrap_or_default();
        if name == FILES[0] && bytes.is_empty() {
            // Nothing was ever written: there is nothing to go back to.
            return Ok(());
        }
        archive.file(name, &bytes, 0o640).map_err(|error| unpackable(&error))?;
    }
    let bytes = archive.finish().map_err(|error| unpackable(&error))?;
    Ok(atomic::write(&path(session, container_id), &bytes, 0o600)?)
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
    let Some(bytes) = atomic::read(&path(session, container_id))? else { return Ok(Saved::Missing) };
    session.engine.upload(container_id, DATA, bytes).await?;
    Ok(Saved::Restored)
}

/// The update is over, one way or the other.
pub(super) fn forget<E: Engine>(session: &StackSession<E>, container_id: &str) {
    if let Err(error) = atomic::remove(&path(session, container_id)) {
        tracing::warn!("{error}: {}", error.source);
    }
}

/// Named after the container that is kept, so that stacks and engines do not meet.
fn path<E: Engine>(session: &StackSession<E>, container_id: &str) -> PathBuf {
    let directory = session.state.lock().map(|state| state.directory().to_owned()).unwrap_or_default();
    let short: String = container_id.chars().take(12).collect();
    directory.join(format!("grafana-before-update-{short}.tar"))
}

fn unpackable(error: &std::io::Error) -> Error {
    Error::new(ExitCode::Failed, format!("cannot pack Grafana's database: {error}"))
}
