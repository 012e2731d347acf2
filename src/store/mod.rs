//! Files on this machine: the project folder, the state beside the engine, the lock. The only user of
//! `std::fs` outside `cli`.

pub mod age;
pub mod archive;
pub mod archive_file;
pub mod atomic;
pub mod backups;
mod copying;
pub mod identity;
pub mod images_lock;
pub mod incoming;
pub mod lock;
pub mod machine;
pub mod meter;
pub mod outgoing;
pub mod ports;
pub mod project;
pub mod receive;
pub mod registry_login;
pub mod settle;
pub mod sockets;
pub mod space;
pub mod sqlite;
pub mod stale;
pub mod state;
pub mod support_file;
pub mod tarball;
pub mod text;
pub mod volume;

use std::io;
use std::path::{Path, PathBuf};

use crate::model::Hint;

/// A file operation that failed: what, and on which path.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} `{}`", path.display())]
pub struct StoreError {
    /// Completes "cannot …": `read`, `write`, `list`.
    pub action: &'static str,
    pub path: PathBuf,
    #[source]
    pub source: io::Error,
}

impl StoreError {
    /// `action` is a verb that the path follows.
    pub fn new(action: &'static str, path: &Path, source: io::Error) -> Self {
        Self { action, path: path.to_owned(), source }
    }
}

impl Hint for StoreError {
    fn hint(&self) -> Option<String> {
        match self.source.kind() {
            io::ErrorKind::PermissionDenied => {
                Some(format!("check who owns it: `ls -l {}`", self.path.display()))
            }
            io::ErrorKind::StorageFull => {
                Some("free space on this disk, then run the command again".to_owned())
            }
            io::ErrorKind::AlreadyExists => {
                Some("`confidexmon up` ends what it began; then run the command again".to_owned())
            }
            io::ErrorKind::InvalidData => Some("save it as UTF-8 text".to_owned()),
            io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory => {
                Some("move it away, or put what is expected in its place".to_owned())
            }
            _ => None,
        }
    }
}
