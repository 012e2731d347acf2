//! Writing an archive: under a temporary name, made durable, then renamed.
//!
//! The database, which is nearly all of it, is packed on its own, while SQLite still checks it: Zstandard's
//! frames may be put one behind the other, so the manifest comes before what was packed earlier.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::backup::manifest::{DATABASE, MANIFEST_NAME};
use crate::backup::{BackupManifest, FileEntry};
use crate::store::archive::digest::{DigestWriter, hex};
use crate::store::archive::hashing::HashingReader;
use crate::store::archive::read::verify_metered;
use crate::store::archive::{ArchiveError, SEAL_HEAD};
use crate::store::meter::{Meter, Metered};
use crate::store::{StoreError, atomic, copying};

/// Zstandard's level: the fastest one. Level 3 takes twice its time for a hundredth of the size (measured).
const LEVEL: i32 = 1;
/// A tar consists of blocks of this size.
const BLOCK: usize = 512;

/// Where the content of an archive lies.
pub struct Sources<'a> {
    /// The folder below which the files lie under the paths of the manifest.
    pub staged: &'a Path,
    /// What [`pack_database`] wrote.
    pub database: &'a Path,
}

/// Packs the database file into `packed`, for an archive that is written later; its line of the manifest.
///
/// # Errors
/// When it cannot be read, or what is packed not be written.
pub fn pack_database(database: &Path, packed: &Path, meter: &Meter) -> Result<FileEntry, StoreError> {
    let failed = |source| StoreError::new("pack", database, source);
    let source = File::open(database).map_err(failed)?;
    let size = source.metadata().map_err(failed)?.len();
    let source = Metered { inner: io::Read::take(source, size), meter };
    let mut content = HashingReader::new(source, size);
    let into = create(packed).map_err(failed)?;
    frame(&into, |encoder| entry(encoder, DATABASE, size, &mut content)).map_err(failed)?;
    let sha256 = hex(&content.finish().map_err(failed)?);
    Ok(FileEntry { path: DATABASE.to_owned(), size, sha256 })
}

/// Writes `manifest` and the files that it lists, the database first. Until the rename at the end the archive
/// has the name `unfinished`, in the same folder; before it, all of it is read again and checked, which `meter`
/// counts.
///
/// # Errors
/// When a file cannot be read, or the archive not be written; nothing is left then but `unfinished`.
pub fn write(
    manifest: &BackupManifest,
    sources: &Sources<'_>,
    (unfinished, archive): (&Path, &Path),
    meter: &Meter,
) -> Result<(), ArchiveError> {
    let failed = |source| StoreError::new("write", unfinished, source);
    let file = create(unfinished).map_err(failed)?;
    let sealed = pack(manifest, sources, file).map_err(failed)?;
    sealed.sync_all().map_err(failed)?;
    verify_metered(unfinished, meter)?;
    fs::rename(unfinished, archive).map_err(|source| StoreError::new("rename to", archive, source))?;
    Ok(atomic::sync_folder_of(archive)?)
}

fn create(path: &Path) -> io::Result<File> {
    fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

fn pack(manifest: &BackupManifest, sources: &Sources<'_>, file: File) -> io::Result<File> {
    let mut sealing = DigestWriter::new(BufWriter::with_capacity(1 << 20, file));
    let text = serde_json::to_vec_pretty(manifest).map_err(io::Error::other)?;
    frame(&mut sealing, |encoder| entry(encoder, MANIFEST_NAME, text.len() as u64, &mut text.as_slice()))?;
    copying::copy(&mut File::open(sources.database)?, &mut sealing)?;
    frame(&mut sealing, |encoder| {
        let mut tar = tar::Builder::new(encoder);
        for entry in manifest.files.iter().filter(|entry| entry.path != DATABASE) {
            let source = File::open(sources.staged.join(&entry.path))?;
            tar.append_data(&mut header(entry.size), &entry.path, source)?;
        }
        tar.finish()
    })?;
    let (digest, mut file) = sealing.finish();
    file.write_all(&SEAL_HEAD)?;
    file.write_all(&digest)?;
    file.into_inner().map_err(io::IntoInnerError::into_error)
}

/// Writes one frame of Zstandard.
fn frame<W: Write>(
    into: W,
    fill: impl FnOnce(&mut zstd::Encoder<'static, W>) -> io::Result<()>,
) -> io::Result<()> {
    let mut encoder = zstd::Encoder::new(into, LEVEL)?;
    encoder.include_checksum(true)?;
    fill(&mut encoder)?;
    encoder.finish().map(drop)
}

/// One entry of a tar, without the end of the tar behind it. `path` is short.
fn entry(into: &mut impl Write, path: &str, size: u64, content: &mut impl io::Read) -> io::Result<()> {
    let mut header = header(size);
    header.set_path(path)?;
    header.set_cksum();
    into.write_all(header.as_bytes())?;
    if copying::copy(content, into)? != size {
        return Err(io::Error::other(format!("`{path}` changed while it was packed")));
    }
    let padding = usize::try_from(size.next_multiple_of(BLOCK as u64) - size).unwrap_or(0);
    into.write_all(&[0; BLOCK][..padding])
}

fn header(size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o600);
    header.set_entry_type(tar::EntryType::Regular);
    header
}
