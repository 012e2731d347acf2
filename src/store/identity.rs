//! A project's identity: a file of its own, made once, that moves and is cloned with it.

use std::path::Path;

use crate::model::Project;
use crate::store::{StoreError, atomic, project, text};

/// Below the project's folder.
const FILE: &str = ".confidexmon/project";
const COMMENT: &str = "# Tells this project from others on an engine. Keep it in version control; a copy that is to be a\n# project of its own needs another one: remove it, and `confidexmon up` makes it.\n";

/// The identity as it is; without an id when the project has none yet.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn load(folder: &Path) -> Result<Project, StoreError> {
    let text = text::read_optional(&folder.join(FILE))?.unwrap_or_default();
    let id = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    let path = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    Ok(Project { id: id.unwrap_or_default().to_owned(), path: path.display().to_string(), host: hostname() })
}

/// The identity; a project that has no id gets one. A folder that holds no project is known by its place.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn ensure(folder: &Path) -> Result<Project, StoreError> {
    let mut known = load(folder)?;
    if !known.id.is_empty() || !project::is_project(folder) {
        return Ok(known);
    }
    let mut bytes = [0_u8; 8];
    if getrandom::fill(&mut bytes).is_err() {
        return Ok(known);
    }
    let id: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    match atomic::write(&folder.join(FILE), format!("{COMMENT}{id}\n").as_bytes(), 0o644) {
        Ok(()) => known.id = id,
        // A project on a read-only disk is known by its place.
        Err(error) => tracing::info!("{error}: {}", error.source),
    }
    Ok(known)
}

/// Empty where the machine does not tell.
fn hostname() -> String {
    let read = |path: &str| text::read_optional(Path::new(path)).ok().flatten();
    let name = read("/proc/sys/kernel/hostname").or_else(|| read("/etc/hostname"));
    name.unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_project_gets_its_id_once_and_keeps_it_when_it_moves() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("one");
        std::fs::create_dir_all(folder.join("config")).unwrap();
        std::fs::write(folder.join("config/confidexmon.yml"), "stack: x\n").unwrap();
        assert_eq!(load(&folder).unwrap().id, "");
        let first = ensure(&folder).unwrap();
        assert_eq!(first.id.len(), 16);
        assert_eq!(ensure(&folder).unwrap(), first);
        let moved = root.path().join("two");
        std::fs::rename(&folder, &moved).unwrap();
        assert!(load(&moved).unwrap().is(&first));
    }

    #[test]
    fn a_folder_without_a_project_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(ensure(folder.path()).unwrap().id, "");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
