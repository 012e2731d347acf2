//! Data on its way into Grafana's volume.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::model::grafana_key::{PUBLIC_SECRET_KEY, SECRET_KEY_FILE, SECRET_KEY_MODE};
use crate::store::{StoreError, atomic};

/// What may lie beside a database and would be applied to the one that replaces it: an old log of writes
/// played into another database destroys it. SQLite takes an empty one for none.
const COMPANIONS: [&str; 3] = ["grafana.db-wal", "grafana.db-shm", "grafana.db-journal"];

/// A folder of this machine for files that go elsewhere; removed when it is dropped.
///
/// # Errors
/// When it cannot be made.
pub fn scratch() -> Result<tempfile::TempDir, StoreError> {
    tempfile::tempdir().map_err(|source| StoreError::new("create a folder in", &std::env::temp_dir(), source))
}

/// Gives data that was unpacked below `data` the key that its database was written with, where it brings none.
///
/// # Errors
/// When it cannot be written.
pub fn ensure_secret_key(data: &Path) -> Result<(), StoreError> {
    let path = data.join(SECRET_KEY_FILE);
    if path.exists() {
        return Ok(());
    }
    atomic::write(&path, PUBLIC_SECRET_KEY.as_bytes(), 0o600)
}

/// A folder beside `data` of what was unpacked into `folder`, with the database and its key alone.
///
/// # Errors
/// When it cannot be made.
pub fn database_alone(folder: &Path) -> Result<PathBuf, StoreError> {
    let alone = folder.join("database");
    let failed = |source| StoreError::new("write", &alone, source);
    fs::create_dir_all(&alone).map_err(failed)?;
    for name in ["grafana.db", SECRET_KEY_FILE] {
        let target = alone.join(name);
        if !target.exists() {
            fs::hard_link(folder.join("data").join(name), &target).map_err(failed)?;
        }
    }
    Ok(alone)
}

/// Bytes of all files below `folder`.
///
/// # Errors
/// When something cannot be looked at.
pub fn size(folder: &Path) -> Result<u64, StoreError> {
    let failed = |source| StoreError::new("read", folder, source);
    let mut size = 0;
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let metadata = entry.metadata().map_err(failed)?;
        size += if metadata.is_dir() { self::size(&entry.path())? } else { metadata.len() };
    }
    Ok(size)
}

/// Every file below `folder`, by its path there; empty when it is not there. For provisioning files, which are
/// small.
///
/// # Errors
/// When something cannot be read.
pub fn read_folder(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, StoreError> {
    let mut found = BTreeMap::new();
    let mut folders = if folder.is_dir() { vec![folder.to_owned()] } else { Vec::new() };
    while let Some(current) = folders.pop() {
        let failed = |source| StoreError::new("read", &current, source);
        for entry in fs::read_dir(&current).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let below = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
            found.insert(below, fs::read(&path).map_err(failed)?);
        }
    }
    Ok(found)
}

/// Writes a tar of everything below `data`, owned by `uid:gid`, with empty companions of the database
/// before it.
///
/// # Errors
/// When a file cannot be read or the tar not be written.
pub fn pack(data: &Path, uid: u32, gid: u32, into: impl Write) -> io::Result<()> {
    let mut tar = tar::Builder::new(into);
    let header = |kind: tar::EntryType, size: u64| {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(if kind == tar::EntryType::Directory { 0o750 } else { 0o640 });
        header.set_uid(uid.into());
        header.set_gid(gid.into());
        header.set_size(size);
        header
    };
    for name in COMPANIONS {
        tar.append_data(&mut header(tar::EntryType::Regular, 0), name, io::empty())?;
    }
    let mut folders = vec![data.to_owned()];
    while let Some(folder) = folders.pop() {
        let mut entries = fs::read_dir(&folder)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let below = path.strip_prefix(data).unwrap_or(&path).to_owned();
            if entry.file_type()?.is_dir() {
                tar.append_data(&mut header(tar::EntryType::Directory, 0), &below, io::empty())?;
                folders.push(path);
            } else {
                let file = File::open(&path)?;
                let mut header = header(tar::EntryType::Regular, file.metadata()?.len());
                if below == Path::new(SECRET_KEY_FILE) {
                    header.set_mode(SECRET_KEY_MODE);
                }
                tar.append_data(&mut header, &below, file)?;
            }
        }
    }
    tar.into_inner()?.flush()
}
