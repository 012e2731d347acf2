//! Files of an earlier run that this one did not write again. Only what a run of ours wrote down is ever removed.

use std::collections::BTreeSet;
use std::path::{Component, Path};

use crate::store::{StoreError, atomic, text};

/// Lists what was written, below the folder.
const LIST: &str = ".confidexmon-rendered";

/// Removes what the list of the last run names and `written` does not, and writes the new list.
///
/// # Errors
/// When a file cannot be removed, or the list not be written.
pub fn remove(folder: &Path, written: &BTreeSet<String>) -> Result<Vec<String>, StoreError> {
    let list = folder.join(LIST);
    let before = text::read_optional(&list)?.unwrap_or_default();
    let mut removed = Vec::new();
    for name in before.lines().filter(|name| !written.contains(*name) && is_below(name)) {
        let path = folder.join(name);
        match std::fs::remove_file(&path) {
            Ok(()) => removed.push(name.to_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(StoreError::new("remove", &path, source)),
        }
        // Folders that became empty go too; one that did not is no error.
        let parents = path.ancestors().skip(1).take_while(|parent| *parent != folder);
        let _ = parents.map(std::fs::remove_dir).take_while(Result::is_ok).count();
    }
    let names: String = written.iter().map(|name| format!("{name}\n")).collect();
    atomic::write(&list, names.as_bytes(), 0o644)?;
    Ok(removed)
}

/// The list lies in a folder that others may write to.
fn is_below(name: &str) -> bool {
    !name.is_empty() && Path::new(name).components().all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_written_again_goes_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let write = |names: &[&str]| -> BTreeSet<String> {
            for name in names {
                std::fs::create_dir_all(at(name).parent().unwrap()).unwrap();
                std::fs::write(at(name), "x").unwrap();
            }
            names.iter().map(|name| (*name).to_owned()).collect()
        };
        write(&["mine.txt", "redis/notes.txt"]);
        let first = write(&["redis/etc/redis.conf", "grafana/a.yml"]);
        assert!(remove(folder.path(), &first).unwrap().is_empty());
        let second = write(&["grafana/a.yml"]);
        assert_eq!(remove(folder.path(), &second).unwrap(), ["redis/etc/redis.conf"]);
        assert!(at("mine.txt").exists() && at("redis/notes.txt").exists() && at("grafana/a.yml").exists());
        assert!(!at("redis/etc").exists());
        // A list that somebody else wrote leads nowhere outside.
        std::fs::write(at(LIST), "../outside\n/etc/passwd\n").unwrap();
        assert!(remove(folder.path(), &second).unwrap().is_empty());
    }
}
