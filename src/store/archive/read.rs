//! Reading an archive that may be damaged or hostile: everything is checked against the manifest, and
//! nothing is written outside the folder that was named.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Take, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::backup::BackupManifest;
use crate::backup::entries::fault_of_manifest;
use crate::backup::manifest::{LARGEST_MANIFEST, MANIFEST_NAME};
use crate::model::manifest::hex;
use crate::store::archive::encrypted::is_encrypted;
use crate::store::archive::hashing::HashingReader;
use crate::store::archive::{ArchiveError, SEAL, SEAL_HEAD, SEAL_LENGTH};
use crate::store::meter::{Meter, Metered};
use crate::store::{StoreError, copying};

/// A tar ends in two blocks of zeros, and may be filled up to its own block size.
const MOST_ZEROS: usize = 64 * 1024;
/// The longest name of an entry, with the zero behind it, in bytes.
const LONGEST_NAME: u64 = 2048;
/// The largest window of zstd that is allocated for an archive, as a power of two: 8 MiB, what the levels
/// that we write need.
const WINDOW: u32 = 23;

/// A manifest that was read and is in itself sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    pub manifest: BackupManifest,
    /// Bytes of the archive itself.
    pub archive_size: u64,
}

type Source = HashingReader<Take<File>>;
type NamedEntry<'a> = (Vec<u8>, tar::Entry<'a, Decoder>);
type Decoder = zstd::Decoder<'static, BufReader<Source>>;

/// The SHA-256 of everything before the seal.
pub(super) type Digest = [u8; 32];

/// Reads the manifest alone; the files behind it are not looked at.
///
/// # Errors
/// [`ArchiveError::Unsound`] when the file does not begin as a backup does.
pub fn manifest(path: &Path) -> Result<Opened, ArchiveError> {
    let (file, sealed) = open(path)?;
    let archive_size = sealed + SEAL;
    let mut tar = decoder(path, file, sealed)?;
    let mut entries = entries(path, &mut tar)?;
    let manifest = read_manifest(path, entries.next(), archive_size)?;
    Ok(Opened { manifest, archive_size })
}

/// Reads the whole archive and checks every byte of it; writes nothing.
///
/// # Errors
/// [`ArchiveError::Unsound`] with the reason.
pub fn verify(path: &Path) -> Result<Opened, ArchiveError> {
    let (file, sealed) = open(path)?;
    let (manifest, digest) = walk((path, &file, sealed), &Meter::default(), &mut into_nothing)?;
    check_seal(path, file, digest)?;
    Ok(Opened { manifest, archive_size: sealed + SEAL })
}

/// The same of an archive that has no seal yet: what its seal has to say.
pub(super) fn verify_unsealed(path: &Path, meter: &Meter) -> Result<Digest, ArchiveError> {
    let failed = |source| StoreError::new("read", path, source);
    let file = File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    walk((path, &file, size), meter, &mut into_nothing).map(|(_, digest)| digest)
}

fn into_nothing(_: &str, content: &mut dyn Read) -> io::Result<u64> {
    copying::copy(content, &mut io::sink())
}

/// The same, and writes every file below `folder`, mode 0600. What was written counts only when this
/// function returns without an error. `meter` counts the bytes of the files.
///
/// # Errors
/// [`ArchiveError::Unsound`] with the reason, or the file that could not be written.
pub fn unpack(path: &Path, folder: &Path, meter: &Meter) -> Result<Opened, ArchiveError> {
    let (file, sealed) = open(path)?;
    let write = &mut |name: &str, content: &mut dyn Read| {
        let target = folder.join(name);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        // A new file: whatever lay there before was not put there by us.
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&target)?;
        let written = copying::copy(content, &mut file)?;
        file.flush()?;
        Ok(written)
    };
    let (manifest, digest) = walk((path, &file, sealed), meter, write)?;
    check_seal(path, file, digest)?;
    Ok(Opened { manifest, archive_size: sealed + SEAL })
}

