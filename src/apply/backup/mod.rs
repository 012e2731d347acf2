//! Makes a backup of Grafana: copies what its volumes hold, lets SQLite settle and check the database,
//! and packs it. Nothing is called a backup before it was checked.

mod database;
mod files;
mod local_volume;
pub mod proof;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::apply::StackSession;
use crate::apply::metered::{Doing, metered};
use crate::backup::manifest::FORMAT;
use crate::backup::{BackupManifest, Counts, FileEntry, names};
use crate::engine::{Engine, EngineError, ErrorKind};
use crate::error::{Error, ExitCode};
use crate::model::{ImageRef, Observed, ObservedContainer, ServiceKind, StackName};
use crate::store::StoreError;
use crate::store::archive::{ArchiveError, Draft};
use crate::store::backups;
use crate::store::meter::Meter;
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
    let mut notes = files::copy(session, request.container, staged.path()).await?;
    let files = listed(staged.path()).await?;
    let draft = Arc::new(Draft::new(staged.unfinished(request.folder), &files)?);
    let into = database::Place { folder: staged.path().join("data"), draft: Some(draft.clone()) };
    let copied = database::copy(session, request.container, &into).await?;
    session.check_cancelled()?;
    let version = version(&request.container.image);
    let files = copied.packed.clone().into_iter().chain(files).collect();
    let mut manifest = manifest(request, created_at, version, &copied, files);
    manifest.image_digest = image_digest(session, request.container).await?;
    if copied.report.dangling_references > 0 {
        notes.push(format!(
            "{} rows of the database refer to rows that are not there; Grafana works with that",
            copied.report.dangling_references
        ));
    }
    let counter = Meter::default();
    let doing = Doing { what: "reading the archive again", total: manifest.size() };
    let (path, meter) = (archive.clone(), counter.clone());
    let finish = blocking(move || {
        let size = draft.finish(&manifest, staged.path(), &path, &meter)?;
        Ok::<_, ArchiveError>((size, manifest))
    });
    let (size, manifest) = metered(session.reporter.as_ref(), doing, &counter, finish).await??;
    Ok(Written { path: archive, manifest, size, notes })
}

/// The copy of a database that SQLite has found whole.
pub struct Copied {
    pub report: DatabaseReport,
    /// How long Grafana was paused for it.
    pub stood_still: Duration,
    /// Its line of the manifest, where it was packed.
    pub packed: Option<FileEntry>,
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
        image_digest: None,
        newest_migration: copied.report.newest_migration.clone(),
        migrations: copied.report.migrations,
        layout: copied.report.layout,
        counts: copied.report.counts,
        stood_still_ms: u64::try_from(copied.stood_still.as_millis()).unwrap_or(u64::MAX),
        files,
    }
}

/// The digest under which the image of a container is known in its repository; an image that was built here
/// has none.
async fn image_digest<E: Engine>(
    session: &StackSession<E>,
    container: &ObservedContainer,
) -> Result<Option<String>, Error> {
    let (Some(id), Some(name)) = (ImageRef::new(&container.image_id), ImageRef::new(&container.image)) else {
        return Ok(None);
    };
    let local = session.engine.find_image(&id).await?;
    Ok(local.and_then(|local| local.digest_in(&name).map(str::to_owned)))
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
    let into = database::Place { folder: folder.path().join("data"), draft: None };
    Ok(database::copy(session, container, &into).await?.report.counts)
}

/// The version in the image's tag, `13.2.0` of `…/grafana:13.2.0`.
pub fn version(image: &str) -> Option<String> {
    let tag = image.rsplit('/').next()?.split_once(':')?.1;
    let tag = tag.split('@').next().unwrap_or(tag).trim_start_matches('v');
    tag.starts_with(|first: char| first.is_ascii_digit()).then(|| tag.to_owned())
}

/// Size and checksum of everything that was staged beside the database.
async fn listed(staged: &Path) -> Result<Vec<FileEntry>, Error> {
    let staged = staged.to_owned();
    Ok(blocking(move || backups::list_staged(&staged)).await??)
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
    let error = match error.downcast::<EngineError>() {
        Ok(error) => return error.into(),
        Err(error) => error,
    };
    match error.downcast::<StoreError>() {
        Ok(error) => error.into(),
        Err(error) => EngineError::new(format!("copy {what}"), ErrorKind::Other, error.to_string()).into(),
    }
}
