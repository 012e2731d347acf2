//! A large file on its way: written under another name until it is whole, read in pieces.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use futures_util::stream::{self, BoxStream, StreamExt};

use crate::store::StoreError;

/// How much of a file is in memory at a time.
const PIECE: usize = 256 * 1024;

/// A file that nobody sees under its name before it is whole.
pub struct PartFile {
    path: PathBuf,
    file: tempfile::NamedTempFile,
}

impl PartFile {
    /// A new file that only its owner may read.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let file = tempfile::NamedTempFile::new_in(parent.unwrap_or_else(|| Path::new(".")))
            .map_err(|source| StoreError::new("write", path, source))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Appends bytes.
    pub fn write(&mut self, piece: &[u8]) -> Result<(), StoreError> {
        self.file.write_all(piece).map_err(|source| StoreError::new("write", &self.path, source))
    }

    /// Gives the file its name; its size.
    pub fn finish(self) -> Result<u64, StoreError> {
        let failed = |source| StoreError::new("write", &self.path, source);
        self.file.as_file().sync_all().map_err(failed)?;
        let size = self.file.as_file().metadata().map_err(failed)?.len();
        self.file.persist(&self.path).map_err(|error| failed(error.error))?;
        Ok(size)
    }
}

/// The file, piece by piece.
pub fn pieces(path: &Path) -> Result<BoxStream<'static, std::io::Result<Vec<u8>>>, StoreError> {
    let file = std::fs::File::open(path).map_err(|source| StoreError::new("read", path, source))?;
    let next = |mut file: std::fs::File| async move {
        let mut piece = vec![0; PIECE];
        match file.read(&mut piece) {
            Ok(0) => None,
            Ok(count) => {
                piece.truncate(count);
                Some((Ok(piece), file))
            }
            Err(error) => Some((Err(error), file)),
        }
    };
    Ok(stream::unfold(file, next).boxed())
}
