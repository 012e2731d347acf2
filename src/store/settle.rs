//! Waits for files that somebody is still writing: an editor's save is not atomic everywhere.
#![allow(clippy::disallowed_methods, reason = "it waits before there is anything else to do")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

/// A file that was touched longer ago than this is at rest.
const AT_REST: Duration = Duration::from_millis(200);
const PAUSE: Duration = Duration::from_millis(30);

/// Size and time of the last change of every file below some folders.
type Snapshot = BTreeMap<PathBuf, (u64, SystemTime)>;

/// Returns at once when nothing below the folders changed lately; else when two looks in a row see
/// the same. `Err` names a file that is still changing after `limit`.
pub fn wait_until_unchanged(folders: &[PathBuf], limit: Duration) -> Result<(), PathBuf> {
    let began = Instant::now();
    let mut before = snapshot(folders);
    if !is_fresh(&before) {
        return Ok(());
    }
    loop {
        sleep(PAUSE);
        let now = snapshot(folders);
        let Some(moving) = difference(&before, &now) else { return Ok(()) };
        if began.elapsed() > limit {
            return Err(moving);
        }
        before = now;
    }
}

fn is_fresh(files: &Snapshot) -> bool {
    let now = SystemTime::now();
    // A time in the future is a clock that differs, not somebody at work.
    files.values().any(|(_, changed)| now.duration_since(*changed).is_ok_and(|age| age < AT_REST))
}

fn difference(before: &Snapshot, now: &Snapshot) -> Option<PathBuf> {
    let changed = now.iter().find(|(path, state)| before.get(*path) != Some(*state));
    let gone = before.keys().find(|path| !now.contains_key(*path));
    changed.map(|(path, _)| path).or(gone).cloned()
}

fn snapshot(folders: &[PathBuf]) -> Snapshot {
    let mut files = Snapshot::new();
    for folder in folders {
        collect(folder, &mut files);
    }
    files
}

/// What cannot be read is left to the reading that follows, which has the words for it.
fn collect(folder: &Path, files: &mut Snapshot) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(metadata) = fs::metadata(&path) else { continue };
        if metadata.is_dir() {
            collect(&path, files);
        } else if let Ok(changed) = metadata.modified() {
            files.insert(path, (metadata.len(), changed));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn files_at_rest_cost_no_wait_and_fresh_ones_one_pause() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yml");
        fs::write(&file, "x").unwrap();
        let began = Instant::now();
        assert_eq!(wait_until_unchanged(&[folder.path().to_owned()], Duration::from_secs(1)), Ok(()));
        assert!(began.elapsed() >= PAUSE);
        fs::File::options()
            .write(true)
            .open(&file)
            .unwrap()
            .set_modified(SystemTime::now() - Duration::from_secs(5))
            .unwrap();
        let began = Instant::now();
        assert_eq!(wait_until_unchanged(&[folder.path().to_owned()], Duration::from_secs(1)), Ok(()));
        assert!(began.elapsed() < PAUSE);
    }

    #[test]
    fn a_file_that_never_rests_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("growing.yml");
        fs::write(&file, "x").unwrap();
        let (path, writer) = (file.clone(), std::sync::atomic::AtomicBool::new(true));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut text = String::new();
                while writer.load(std::sync::atomic::Ordering::Relaxed) {
                    text.push('x');
                    fs::write(&path, &text).unwrap();
                    sleep(Duration::from_millis(3));
                }
            });
            // On a busy machine the writer may rest for longer than two looks are apart.
            let look = || wait_until_unchanged(&[folder.path().to_owned()], Duration::from_millis(150));
            let found = (0..50).map(|_| look()).find(Result::is_err);
            // Before anything is asserted: a panic would wait for the writer for ever.
            writer.store(false, std::sync::atomic::Ordering::Relaxed);
            assert_eq!(found, Some(Err(file.clone())));
        });
        sleep(Duration::from_millis(10));
        assert_eq!(wait_until_unchanged(&[folder.path().to_owned()], Duration::from_secs(1)), Ok(()));
    }
}
