//! Where `images.lock` lies: in the project folder, or in this machine's state when there is no project.

use std::io;
use std::path::{Path, PathBuf};

use crate::model::StackName;
use crate::store::{StoreError, atomic, project, text};
use crate::update::ImagesLock;

const NAME: &str = "images.lock";

/// The lock of a stack, and the file it came from and goes to.
#[derive(Clone, Debug)]
pub struct LockFile {
    pub path: PathBuf,
    pub lock: ImagesLock,
}

impl LockFile {
    /// Reads the lock; an empty one when there is none yet.
    ///
    /// # Errors
    /// When the file cannot be read, or is no lock.
    pub fn load(folder: &Path, state: &Path, stack: &StackName) -> Result<Self, StoreError> {
        let in_project = folder.join(NAME);
        let path = if in_project.exists() || project::is_project(folder) {
            in_project
        } else {
            state.join(format!("{stack}.{NAME}"))
        };
        let text = text::read_optional(&path)?.unwrap_or_default();
        if text.trim().is_empty() {
            return Ok(Self { path, lock: ImagesLock::default() });
        }
        let lock = ImagesLock::parse(&text)
            .map_err(|reason| StoreError::new("use", &path, io::Error::other(reason)))?;
        Ok(Self { path, lock })
    }

    /// Writes the lock, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self) -> Result<(), StoreError> {
        atomic::write(&self.path, self.lock.to_text().as_bytes(), 0o644)
    }
}
