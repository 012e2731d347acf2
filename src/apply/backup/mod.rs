//! Makes a backup of Grafana: copies what its volumes hold, lets SQLite settle and check the database,
//! and packs it. Nothing is called a backup before it was checked.

mod database;
mod files;
pub mod proof;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::apply::StackSession;
use crate::backup::manifest::FORMAT;
use crate::backup::{BackupManifest, Counts, FileEntry, names};
use crate::engine::{Engine, EngineError, ErrorKind};
use crate::error::{Error, ExitCode};
use crate::model::{Observed, ObservedContainer, ServiceKind, StackName};
use crate::store::archive::{self, ArchiveError};
use crate::store::backups;
use crate::store::outgoing;
use crate::store::sqlite::DatabaseReport;

pub use crate::services::grafana::DATA;
pub use files::receive;

/// What to copy, and where to.
pub struct Request<'a> {
    pub stack: &'a StackName,
    pub container: &'a ObservedContainer,
    /// The folder that keeps the archives.
    pub folder: &'a Path,
}

/// A backup that was written and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub path: PathBuf,
    pub manifest: BackupManifest,
    /// Bytes of the archive.
    pub size: u64,
    /// What is worth knowing about it, as sentences.
    pub notes: Vec<String>,
}

/// Grafana's container, running or not.
///
/// # Errors
/// When the stack has none.
pub fn container<'a>(observed: &'a Observed, stack: &'a StackName) -> Result<&'a ObservedContainer, Error> {
    let name = stack.container(ServiceKind::Grafana);
    let found = crate::apply::gather::services(observed, stack).find(|container| container.name == name);
    found.ok_or_else(|| {
        Error::new(
            ExitCode::Failed,
            format!("the stack `{stack}` has no Grafana, so there is nothing to copy"),
        )
        .hint("`confidexmon up` creates it; an existing data volume is used again then")
    })
}

/// Copies, checks and packs. Whatever happens, Grafana runs as before when this returns.
///
/// # Errors
/// When something cannot be read or written, or the database is not whole; no archive is left then.
pub async fn create<E: Engine>(session: &StackSession<E>, request: &Request<'_>) -> Result<Written, Error> {
    let created_at = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
    let name = names::archive(request.stack.as_str(), &created_at);
    let archive = request.folder.join(&name);
    backups::prepare(request.folder, request.stack.as_str())?;
    let staged = backups::staging(request.folder, request.stack.as_str())?;
    let copied = database::copy(session, request.container, &staged.path().join("data")).await?;
    let mut notes = files::copy(session, request.container, staged.path()).await?;
    session.check_cancelled()?;
    let version = version(request.container);
    let manifest = manifest(request, created_at, version, &copied, listed(staged.path()).await?);
    if copied.report.dangling_references > 0 {
        notes.push(format!(
            "{} rows of the database refer to rows that are not there; Grafana works with that",
            copied.report.dangling_references
        ));
    }
    let (size, manifest) = pack(staged, manifest, request.folder.to_owned(), archive.clone()).await?;
    Ok(Written { path: archive, manifest, size, notes })
}

/// The copy of a database that SQLite has found whole.
pub struct Copied {
    pub report: DatabaseReport,
    /// How long Grafana was paused for it.
    pub stood_still: Duration,
}

fn manifest(
    request: &Request<'_>,
    created_at: String,
    grafana_version: Option<String>,
    copied: &Copied,
    files: Vec<FileEntry>,
) -> BackupManifest {
    BackupManifest {
        format: FORMAT,
        written_by: env!("CARGO_PKG_VERSION").to_owned(),
        stack: request.stack.to_string(),
        created_at,
        grafana_version,
        image: request.container.image.clone(),
        image_id: request.container.image_id.clone(),
        newest_migration: copied.report.newest_migration.clone(),
        migrations: copied.report.migrations,
        layout: copied.report.layout,
        counts: copied.report.counts,
        stood_still_ms: u64::try_from(copied.stood_still.as_millis()).unwrap_or(u64::MAX),
        files,
    }
}

/// What Grafana's database holds now.
///
/// # Errors
/// When it cannot be copied or is not whole.
pub async fn counts<E: Engine>(
    session: &StackSession<E>,
    container: &ObservedContainer,
) -> Result<Counts, Error> {
    let folder = outgoing::scratch()?;
    Ok(database::copy(session, container, &folder.path().join("data")).await?.report.counts)
}

/// The version in the image's tag, `13.2.0` of `…/grafana:13.2.0`.
pub fn version(container: &ObservedContainer) -> Option<String> {
    let tag = container.image.rsplit('/').next()?.split_once(':')?.1;
    let tag = tag.split('@').next().unwrap_or(tag).trim_start_matches('v');
    tag.starts_with(|first: char| first.is_ascii_digit()).then(|| tag.to_owned())
}

/// Size and checksum of everything that was staged.
async fn listed(staged: &Path) -> Result<Vec<FileEntry>, Error> {
    let staged = staged.to_owned();
    Ok(blocking(move || backups::list_staged(&staged)).await??)
}

/// Writes the archive, reads all of it again, and only then gives it its name.
async fn pack(
    staged: backups::Staging,
    manifest: BackupManifest,
    folder: PathBuf,
    archive: PathBuf,
) -> Result<(u64, BackupManifest), Error> {
    let packed = blocking(move || -> Result<_, ArchiveError> {
        let unfinished = staged.unfinished(&folder);
        archive::write(&manifest, staged.path(), &unfinished, &archive)?;
        let opened = archive::manifest(&archive)?;
        Ok((opened.archive_size, manifest))
    });
    Ok(packed.await??)
}

/// Work that keeps a thread busy: checksums, compression, SQLite.
///
/// # Errors
/// When the work panicked.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::new(ExitCode::Failed, format!("a task of this program failed: {error}")))
}

/// An error of the engine that came through a reader, or the reader's own.
fn received(error: std::io::Error, what: &str) -> Error {
    match error.downcast::<EngineError>() {
        Ok(error) => error.into(),
        Err(error) => EngineError::new(format!("copy {what}"), ErrorKind::Other, error.to_string()).into(),
    }
}
