//! Writing an archive: under a temporary name, read again and checked, made durable, then renamed.
//!
//! The database, which is nearly all of it, is packed while SQLite still checks it, and what the manifest says
//! is known only afterwards. So room is left for the manifest at the beginning: Zstandard's frames may be
//! put one behind the other, and what is left of the room is a frame that every reader passes over.

use std::fs::{self, File};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::backup::manifest::{DATABASE, MANIFEST_NAME};
use crate::backup::{BackupManifest, FileEntry};
use crate::model::manifest::hex;
use crate::store::archive::hashing::HashingReader;
use crate::store::archive::read::{Digest, verify_unsealed};
use crate::store::archive::{ArchiveError, SEAL_HEAD};
use crate::store::meter::{Meter, Metered};
use crate::store::{StoreError, atomic, copying};

/// Zstandard's level: of the fast ones. Level 1 takes twice its time, and saves a hundredth to a twelfth (measured).
const LEVEL: i32 = -1;
/// A tar consists of blocks of this size.
const BLOCK: usize = 512;
/// What a manifest holds beside the lines of its files, in bytes; a generous bound.
const BESIDE_FILES: usize = 4 * 1024;
/// The beginning of a frame that is passed over; the length of its content follows.
const PADDING: [u8; 4] = [0x50, 0x2A, 0x4D, 0x18];
const PADDING_HEAD: usize = 8;

/// An archive that is not complete; its file goes with it when it never is.
#[derive(Debug)]
pub struct Draft {
    path: PathBuf,
    /// Bytes that are kept free for the manifest.
    room: u64,
}

impl Draft {
    /// An archive for `files` and a database, written to `path` until it is complete.
    ///
    /// # Errors
    /// When the list of the files cannot be written as JSON.
    pub fn new(path: PathBuf, files: &[FileEntry]) -> Result<Self, StoreError> {
        let failed = |error| StoreError::new("pack", &path, io::Error::other(error));
        let text = serde_json::to_vec_pretty(files).map_err(failed)?;
        // Each line may stand further in than in a list of its own.
        let most = text.len() + files.len() * 40 + BESIDE_FILES;
        let room = (zstd::zstd_safe::compress_bound(most) + PADDING_HEAD) as u64;
        Ok(Self { path, room })
    }

    /// Packs the database's file; its line of the manifest. Done again, it replaces what was packed before.
    ///
    /// # Errors
    /// When it cannot be read, or the archive not be written.
    pub fn pack_database(&self, database: &Path, meter: &Meter) -> Result<FileEntry, StoreError> {
        let failed = |source| StoreError::new("pack", database, source);
        let source = File::open(database).map_err(failed)?;
        let size = source.metadata().map_err(failed)?.len();
        let source = Metered { inner: io::Read::take(source, size), meter };
        let mut content = HashingReader::new(source, size);
        let mut into = create(&self.path).map_err(failed)?;
        into.seek(SeekFrom::Start(self.room)).map_err(failed)?;
        frame(&into, |encoder| entry(encoder, DATABASE, size, &mut content)).map_err(failed)?;
        let (digest, _) = content.finish().map_err(failed)?;
        Ok(FileEntry { path: DATABASE.to_owned(), size, sha256: hex(&digest) })
    }

    /// Adds the manifest and the other files that it lists, which lie below `staged`; reads all of it again and
    /// checks it, which `meter` counts; and only then gives it the name `archive`, in the same folder. Its size
    /// in bytes.
    ///
    /// # Errors
    /// When a file cannot be read, or the archive not be written, or not be read again as it should be.
    pub fn finish(
        &self,
        manifest: &BackupManifest,
        staged: &Path,
        archive: &Path,
        meter: &Meter,
    ) -> Result<u64, ArchiveError> {
        let failed = |source| StoreError::new("write", &self.path, source);
        let mut file = fs::OpenOptions::new().write(true).open(&self.path).map_err(failed)?;
        add_files(manifest, staged, &mut file).map_err(failed)?;
        self.add_manifest(manifest, &file).map_err(failed)?;
        let digest = self.read_again(&file, meter)?;
        let size = seal(&mut file, digest).map_err(failed)?;
        fs::rename(&self.path, archive).map_err(|source| StoreError::new("rename to", archive, source))?;
        atomic::sync_folder_of(archive)?;
        Ok(size)
    }

    /// The manifest's frame, and one of zeros up to the database's.
    fn add_manifest(&self, manifest: &BackupManifest, file: &File) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(manifest).map_err(io::Error::other)?;
        let mut packed = Vec::new();
        frame(&mut packed, |encoder| entry(encoder, MANIFEST_NAME, text.len() as u64, &mut text.as_slice()))?;
        let used = (packed.len() + PADDING_HEAD) as u64;
        let left = self.room.checked_sub(used).and_then(|left| u32::try_from(left).ok());
        let left = left.ok_or_else(|| io::Error::other("the manifest is larger than the room for it"))?;
        packed.extend_from_slice(&PADDING);
        packed.extend_from_slice(&left.to_le_bytes());
        file.write_all_at(&packed, 0)
    }

    /// Reads and checks all of it, while the disk takes it in: what its seal has to say.
    fn read_again(&self, file: &File, meter: &Meter) -> Result<Digest, ArchiveError> {
        std::thread::scope(|scope| {
            let stored = scope.spawn(|| file.sync_data());
            let digest = verify_unsealed(&self.path, meter);
            let stored = stored.join().unwrap_or_else(|_| Err(io::Error::other("a thread failed")));
            stored.map_err(|source| StoreError::new("write", &self.path, source))?;
            digest
        })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Under this name there is nothing any more when it was completed.
        let _ = fs::remove_file(&self.path);
    }
}

fn add_files(manifest: &BackupManifest, staged: &Path, file: &mut File) -> io::Result<()> {
    file.seek(SeekFrom::End(0))?;
    let mut into = BufWriter::with_capacity(1 << 18, file);
    frame(&mut into, |encoder| {
        let mut tar = tar::Builder::new(encoder);
        for entry in manifest.files.iter().filter(|entry| entry.path != DATABASE) {
            let source = File::open(staged.join(&entry.path))?;
            tar.append_data(&mut header(entry.size), &entry.path, source)?;
        }
        tar.finish()
    })?;
    into.flush()
}

/// The digest is that of the bytes that were read back, so a seal never vouches for what nobody checked.
fn seal(file: &mut File, digest: Digest) -> io::Result<u64> {
    let sealed = file.seek(SeekFrom::End(0))?;
    let seal = [SEAL_HEAD.as_slice(), &digest].concat();
    file.write_all(&seal)?;
    file.sync_all()?;
    Ok(sealed + seal.len() as u64)
}

fn create(path: &Path) -> io::Result<File> {
    fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
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
