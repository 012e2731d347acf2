//! Writing a file so that a reader sees the old content or the new, never half of it.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::store::StoreError;

/// Replaces `path` with `bytes`, mode `mode`; the parent folder is created when missing.
pub fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), StoreError> {
    let parent = path.parent().unwrap_or_else(|| Path::new("."));
    let failed = |source| StoreError::new("write", path, source);
    fs::create_dir_all(parent).map_err(failed)?;
    let mut temporary = tempfile::NamedTempFile::new_in(parent).map_err(failed)?;
    temporary.write_all(bytes).map_err(failed)?;
    temporary.as_file().set_permissions(fs::Permissions::from_mode(mode)).map_err(failed)?;
    temporary.as_file().sync_all().map_err(failed)?;
    temporary.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Puts the name of `path` on the disk: without this, what was renamed may be gone after a power cut.
pub fn sync_folder_of(path: &Path) -> Result<(), StoreError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|source| StoreError::new("sync", folder, source))
}

/// The bytes of a file; `None` when there is none.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StoreError::new("read", path, source)),
    }
}

/// Removes a file; one that is not there is removed already.
pub fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != ErrorKind::NotFound => Err(StoreError::new("remove", path, source)),
        _ => Ok(()),
    }
}
