//! Writing an archive: under a temporary name, made durable, then renamed.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::backup::BackupManifest;
use crate::backup::manifest::MANIFEST_NAME;
use crate::store::StoreError;
use crate::store::archive::digest::DigestWriter;
use crate::store::archive::{ArchiveError, SEAL_HEAD, verify};

/// Zstandard's level: the fastest that shrinks JSON in SQLite pages well.
const LEVEL: i32 = 3;

/// Writes `manifest` and the files that it lists, which lie below `staged` under the same paths. Until
/// the rename at the end the archive has the name `unfinished`, in the same folder; before it, all of it
/// is read again and checked.
///
/// # Errors
/// When a file cannot be read, or the archive not be written; nothing is left then but `unfinished`.
pub fn write(
    manifest: &BackupManifest,
    staged: &Path,
    unfinished: &Path,
    archive: &Path,
) -> Result<(), ArchiveError> {
    let failed = |source| StoreError::new("write", unfinished, source);
    let file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(unfinished)
        .map_err(failed)?;
    let sealed = pack(manifest, staged, file).map_err(failed)?;
    sealed.sync_all().map_err(failed)?;
    verify(unfinished)?;
    fs::rename(unfinished, archive).map_err(|source| StoreError::new("rename to", archive, source))?;
    // Without this the new name may be gone after a power cut.
    let folder = archive.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|source| StoreError::new("sync", folder, source))?;
    Ok(())
}

fn pack(manifest: &BackupManifest, staged: &Path, file: File) -> io::Result<File> {
    let mut encoder = zstd::Encoder::new(DigestWriter::new(BufWriter::with_capacity(1 << 20, file)), LEVEL)?;
    encoder.include_checksum(true)?;
    let mut tar = tar::Builder::new(encoder);
    let text = serde_json::to_vec_pretty(manifest).map_err(io::Error::other)?;
    append(&mut tar, MANIFEST_NAME, text.len() as u64, text.as_slice())?;
    for entry in &manifest.files {
        let source = File::open(staged.join(&entry.path))?;
        append(&mut tar, &entry.path, entry.size, source)?;
    }
    let (digest, mut file) = tar.into_inner()?.finish()?.finish();
    file.write_all(&SEAL_HEAD)?;
    file.write_all(&digest)?;
    file.into_inner().map_err(io::IntoInnerError::into_error)
}

fn append<W: Write>(
    tar: &mut tar::Builder<W>,
    path: &str,
    size: u64,
    content: impl io::Read,
) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o600);
    header.set_entry_type(tar::EntryType::Regular);
    tar.append_data(&mut header, path, content)
}
