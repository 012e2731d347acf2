//! Data on its way into Grafana's volume.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use crate::store::StoreError;

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
                let size = file.metadata()?.len();
                tar.append_data(&mut header(tar::EntryType::Regular, size), &below, file)?;
            }
        }
    }
    tar.into_inner()?.flush()
}
