//! Archives of backups: a tar inside zstd, the manifest first, and a checksum of the whole at the end.
//!
//! The checksum stands in a skippable frame, which `zstd -d` passes over, so that the archive can be read
//! with common tools: `zstd -d < FILE | tar x`. Zstandard's own checksum does not cover every bit of its
//! headers; this one covers every byte before it, and its own frame has one form only.

mod digest;
mod encrypted;
mod hashing;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use digest::sha256_of_file;
pub use encrypted::{decrypt, encrypt, is_encrypted, verify_encrypted};
pub use read::{Opened, manifest, unpack, verify};
pub use write::Draft;

use std::path::{Path, PathBuf};

use crate::model::Hint;
use crate::store::StoreError;
use crate::store::age::AgeError;

/// Magic number of a skippable frame and the length of its content, both little-endian.
const SEAL_HEAD: [u8; 8] = [0x5D, 0x2A, 0x4D, 0x18, 32, 0, 0, 0];
/// Head and SHA-256 together, in bytes.
const SEAL_LENGTH: usize = 40;
const SEAL: u64 = 40;

/// An archive that cannot be trusted, or a file that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("`{}` is no sound backup: {why}", path.display())]
    Unsound { path: PathBuf, why: String },
    #[error("`{}` is encrypted", path.display())]
    Encrypted { path: PathBuf },
    #[error("`{}` cannot be decrypted", path.display())]
    NotDecrypted {
        path: PathBuf,
        #[source]
        source: AgeError,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Opens an archive as it is, to hand it on.
///
/// # Errors
/// When it cannot be opened.
pub fn open_for_reading(path: &Path) -> Result<std::fs::File, StoreError> {
    std::fs::File::open(path).map_err(|source| StoreError::new("read", path, source))
}

impl ArchiveError {
    fn unsound(path: &Path, why: impl Into<String>) -> Self {
        Self::Unsound { path: path.to_owned(), why: why.into() }
    }
}

impl Hint for ArchiveError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Unsound { .. } => Some(
                "nothing was changed; `confidexmon backups --verify` shows which backups are sound"
                    .to_owned(),
            ),
            Self::Encrypted { .. } => Some(
                "nothing was changed; `--identity FILE` names the file of `age-keygen` that can read it"
                    .to_owned(),
            ),
            Self::NotDecrypted { .. } => {
                Some("nothing was changed; name another identity, or another backup".to_owned())
            }
            Self::Store(error) => error.hint(),
        }
    }
}
