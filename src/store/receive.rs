//! Files out of a tar that arrives piece by piece.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::store::{copying, space};

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
        room_for(&target, entry.size())?;
        copying::copy(&mut entry, &mut create(&target)?)?;
        written.push(target);
    }
    Ok(written)
}

/// Looked at for each file: nobody can tell beforehand how large everything in a container is.
fn room_for(target: &Path, size: u64) -> io::Result<()> {
    let folder = target.parent().unwrap_or(target);
    space::check(folder, size).map_err(|error| io::Error::new(error.source.kind(), Box::new(error)))
}

/// A new, empty file that only its owner can read, with the folders that lead to it.
///
/// # Errors
/// When it cannot be created.
pub fn create(path: &Path) -> io::Result<File> {
    let file = create_or_keep(path)?;
    file.set_len(0)?;
    Ok(file)
}

/// The same with what is in it already, which can be read, too.
///
/// # Errors
/// When it cannot be opened or created.
pub fn create_or_keep(path: &Path) -> io::Result<File> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}