/// Holds all of an archive's first `sealed` bytes against its manifest; the manifest, and their digest.
fn walk(
    (path, file, sealed): (&Path, &File, u64),
    meter: &Meter,
    take: &mut dyn FnMut(&str, &mut dyn Read) -> io::Result<u64>,
) -> Result<(BackupManifest, Digest), ArchiveError> {
    let file = file.try_clone().map_err(|source| StoreError::new("read", path, source))?;
    let mut tar = decoder(path, file, sealed)?;
    let mut entries = entries(path, &mut tar)?;
    let manifest = read_manifest(path, entries.next(), sealed + SEAL)?;
    for wanted in &manifest.files {
        let missing = || ArchiveError::unsound(path, format!("`{}` is missing from it", wanted.path));
        let (name, mut entry) = next_file(path, &mut entries)?.ok_or_else(missing)?;
        expect(path, (&name, &entry), &wanted.path, wanted.size)?;
        let mut content =
            HashingReader::new(Metered { inner: (&mut entry).take(wanted.size), meter }, wanted.size);
        take(&wanted.path, &mut content).map_err(|error| not_taken(path, &wanted.path, error))?;
        let (digest, _) = content.finish().map_err(|error| not_taken(path, &wanted.path, error))?;
        if hex(&digest) != wanted.sha256.to_lowercase() {
            let why = format!("`{}` has another checksum than the manifest says", wanted.path);
            return Err(ArchiveError::unsound(path, why));
        }
    }
    if next_file(path, &mut entries)?.is_some() {
        return Err(ArchiveError::unsound(path, "it holds more than its manifest lists"));
    }
    let digest = check_end(path, tar.into_inner())?;
    Ok((manifest, digest))
}

/// The entries one by one, as they stand in the tar. The reader's own handling of long names would read them
/// whole into memory before anybody could look at their size.
fn entries<'a>(
    path: &Path,
    tar: &'a mut tar::Archive<Decoder>,
) -> Result<tar::Entries<'a, Decoder>, ArchiveError> {
    Ok(tar.entries().map_err(|error| damaged(path, &error))?.raw(true))
}

/// The next file, with the name that an entry before it may hold: names above 100 bytes are written so.
fn next_file<'a>(
    path: &Path,
    entries: &mut tar::Entries<'a, Decoder>,
) -> Result<Option<NamedEntry<'a>>, ArchiveError> {
    let mut next = || entries.next().transpose().map_err(|error| damaged(path, &error));
    let Some(mut entry) = next()? else { return Ok(None) };
    if entry.header().entry_type() != tar::EntryType::GNULongName {
        return Ok(Some((entry.path_bytes().into_owned(), entry)));
    }
    if entry.size() > LONGEST_NAME {
        return Err(ArchiveError::unsound(path, "a name in it is longer than any honest one"));
    }
    let mut name = Vec::new();
    entry.read_to_end(&mut name).map_err(|error| damaged(path, &error))?;
    while name.last() == Some(&0) {
        name.pop();
    }
    let missing = || ArchiveError::unsound(path, "a name in it has no file");
    Ok(Some((name, next()?.ok_or_else(missing)?)))
}

/// An archive's file, and how much of it lies before the seal.
fn open(path: &Path) -> Result<(File, u64), ArchiveError> {
    let failed = |source| StoreError::new("read", path, source);
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(ArchiveError::unsound(path, "it is no file"));
    }
    if is_encrypted(path) {
        return Err(ArchiveError::Encrypted { path: path.to_owned() });
    }
    match metadata.len().checked_sub(SEAL).filter(|sealed| *sealed > 0) {
        Some(sealed) => Ok((file, sealed)),
        None => Err(ArchiveError::unsound(path, "it is shorter than any backup")),
    }
}

fn decoder(path: &Path, file: File, sealed: u64) -> Result<tar::Archive<Decoder>, ArchiveError> {
    let source = BufReader::with_capacity(1 << 18, HashingReader::new(file.take(sealed), sealed));
    let mut decoder = zstd::Decoder::with_buffer(source).map_err(|error| damaged(path, &error))?;
    decoder.window_log_max(WINDOW).map_err(|error| damaged(path, &error))?;
    Ok(tar::Archive::new(decoder))
}

