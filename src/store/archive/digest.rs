//! Checksums as a manifest holds them.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use ring::digest::{Context, SHA256};

use crate::model::manifest::hex;
use crate::store::StoreError;

/// Read at a time.
const CHUNK: usize = 256 * 1024;

/// Size in bytes and lower-case hex SHA-256 of a file, read in pieces.
///
/// # Errors
/// When the file cannot be read.
pub fn sha256_of_file(path: &Path) -> Result<(u64, String), StoreError> {
    let failed = |source| StoreError::new("read", path, source);
    let mut file = File::open(path).map_err(failed)?;
    let (mut hash, mut size) = (Context::new(&SHA256), 0);
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = file.read(&mut buffer).map_err(failed)?;
        if read == 0 {
            return Ok((size, hex(hash.finish().as_ref())));
        }
        hash.update(&buffer[..read]);
        size += read as u64;
    }
}
