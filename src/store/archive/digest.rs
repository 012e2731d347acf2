//! Checksums of what passes by.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::store::StoreError;

/// Read at a time.
const CHUNK: usize = 256 * 1024;

/// A reader that remembers the SHA-256 of everything that was read through it.
pub(super) struct DigestReader<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> DigestReader<R> {
    pub(super) fn new(inner: R) -> Self {
        Self { inner, hash: Sha256::new() }
    }

    /// Reads the rest, whatever it is; the digest of everything and the inner reader.
    pub(super) fn finish(mut self) -> io::Result<([u8; 32], R)> {
        io::copy(&mut self, &mut io::sink())?;
        Ok((self.hash.finalize().into(), self.inner))
    }
}

impl<R: Read> Read for DigestReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}

/// A writer that remembers the SHA-256 of everything that was written through it.
pub(super) struct DigestWriter<W> {
    inner: W,
    hash: Sha256,
}

impl<W: Write> DigestWriter<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner, hash: Sha256::new() }
    }

    pub(super) fn finish(self) -> ([u8; 32], W) {
        (self.hash.finalize().into(), self.inner)
    }
}

impl<W: Write> Write for DigestWriter<W> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(buffer)?;
        self.hash.update(&buffer[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Lower-case hex.
pub(super) fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Size in bytes and lower-case hex SHA-256 of a file, read in pieces.
///
/// # Errors
/// When the file cannot be read.
pub fn sha256_of_file(path: &Path) -> Result<(u64, String), StoreError> {
    let failed = |source| StoreError::new("read", path, source);
    let mut file = File::open(path).map_err(failed)?;
    let (mut hash, mut size) = (Sha256::new(), 0);
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = file.read(&mut buffer).map_err(failed)?;
        if read == 0 {
            return Ok((size, hex(&hash.finalize())));
        }
        hash.update(&buffer[..read]);
        size += read as u64;
    }
}