fn read_manifest(
    path: &Path,
    first: Option<io::Result<tar::Entry<'_, Decoder>>>,
    archive_size: u64,
) -> Result<BackupManifest, ArchiveError> {
    let unsound = |why: &str| ArchiveError::unsound(path, why);
    let entry = first.ok_or_else(|| unsound("it is empty"))?.map_err(|error| damaged(path, &error))?;
    if entry.path_bytes().as_ref() != MANIFEST_NAME.as_bytes() || !entry.header().entry_type().is_file() {
        return Err(unsound("it does not begin with a manifest, so it is no backup of confidexmon"));
    }
    if entry.size() > LARGEST_MANIFEST {
        return Err(unsound("its manifest is larger than any honest one"));
    }
    let mut text = Vec::new();
    entry.take(LARGEST_MANIFEST).read_to_end(&mut text).map_err(|error| damaged(path, &error))?;
    let manifest: BackupManifest = serde_json::from_slice(&text)
        .map_err(|error| unsound(&format!("its manifest cannot be read: {error}")))?;
    match fault_of_manifest(&manifest, archive_size) {
        Some(fault) => Err(unsound(&fault)),
        None => Ok(manifest),
    }
}

/// The next entry has to be exactly the file that the manifest lists next.
fn expect(
    path: &Path,
    (found, entry): (&[u8], &tar::Entry<'_, Decoder>),
    name: &str,
    size: u64,
) -> Result<(), ArchiveError> {
    let header = entry.header();
    if header.entry_type() != tar::EntryType::Regular {
        let why = format!("`{name}` is no plain file in it but a {:?}", header.entry_type());
        return Err(ArchiveError::unsound(path, why));
    }
    if found != name.as_bytes() {
        let found = String::from_utf8_lossy(found).into_owned();
        return Err(ArchiveError::unsound(path, format!("it holds {found:?} where `{name}` should be")));
    }
    if entry.size() != size {
        let why = format!("`{name}` has {} bytes in it, and {size} by its manifest", entry.size());
        return Err(ArchiveError::unsound(path, why));
    }
    Ok(())
}

/// Behind the last file there is nothing but the end of the tar; the digest of everything that was read.
fn check_end(path: &Path, mut decoder: Decoder) -> Result<Digest, ArchiveError> {
    // The rest of the tar: zeros. Reading to the end also checks zstd's own checksum.
    let mut rest = [0; 8192];
    let mut zeros = 0;
    loop {
        match decoder.read(&mut rest) {
            Ok(0) => break,
            Ok(read) if zeros < MOST_ZEROS && rest[..read].iter().all(|byte| *byte == 0) => zeros += read,
            Ok(_) => return Err(ArchiveError::unsound(path, "something follows the end of its files")),
            Err(error) => return Err(damaged(path, &error)),
        }
    }
    let source = decoder.finish().into_inner();
    source.finish().map(|(digest, _)| digest).map_err(|error| damaged(path, &error))
}

/// Every byte before the seal was read through the digest.
fn check_seal(path: &Path, mut file: File, digest: Digest) -> Result<(), ArchiveError> {
    let mut seal = [0; SEAL_LENGTH];
    let read = file.seek(SeekFrom::End(-(SEAL.cast_signed()))).and_then(|_| file.read_exact(&mut seal));
    read.map_err(|error| damaged(path, &error))?;
    let (head, kept) = seal.split_at(SEAL_HEAD.len());
    if head != SEAL_HEAD || kept != digest {
        let why = "its checksum is wrong: it was damaged, cut short, or changed after it was written";
        return Err(ArchiveError::unsound(path, why));
    }
    Ok(())
}

/// Reading an archive and writing what it holds can both fail; only the first is the archive's fault.
fn not_taken(archive: &Path, name: &str, error: io::Error) -> ArchiveError {
    match error.kind() {
        io::ErrorKind::StorageFull
        | io::ErrorKind::QuotaExceeded
        | io::ErrorKind::PermissionDenied
        | io::ErrorKind::AlreadyExists
        | io::ErrorKind::ReadOnlyFilesystem => StoreError::new("unpack", Path::new(name), error).into(),
        _ => damaged(archive, &error),
    }
}

fn damaged(path: &Path, error: &io::Error) -> ArchiveError {
    ArchiveError::unsound(path, format!("it is damaged or cut short ({error})"))
}
