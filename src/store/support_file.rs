//! Writes a support archive: a tar, in Zstandard where its name says so, that only its owner can read.

use std::io::Write;
use std::path::Path;

use crate::store::{StoreError, atomic};

/// Zstandard's level: logs shrink well at any.
const LEVEL: i32 = 3;

/// Writes the files, name and text, below a folder of the archive's own name.
///
/// # Errors
/// When the archive cannot be written.
pub fn write(path: &Path, files: &[(String, String)]) -> Result<usize, StoreError> {
    let failed = |source| StoreError::new("write", path, source);
    let bytes = pack(path, files).map_err(failed)?;
    let size = bytes.len();
    // A bare name has the parent "", which is the current folder.
    let bare = path.parent().is_some_and(|parent| parent.as_os_str().is_empty());
    let path = if bare { Path::new(".").join(path) } else { path.to_owned() };
    // A folder that is not there is a slip of the pen.
    match path.parent().filter(|parent| !parent.is_dir()) {
        Some(parent) => Err(StoreError::new(
            "write to",
            parent,
            std::io::Error::new(std::io::ErrorKind::NotFound, "there is no such folder"),
        )),
        None => atomic::write(&path, &bytes, 0o600).map(|()| size),
    }
}

fn pack(path: &Path, files: &[(String, String)]) -> std::io::Result<Vec<u8>> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let folder = name.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or("support").to_owned();
    let mut tar = tar::Builder::new(Vec::new());
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o600);
        header.set_size(text.len() as u64);
        tar.append_data(&mut header, format!("{folder}/{name}"), text.as_bytes())?;
    }
    let bytes = tar.into_inner()?;
    if path.extension().is_none_or(|extension| extension != "zst") {
        return Ok(bytes);
    }
    let mut encoder = zstd::Encoder::new(Vec::new(), LEVEL)?;
    encoder.write_all(&bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_is_not_made() {
        let Ok(dir) = tempfile::tempdir() else { return };
        let files = [("plan.txt".to_owned(), "nothing to do\n".to_owned())];
        let refused = write(&dir.path().join("nowhere/a.tar"), &files).err();
        assert!(refused.is_some_and(|error| error.source.to_string().contains("no such folder")));
        assert!(!dir.path().join("nowhere").exists());
        assert!(write(&dir.path().join("a.tar"), &files).is_ok());
    }
}
