//! Archives that only the owner of a key can read.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter};
use std::path::{Path, PathBuf};

use crate::backup::names::{ENCRYPTED, UNFINISHED};
use crate::store::age::{self, AgeError, Encryptor, Identity, Recipient};
use crate::store::archive::{ArchiveError, Opened, verify};
use crate::store::{StoreError, atomic, copying, outgoing, receive, space, text};

/// Replaces an archive by one that is encrypted to `recipients`, which is read again before the plain one goes.
///
/// # Errors
/// When it cannot be written, or not be read as what was written; the plain archive stays then.
pub fn encrypt(archive: &Path, recipients: &[Recipient]) -> Result<PathBuf, ArchiveError> {
    let name = archive.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let unfinished = archive.with_file_name(format!(".{name}{ENCRYPTED}{UNFINISHED}"));
    let encrypted = archive.with_file_name(format!("{name}{ENCRYPTED}"));
    let failed = |source| StoreError::new("write", &unfinished, source);
    let mut plain = File::open(archive).map_err(|source| StoreError::new("read", archive, source))?;
    let into = BufWriter::with_capacity(1 << 20, receive::create(&unfinished).map_err(failed)?);
    let mut encryptor = Encryptor::new(recipients, into).map_err(failed)?;
    copying::copy(&mut plain, &mut encryptor).map_err(failed)?;
    let (into, reader) = encryptor.finish().map_err(failed)?;
    into.get_ref().sync_all().map_err(failed)?;
    reader
        .decrypt(&mut open(&unfinished)?, &mut io::sink())
        .map_err(|source| ArchiveError::NotDecrypted { path: unfinished.clone(), source })?;
    fs::rename(&unfinished, &encrypted).map_err(|source| StoreError::new("rename to", &encrypted, source))?;
    atomic::sync_folder_of(&encrypted)?;
    atomic::remove(archive)?;
    Ok(encrypted)
}

/// Decrypts an archive into the new file `into`, with the identities of the file `identity`.
///
/// # Errors
/// When there is no identity in that file, or none that can read the archive.
pub fn decrypt(archive: &Path, identity: &Path, into: &Path) -> Result<(), ArchiveError> {
    let text = text::read_optional(identity)?.unwrap_or_default();
    let identities = Identity::all_in(&text);
    if identities.is_empty() {
        let why = io::Error::other("there is no line `AGE-SECRET-KEY-1…` in it");
        return Err(StoreError::new("read an identity of age from", identity, why).into());
    }
    let failed = |source: AgeError| ArchiveError::NotDecrypted { path: archive.to_owned(), source };
    let target = receive::create(into).map_err(|source| StoreError::new("write", into, source))?;
    let mut target = BufWriter::with_capacity(1 << 20, target);
    age::decrypt(&identities, &mut open(archive)?, &mut target).map_err(failed)?;
    io::Write::flush(&mut target).map_err(|error| failed(error.into()))
}

/// Decrypts an archive into a temporary folder and checks every byte of what is in it.
///
/// # Errors
/// When the file `identity` has none that can read it, or it is no sound backup.
pub fn verify_encrypted(archive: &Path, identity: &Path) -> Result<Opened, ArchiveError> {
    let folder = outgoing::scratch()?;
    let size = space::size(archive);
    space::check(folder.path(), size)?;
    let plain = folder.path().join("decrypted.tar.zst");
    decrypt(archive, identity, &plain)?;
    match verify(&plain) {
        Ok(opened) => Ok(Opened { archive_size: size, ..opened }),
        Err(ArchiveError::Unsound { why, .. }) => Err(ArchiveError::unsound(archive, why)),
        Err(other) => Err(other),
    }
}

/// True for a file that begins as one of age.
pub fn is_encrypted(archive: &Path) -> bool {
    let mut begin = [0; age::MAGIC.len()];
    let read = File::open(archive).and_then(|mut file| io::Read::read_exact(&mut file, &mut begin));
    read.is_ok() && begin == age::MAGIC.as_bytes()
}

fn open(path: &Path) -> Result<BufReader<File>, StoreError> {
    let file = File::open(path).map_err(|source| StoreError::new("read", path, source))?;
    Ok(BufReader::with_capacity(1 << 18, file))
}
