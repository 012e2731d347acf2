//! The folder that keeps the archives: staging, listing, removing.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::backup::manifest::DATABASE;
use crate::backup::{FileEntry, names};
use crate::store::archive::{self, ArchiveError, Opened, sha256_of_file};
use crate::store::{StoreError, atomic};

/// What keeps archives, which hold secrets, out of version control.
const GITIGNORE: &str = "*\n";

/// Files on their way into an archive; removed when this is dropped.
#[derive(Debug)]
pub struct Staging {
    folder: tempfile::TempDir,
}

impl Staging {
    /// Where it lies until it is complete.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where the archive is written before it gets its name.
    pub fn unfinished(&self, folder: &Path) -> PathBuf {
        let name = self.folder.path().file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        folder.join(name.replace(names::UNFINISHED, &format!("-archive{}", names::UNFINISHED)))
    }
}

/// The archives of a folder by their names alone, the newest first; none where it cannot be read.
pub fn archive_paths(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.to_string_lossy().ends_with(".tar.zst"));
    paths.sort_unstable();
    paths.reverse();
    paths
}

/// One archive of the folder.
#[derive(Debug)]
pub struct Listed {
    pub name: String,
    pub path: PathBuf,
    /// Its manifest, or why it is none.
    pub opened: Result<Opened, ArchiveError>,
    /// When a throw-away Grafana worked with it, RFC 3339.
    pub proven_at: Option<String>,
}

/// Makes the folder ready: there, out of version control, and without what killed runs left of this stack.
///
/// # Errors
/// When the folder cannot be made or listed.
pub fn prepare(folder: &Path, stack: &str) -> Result<(), StoreError> {
    let failed = |source| StoreError::new("create", folder, source);
    fs::create_dir_all(folder).map_err(failed)?;
    let ignore = folder.join(".gitignore");
    if !ignore.exists() {
        atomic::write(&ignore, GITIGNORE.as_bytes(), 0o644)?;
    }
    for name in names_in(folder)? {
        if names::is_remains(stack, &name) {
            let path = folder.join(&name);
            let removed = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(|source| StoreError::new("remove", &path, source))?;
        }
    }
    Ok(())
}

/// A folder for the files of one archive, beside where it will be: the same disk, so that it has room.
///
/// # Errors
/// When it cannot be made.
pub fn staging(folder: &Path, stack: &str) -> Result<Staging, StoreError> {
    let made = tempfile::Builder::new()
        .prefix(&format!(".grafana-{stack}-"))
        .suffix(names::UNFINISHED)
        .tempdir_in(folder);
    Ok(Staging { folder: made.map_err(|source| StoreError::new("create a folder in", folder, source))? })
}

/// Removes `folder` with everything in it; it need not be there.
///
/// # Errors
/// When it cannot be removed.
pub fn clear(folder: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::new("remove", folder, error))
        }
        _ => Ok(()),
    }
}

/// Gives a folder that was filled under another name its own, with what is in it on the disk: whoever
/// finds it finds it whole.
///
/// # Errors
/// When a file cannot be made durable, or the folder not be renamed.
pub fn settle_folder(unfinished: &Path, folder: &Path) -> Result<(), StoreError> {
    let mut paths = Vec::new();
    collect(unfinished, &mut paths)?;
    for path in paths {
        let synced = fs::File::open(&path).and_then(|file| file.sync_all());
        synced.map_err(|source| StoreError::new("sync", &path, source))?;
    }
    fs::rename(unfinished, folder).map_err(|source| StoreError::new("rename to", folder, source))?;
    atomic::sync_folder_of(folder)
}

/// Every file below `staged` but the database, which was packed before, with its size and checksum.
///
/// # Errors
/// When a file cannot be read.
pub fn list_staged(staged: &Path) -> Result<Vec<FileEntry>, StoreError> {
    let mut paths = Vec::new();
    for part in ["data", "provisioning"].map(|part| staged.join(part)) {
        if part.is_dir() {
            collect(&part, &mut paths)?;
        }
    }
    let mut entries = Vec::new();
    for path in paths {
        let below = path.strip_prefix(staged).unwrap_or(&path).to_string_lossy().into_owned();
        if below == DATABASE {
            continue;
        }
        let (size, sha256) = sha256_of_file(&path)?;
        entries.push(FileEntry { path: below, size, sha256 });
    }
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(entries)
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) -> Result<(), StoreError> {
    let failed = |source| StoreError::new("list", folder, source);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_dir() {
            collect(&entry.path(), into)?;
        } else {
            into.push(entry.path());
        }
    }
    Ok(())
}

fn names_in(folder: &Path) -> Result<Vec<String>, StoreError> {
    let failed = |source| StoreError::new("list", folder, source);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(failed)?,
    };
    let names = entries.map(|entry| Ok(entry.map_err(failed)?.file_name().to_string_lossy().into_owned()));
    let mut names: Vec<String> = names.collect::<Result<_, StoreError>>()?;
    names.sort();
    Ok(names)
}

/// The archives of this stack, the oldest first. `read` is what is done with each: its manifest read, or
/// all of it verified.
///
/// # Errors
/// When the folder cannot be listed; one that is not there is empty.
pub fn list(
    folder: &Path,
    stack: &str,
    read: impl Fn(&Path) -> Result<Opened, ArchiveError>,
) -> Result<Vec<Listed>, StoreError> {
    let listed = names_of(folder, stack)?.map(|name| {
        let path = folder.join(&name);
        let proven_at = fs::read_to_string(proof(&path)).ok().map(|text| text.trim().to_owned());
        Listed { opened: read(&path), proven_at, name, path }
    });
    Ok(listed.collect())
}

fn names_of<'s>(folder: &Path, stack: &'s str) -> Result<impl Iterator<Item = String> + 's, StoreError> {
    Ok(names_in(folder)?.into_iter().filter(move |name| names::moment(stack, name).is_some()))
}

/// The newest archive of this stack by its name, whatever it holds.
///
/// # Errors
/// When the folder cannot be listed.
pub fn newest_path(folder: &Path, stack: &str) -> Result<Option<PathBuf>, StoreError> {
    Ok(names_of(folder, stack)?.last().map(|name| folder.join(name)))
}

/// The newest archive of this stack whose manifest can be read.
///
/// # Errors
/// When the folder cannot be listed.
pub fn newest(folder: &Path, stack: &str) -> Result<Option<Opened>, StoreError> {
    Ok(list(folder, stack, archive::manifest)?.into_iter().rev().find_map(|listed| listed.opened.ok()))
}

/// Removes an archive and what is noted beside it.
///
/// # Errors
/// When the archive cannot be removed.
pub fn remove(path: &Path) -> Result<(), StoreError> {
    fs::remove_file(path).map_err(|source| StoreError::new("remove", path, source))?;
    let _ = fs::remove_file(proof(path));
    Ok(())
}

/// Gives an archive that got another name what is noted beside it.
///
/// # Errors
/// When the note cannot be renamed.
pub fn move_notes(from: &Path, to: &Path) -> Result<(), StoreError> {
    match fs::rename(proof(from), proof(to)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::new("rename to", &proof(to), error))
        }
        _ => Ok(()),
    }
}

/// Notes that a throw-away Grafana worked with this archive.
///
/// # Errors
/// When the note cannot be written.
pub fn mark_proven(path: &Path, at: &str) -> Result<(), StoreError> {
    atomic::write(&proof(path), format!("{at}\n").as_bytes(), 0o600)
}

fn proof(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".proven");
    PathBuf::from(name)
}
