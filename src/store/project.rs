//! The user's project folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::render::assets::{ProjectFile, ProjectFiles, UserFiles, is_yaml};
use crate::store::StoreError;

/// Larger files are no configuration; reading them would only exhaust the memory.
const LARGEST_FILE: u64 = 8 * 1024 * 1024;

/// A project as read: the files, and the `.env` beside them.
#[derive(Clone, Debug, Default)]
pub struct Project {
    pub files: ProjectFiles,
    /// (name as shown, text)
    pub dotenv: Option<(String, String)>,
}

/// Reads the project folder over the embedded defaults. A missing folder means defaults only.
pub fn load(folder: &Path) -> Result<Project, StoreError> {
    let user = UserFiles {
        config: read_tree(folder, "config")?.unwrap_or_default(),
        rules: read_tree(folder, "rules")?,
        dashboards: read_tree(folder, "dashboards")?,
    };
    let dotenv_path = folder.join(".env");
    let dotenv = read_optional(&dotenv_path)?.map(|text| (".env".to_owned(), text));
    Ok(Project { files: ProjectFiles::embedded().overlaid_with(user), dotenv })
}

/// Every regular file below `folder/name`, keyed by its path relative to it. `None`: no such folder.
fn read_tree(folder: &Path, name: &str) -> Result<Option<BTreeMap<String, ProjectFile>>, StoreError> {
    let root = folder.join(name);
    if !root.is_dir() {
        return Ok(None);
    }
    let mut files = BTreeMap::new();
    collect(&root, "", name, &mut files)?;
    Ok(Some(files))
}

fn collect(
    directory: &Path,
    prefix: &str,
    shown_root: &str,
    files: &mut BTreeMap<String, ProjectFile>,
) -> Result<(), StoreError> {
    let entries = fs::read_dir(directory).map_err(|source| StoreError::new("list", directory, source))?;
    for entry in entries {
        let entry = entry.map_err(|source| StoreError::new("list", directory, source))?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        // Editors' backups and swap files, version control, the operating system's droppings.
        if name.starts_with('.') || name.ends_with('~') || name.ends_with(".swp") {
            continue;
        }
        let relative = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        let path = entry.path();
        if path.is_dir() {
            collect(&path, &relative, shown_root, files)?;
        } else if is_text(&name)
            && let Some(text) = read_optional(&path)?
        {
            files
                .insert(relative.clone(), ProjectFile { shown_as: format!("{shown_root}/{relative}"), text });
        }
    }
    Ok(())
}

/// Files named on the command line, and every text file below folders named there.
pub fn load_paths(paths: &[PathBuf]) -> Result<Vec<ProjectFile>, StoreError> {
    let mut files = Vec::new();
    for path in paths {
        let shown = path.display().to_string();
        if path.is_dir() {
            let mut below = BTreeMap::new();
            collect(path, "", shown.trim_end_matches('/'), &mut below)?;
            files.extend(below.into_values());
            continue;
        }
        let text = read_optional(path)?.ok_or_else(|| {
            StoreError::new("read", path, io::Error::new(io::ErrorKind::NotFound, "there is no such file"))
        })?;
        files.push(ProjectFile { shown_as: shown, text });
    }
    files.sort_by(|a, b| a.shown_as.cmp(&b.shown_as));
    files.dedup_by(|a, b| a.shown_as == b.shown_as);
    Ok(files)
}

/// The names that a project's own files have in it: those of the files, and of all below the folders.
/// `None` when one of the paths is none of the project's.
pub fn names_within(folder: &Path, files: &ProjectFiles, paths: &[PathBuf]) -> Option<BTreeSet<String>> {
    let root = folder.canonicalize().ok()?;
    let known = || files.config.values().chain(files.rules.values()).chain(files.dashboards.values());
    let mut names = BTreeSet::new();
    for path in paths {
        let full = path.canonicalize().ok()?;
        let relative = full.strip_prefix(&root).ok()?.to_str()?.to_owned();
        let below = format!("{relative}/");
        let before = names.len();
        let wanted = |name: &&String| **name == relative || name.starts_with(&below);
        names.extend(known().map(|file| &file.shown_as).filter(wanted).cloned());
        if names.len() == before {
            return None;
        }
    }
    Some(names)
}

/// True for a folder that is laid out as a project: it has settings; or rules or dashboards where a
/// project has them, and no folders that a project has not. Many a collection of rules has a folder
/// called `rules`, and all of its other files are to be looked at too.
pub fn is_project(folder: &Path) -> bool {
    const FOLDERS: [&str; 3] = ["config", "rules", "dashboards"];
    if folder.join("config/confidexmon.yml").is_file() {
        return true;
    }
    let names = |path: &Path| -> Vec<(String, bool)> {
        let entries = fs::read_dir(path).into_iter().flatten().flatten();
        let named =
            |entry: fs::DirEntry| Some((entry.file_name().into_string().ok()?, entry.path().is_dir()));
        entries.filter_map(named).filter(|(name, _)| !name.starts_with('.')).collect()
    };
    let holds = |name: &str, wanted: &dyn Fn(&str) -> bool| {
        names(&folder.join(name)).iter().any(|(name, is_folder)| !is_folder && wanted(name))
    };
    let has_files = holds("config", &is_text)
        || holds("rules", &is_yaml)
        || holds("dashboards", &|name| name.ends_with(".json"));
    has_files && names(folder).iter().all(|(name, is_folder)| !is_folder || FOLDERS.contains(&name.as_str()))
}

/// The endings that a project's files have; anything else in the folders is not ours to read.
fn is_text(name: &str) -> bool {
    ["yml", "yaml", "json", "conf", "tmpl", "md", "prom"]
        .iter()
        .any(|ending| name.ends_with(&format!(".{ending}")))
}

/// `None` when there is no such file.
pub fn read_optional(path: &Path) -> Result<Option<String>, StoreError> {
    let failed = |source| StoreError::new("read", path, source);
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
        Ok(metadata) if metadata.len() > LARGEST_FILE => {
            return Err(failed(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 8 MiB")));
        }
        Ok(_) => {}
    }
    fs::read_to_string(path).map(Some).map_err(failed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_collection_of_rules_is_no_project() {
        let is = |files: &[&str]| {
            let folder = tempfile::tempdir().unwrap();
            for file in files {
                let path = folder.path().join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, "").unwrap();
            }
            is_project(folder.path())
        };
        assert!(is(&["config/confidexmon.yml", "alerts/a.yml"]));
        assert!(is(&["rules/a.yml", "README.md", ".git/config"]));
        assert!(is(&["dashboards/a.json"]));
        assert!(!is(&["rules/kafka/a.yml"]));
        assert!(!is(&["rules/a.yml", "alerts/b.yml"]));
        assert!(!is(&["a.yml"]));
    }
}
