//! Room on a disk, looked at before something large is written: a disk that runs full harms others, too.

use std::io::{Error, ErrorKind};
use std::path::Path;

use crate::store::{StoreError, machine};

const MIB: u64 = 1024 * 1024;

/// Bytes of a file; 0 when it cannot be looked at.
pub fn size(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |metadata| metadata.len())
}

/// Refuses when the disk that holds `folder`, or will, has less than `needed` bytes for us. A disk that does
/// not say how full it is is tried.
///
/// # Errors
/// When there is too little room.
pub fn check(folder: &Path, needed: u64) -> Result<(), StoreError> {
    // The parent of a bare name is empty, and means here.
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let there = absolute.ancestors().find(|path| path.exists()).unwrap_or(folder);
    let Some(free) = machine::space(there).map(|space| space.free) else { return Ok(()) };
    if free >= needed {
        return Ok(());
    }
    let why = format!("{} MiB are free there, and about {} MiB are needed", free / MIB, needed / MIB);
    Err(StoreError::new("write to", folder, Error::new(ErrorKind::StorageFull, why)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::Hint;

    #[test]
    fn what_no_disk_has_is_refused_and_a_little_is_not() {
        let folder = std::env::temp_dir().join("not made yet");
        assert!(check(&folder, 1).is_ok());
        let refused = check(&folder, u64::MAX).unwrap_err();
        assert!(refused.source.to_string().contains("are needed"), "{refused}");
        assert!(check(Path::new(""), u64::MAX).is_err(), "a bare name lies here");
        assert!(refused.hint().is_some_and(|hint| hint.contains("free space")));
    }
}
