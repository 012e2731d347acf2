//! This machine's disk and memory, and who may read a file.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Space and inodes of the file system that holds a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Bytes.
    pub total: u64,
    /// Bytes that may be used without special rights.
    pub free: u64,
    pub inodes: u64,
    pub inodes_free: u64,
}

/// `None` when there is no such path, or it may not be looked at.
pub fn space(path: &Path) -> Option<Space> {
    let seen = rustix::fs::statvfs(path).ok()?;
    Some(Space {
        total: seen.f_blocks.saturating_mul(seen.f_frsize),
        free: seen.f_bavail.saturating_mul(seen.f_frsize),
        inodes: seen.f_files,
        inodes_free: seen.f_favail,
    })
}

/// Bytes of memory: all, and what can still be used. `None` where Linux does not tell.
pub fn memory() -> Option<(u64, u64)> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let kib = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').split_whitespace().next()?.parse::<u64>().ok()
    };
    Some((kib("MemTotal")?.saturating_mul(1024), kib("MemAvailable")?.saturating_mul(1024)))
}

/// Keeps this process's memory, which holds the secrets, out of core dumps.
pub fn without_core_dumps() {
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    // Where it is not allowed, dumps are as the machine has them.
    let _ = rustix::process::setrlimit(rustix::process::Resource::Core, none);
}

/// The permission bits of a file; `None` when it is not there.
pub fn mode(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().map(|metadata| metadata.permissions().mode())
}

/// Lets only the owner read and write a file.
///
/// # Errors
/// When it belongs to somebody else.
pub fn make_private(path: &Path) -> Result<(), crate::store::StoreError> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
        .map_err(|source| crate::store::StoreError::new("change the mode of", path, source))
}

/// Adds a line to a file, which is made when it is not there.
///
/// # Errors
/// When it cannot be read or written.
pub fn add_line(path: &Path, line: &str) -> Result<(), crate::store::StoreError> {
    let mut text = crate::store::text::read_optional(path)?.unwrap_or_default();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(line);
    text.push('\n');
    let mode = mode(path).map_or(0o644, |mode| mode & 0o777);
    crate::store::atomic::write(path, text.as_bytes(), mode)
}
