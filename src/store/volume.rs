//! Files of a volume that lies on this machine, read without the engine: several times as fast, which counts
//! while somebody waits for the copy. Whoever writes there is not trusted: no link is followed, and nothing but
//! a plain file is read.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;

use crate::store::meter::Meter;
use crate::store::receive;

/// Compared and written at a time.
const STEP: usize = 256 * 1024;
/// Parts that are copied side by side.
const PARTS: u64 = 2;
/// Times of change move in steps of some milliseconds: what changed this recently may change again unseen.
const SETTLED: Duration = Duration::from_millis(50);

/// Size of a file, and when it was changed last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub size: u64,
    /// Nanoseconds since the epoch.
    pub changed_at: i128,
}

impl Seen {
    /// A file that was changed a moment ago tells nothing by its time of change.
    pub fn is_settled(self) -> bool {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let age = i128::try_from(now.as_nanos()).unwrap_or(i128::MAX) - self.changed_at;
        age >= i128::try_from(SETTLED.as_nanos()).unwrap_or(0)
    }
}

/// A plain file directly below `folder`; `None` when there is none that this user may read.
pub fn open(folder: &Path, name: &str) -> Option<(File, Seen)> {
    // Opening a pipe would wait for whoever writes into it.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = fs::OpenOptions::new().read(true).custom_flags(flags).open(folder.join(name)).ok()?;
    let metadata = file.metadata().ok()?;
    let changed_at = i128::from(metadata.mtime()) * 1_000_000_000 + i128::from(metadata.mtime_nsec());
    metadata.is_file().then_some((file, Seen { size: metadata.len(), changed_at }))
}

/// Makes the file `target` equal to the first `size` bytes of `source`, and writes only what differs: where an
/// earlier copy lies, that is little.
///
/// # Errors
/// When one of them fails, or `source` is shorter by now.
pub fn refresh(source: &File, size: u64, target: &Path, meter: &Meter) -> io::Result<()> {
    let target = receive::create_or_keep(target)?;
    let kept = target.metadata()?.len().min(size);
    if target.metadata()?.len() != size {
        target.set_len(size)?;
    }
    let part = size.div_ceil(PARTS).next_multiple_of(STEP as u64).max(1);
    let copy = Copying { source, target: &target, kept, meter };
    std::thread::scope(|scope| {
        let parts = (0..PARTS).map(|at| (at * part).min(size)..((at + 1) * part).min(size));
        let parts: Vec<_> = parts.map(|range| scope.spawn(|| copy.range(range))).collect();
        let done = parts.into_iter().map(|part| part.join().unwrap_or_else(|_| Err(ErrorKind::Other.into())));
        done.collect()
    })
}

struct Copying<'a> {
    source: &'a File,
    target: &'a File,
    /// What an earlier copy has, in bytes; the rest is new.
    kept: u64,
    meter: &'a Meter,
}

impl Copying<'_> {
    fn range(&self, range: std::ops::Range<u64>) -> io::Result<()> {
        let (mut new, mut old) = (vec![0; STEP], vec![0; STEP]);
        let mut at = range.start;
        while at < range.end {
            let length = usize::try_from(range.end - at).map_or(STEP, |left| left.min(STEP));
            let new = &mut new[..length];
            self.source.read_exact_at(new, at)?;
            let old = &mut old[..length];
            let was_copied = at + length as u64 <= self.kept;
            if was_copied {
                self.target.read_exact_at(old, at)?;
            }
            if !was_copied || new != old {
                self.target.write_all_at(new, at)?;
            }
            at += length as u64;
            self.meter.add(length as u64);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn pattern(length: usize) -> Vec<u8> {
        (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect()
    }

    #[test]
    fn a_copy_is_made_equal_whatever_lay_there() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("copy");
        for length in [0, 1, STEP - 1, STEP, 3 * STEP + 7, 2 * STEP + 1, 5 * STEP] {
            let mut bytes = pattern(length);
            if let Some(byte) = bytes.get_mut(length / 2) {
                *byte ^= 0xFF;
            }
            fs::write(folder.path().join("source"), &bytes).unwrap();
            let (source, seen) = open(folder.path(), "source").unwrap();
            assert_eq!(seen.size, length as u64);
            let meter = Meter::default();
            refresh(&source, seen.size, &target, &meter).unwrap();
            assert_eq!(fs::read(&target).unwrap(), bytes, "{length}");
            assert_eq!(meter.done(), length as u64);
        }
        let (source, _) = open(folder.path(), "source").unwrap();
        assert!(refresh(&source, 6 * STEP as u64, &target, &Meter::default()).is_err(), "it shrank");
    }

    #[test]
    fn what_is_the_same_is_not_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("copy");
        fs::write(folder.path().join("source"), pattern(2 * STEP)).unwrap();
        let (source, seen) = open(folder.path(), "source").unwrap();
        refresh(&source, seen.size, &target, &Meter::default()).unwrap();
        let written = |path: &Path| fs::metadata(path).unwrap().modified().unwrap();
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        File::options().write(true).open(&target).unwrap().set_modified(long_ago).unwrap();
        refresh(&source, seen.size, &target, &Meter::default()).unwrap();
        assert_eq!(written(&target), long_ago);
    }

    /// Grafana, or who has taken it over, may put anything into its volume.
    #[test]
    fn only_plain_files_are_read_and_no_link_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link")).unwrap();
        fs::create_dir(folder.path().join("folder")).unwrap();
        let pipe = std::process::Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap();
        assert!(pipe.success());
        for name in ["link", "folder", "pipe", "none"] {
            assert!(open(folder.path(), name).is_none(), "{name}");
        }
    }

    #[test]
    fn what_changed_a_moment_ago_is_not_settled() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "x").unwrap();
        assert!(!open(folder.path(), "file").unwrap().1.is_settled());
        let earlier = SystemTime::now() - SETTLED * 2;
        File::options().write(true).open(&path).unwrap().set_modified(earlier).unwrap();
        assert!(open(folder.path(), "file").unwrap().1.is_settled());
    }
}
