//! What is to be restored: an archive of ours, or a folder that somebody copied out of Grafana's container.
//! Everything is checked here, before anything is touched.

use std::fs;
use std::path::{Path, PathBuf};

use crate::backup::{BackupManifest, Counts};
use crate::model::Hint;
use crate::model::grafana_key::SECRET_KEY_FILE;
use crate::store::archive::{self, ArchiveError};
use crate::store::meter::Meter;
use crate::store::sqlite::{self, DatabaseError};
use crate::store::{StoreError, outgoing, receive, space};

/// Data that was found sound, unpacked below a folder of this machine.
#[derive(Debug)]
pub struct Incoming {
    /// Removed when this is dropped.
    unpacked: tempfile::TempDir,
    /// `None` for a copied folder, of which nothing is known but its database.
    pub manifest: Option<BackupManifest>,
    /// As SQLite counts them now.
    pub counts: Counts,
}

/// Why something cannot be restored.
#[derive(Debug, thiserror::Error)]
pub enum IncomingError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("`{}` cannot be restored", path.display())]
    Database {
        path: PathBuf,
        #[source]
        source: DatabaseError,
    },
    #[error("`{}` holds no database: there is no `grafana.db` in it", path.display())]
    NoDatabase { path: PathBuf },
    /// The manifest says something else than the database.
    #[error("`{}` is no sound backup: its manifest counts something else than its database holds", path.display())]
    OtherCounts { path: PathBuf },
}

impl From<StoreError> for IncomingError {
    fn from(error: StoreError) -> Self {
        Self::Archive(error.into())
    }
}

impl Hint for IncomingError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Archive(error) => error.hint(),
            Self::Database { source, .. } => source.hint(),
            Self::NoDatabase { .. } => Some(
                "name an archive of `confidexmon backup-grafana`, or a copy of Grafana's /var/lib/grafana"
                    .to_owned(),
            ),
            Self::OtherCounts { .. } => Some("nothing was changed; use another backup".to_owned()),
        }
    }
}

impl Incoming {
    /// The folder with `data/grafana.db`.
    pub fn folder(&self) -> &Path {
        self.unpacked.path()
    }
}

/// Unpacks and checks `path`; nothing outside a temporary folder is written. `meter` counts what is unpacked.
///
/// # Errors
/// With the reason why it cannot be restored.
pub fn read(path: &Path, meter: &Meter) -> Result<Incoming, IncomingError> {
    let unpacked = outgoing::scratch()?;
    let damaged = |source| IncomingError::Database { path: path.to_owned(), source };
    let database = unpacked.path().join("data/grafana.db");
    if path.is_dir() {
        copy_folder(path, &unpacked.path().join("data"))?;
        if !database.is_file() {
            return Err(IncomingError::NoDatabase { path: path.to_owned() });
        }
        let counts = sqlite::settle(&database).map_err(damaged)?.counts;
        outgoing::ensure_secret_key(&unpacked.path().join("data"))?;
        return Ok(Incoming { unpacked, manifest: None, counts });
    }
    read_archive(path, unpacked, meter)
}

/// The same of an encrypted archive, with the identities in the file `identity`.
///
/// # Errors
/// With the reason why it cannot be restored.
pub fn read_encrypted(path: &Path, identity: &Path, meter: &Meter) -> Result<Incoming, IncomingError> {
    let decrypted = outgoing::scratch()?;
    space::check(decrypted.path(), space::size(path))?;
    let plain = decrypted.path().join("decrypted.tar.zst");
    archive::decrypt(path, identity, &plain)?;
    read_archive(&plain, outgoing::scratch()?, meter)
}

fn read_archive(path: &Path, unpacked: tempfile::TempDir, meter: &Meter) -> Result<Incoming, IncomingError> {
    let damaged = |source| IncomingError::Database { path: path.to_owned(), source };
    let database = unpacked.path().join("data/grafana.db");
    space::check(unpacked.path(), archive::manifest(path)?.manifest.size())?;
    let opened = archive::unpack(path, unpacked.path(), meter)?;
    let counts = sqlite::inspect(&database).map_err(damaged)?.counts;
    if counts != opened.manifest.counts {
        return Err(IncomingError::OtherCounts { path: path.to_owned() });
    }
    outgoing::ensure_secret_key(&unpacked.path().join("data"))?;
    Ok(Incoming { unpacked, manifest: Some(opened.manifest), counts })
}

/// The database with its companions, and the plugins; what else lies there is made again by Grafana.
fn copy_folder(from: &Path, to: &Path) -> Result<(), StoreError> {
    for name in ["grafana.db", "grafana.db-wal", "grafana.db-journal", SECRET_KEY_FILE] {
        let source = from.join(name);
        if source.is_file() {
            copy_file(&source, &to.join(name))?;
        }
    }
    let plugins = from.join("plugins");
    if plugins.is_dir() { copy_below(&plugins, &to.join("plugins")) } else { Ok(()) }
}

fn copy_below(from: &Path, to: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::new("list", from, source);
    for entry in fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let kind = entry.file_type().map_err(failed)?;
        let target = to.join(entry.file_name());
        if kind.is_dir() {
            copy_below(&entry.path(), &target)?;
        } else if kind.is_file() {
            copy_file(&entry.path(), &target)?;
        }
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> Result<(), StoreError> {
    let failed = |source| StoreError::new("copy", from, source);
    let mut source = fs::File::open(from).map_err(failed)?;
    let mut target = receive::create(to).map_err(failed)?;
    std::io::copy(&mut source, &mut target).map_err(failed)?;
    Ok(())
}
