//! Files out of a tar that arrives piece by piece.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Writes the regular files of a tar to where `place` says, mode 0600; `None` leaves a file out. Links and devices are left out: nothing that we read is one.
///
/// # Errors
/// When the tar cannot be read to its end, or a file not be written.
pub fn files(tar: impl Read, place: &mut dyn FnMut(&str) -> Option<PathBuf>) -> io::Result<Vec<PathBuf>> {
    let mut archive = tar::Archive::new(tar);
    let mut written = Vec::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let Some(target) = place(&path) else { continue };
        io::copy(&mut entry, &mut create(&target)?)?;
        written.push(target);
    }
    Ok(written)
}

/// A new, empty file that only its owner can read, with the folders that lead to it.
///
/// # Errors
/// When it cannot be created.
pub fn create(path: &Path) -> io::Result<File> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}
