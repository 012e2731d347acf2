//! One run at a time per engine and stack: an OS lock, freed by the kernel when its holder dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::model::{Hint, StackName};
use crate::store::{StoreError, state};

/// Held until dropped.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

/// Why a lock was not taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("another run holds the lock on the stack `{stack}`: {holder}")]
    Held { stack: String, holder: String },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Hint for LockError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Held { .. } => Some(
                "wait until it has finished (`--wait-lock` does), or stop it; the lock goes with it"
                    .to_owned(),
            ),
            Self::Store(error) => error.hint(),
        }
    }
}

/// What a lock holds off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Whatever changes the stack.
    Stack,
    /// Other drills: they work beside the stack and do not touch it.
    Drill,
}

/// Takes the lock or says who holds it. `description` is written for others to read, for example
/// ``pid 42 (`confidexmon up`) since 2026-11-23T08:00:00Z``.
pub fn acquire(
    directory: &Path,
    endpoint: &str,
    (stack, scope): (&StackName, Scope),
    description: &str,
) -> Result<RunLock, LockError> {
    let path = path(directory, endpoint, (stack, scope));
    let failed = |source| StoreError::new("lock", &path, source);
    std::fs::create_dir_all(directory).map_err(failed)?;
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::Error(source)) => return Err(failed(source).into()),
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            let holder =
                if holder.trim().is_empty() { "unknown holder".to_owned() } else { holder.trim().to_owned() };
            return Err(LockError::Held { stack: stack.to_string(), holder });
        }
    }
    let written =
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(description.as_bytes()));
    written.map_err(failed)?;
    Ok(RunLock { _file: file })
}

/// True while a run on this machine holds the lock.
pub fn is_held(directory: &Path, endpoint: &str, scope: (&StackName, Scope)) -> bool {
    let Ok(file) = File::open(path(directory, endpoint, scope)) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

fn path(directory: &Path, endpoint: &str, (stack, scope): (&StackName, Scope)) -> PathBuf {
    let ending = match scope {
        Scope::Stack => "lock",
        Scope::Drill => "drill.lock",
    };
    directory.join(format!("{}.{ending}", state::file_stem(endpoint, stack)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// The longest name that a stack can have: nothing can be appended to it.
    #[test]
    fn a_drill_never_holds_off_the_stack() {
        let folder = tempfile::tempdir().unwrap();
        let stack = StackName::new(&"s".repeat(40)).unwrap();
        let take = |scope| acquire(folder.path(), "unix:///e", (&stack, scope), "pid 1");
        let drill = take(Scope::Drill).unwrap();
        let stack_lock = take(Scope::Stack).unwrap();
        assert!(matches!(take(Scope::Drill), Err(LockError::Held { .. })));
        assert!(matches!(take(Scope::Stack), Err(LockError::Held { .. })));
        let is_held = |scope| is_held(folder.path(), "unix:///e", (&stack, scope));
        assert!(is_held(Scope::Drill) && is_held(Scope::Stack));
        drop(drill);
        assert!(!is_held(Scope::Drill) && is_held(Scope::Stack), "looking takes nothing");
        drop(stack_lock);
        take(Scope::Stack).unwrap();
    }
}
