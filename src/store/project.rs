//! The user's project folder.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::render::assets::{Origin, ProjectFile, ProjectFiles, UserFiles, is_yaml};
use crate::store::{StoreError, text};

/// A project as read: the files, and the `.env` beside them.
#[derive(Clone, Debug, Default)]
pub struct Project {
    pub files: ProjectFiles,
    /// (name as shown, text)
    pub dotenv: Option<(String, String)>,
    /// True when other users of this machine may read `.env`.
    pub dotenv_is_open: bool,
}

/// Reads the project folder over the embedded defaults. A missing folder means defaults only.
pub fn load(folder: &Path) -> Result<Project, StoreError> {
    // Messages name `rules/a.yml`, not `./rules/a.yml`.
    let folder = folder.strip_prefix(".").unwrap_or(folder);
    let user = UserFiles {
        config: read_tree(folder, "config")?.unwrap_or_default(),
        rules: read_tree(folder, "rules")?,
        dashboards: read_tree(folder, "dashboards")?,
    };
    let path = folder.join(".env");
    let dotenv = text::read_optional(&path)?.map(|text| (shown(&path), text));
    let dotenv_is_open = dotenv.is_some() && is_open(&path);
    Ok(Project { files: ProjectFiles::embedded().overlaid_with(user), dotenv, dotenv_is_open })
}

/// True for a file that everybody on this machine may read.
fn is_open(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0)
}

/// A file in PEM that the settings name.
///
/// # Errors
/// When it cannot be read, or is something else.
pub fn read_pem(folder: &Path, name: &str) -> Result<String, StoreError> {
    let path = folder.join(name);
    let failed = |kind, text: &str| StoreError::new("read", &path, io::Error::new(kind, text));
    let text = text::read_optional(&path)?
        .ok_or_else(|| failed(io::ErrorKind::NotFound, "there is no such file"))?;
    if !text.contains("-----BEGIN ") {
        return Err(failed(
            io::ErrorKind::InvalidData,
            "it is not PEM, which has a line `-----BEGIN …-----`",
        ));
    }
    Ok(text)
}

/// How messages name a path: from the working directory, as a person or an editor there would, or
/// in full when it lies elsewhere.
pub fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let climbs = path.components().any(|part| part == Component::ParentDir);
    let real = path.canonicalize().ok().filter(|_| climbs);
    let below = real.as_deref().and_then(|real| real.strip_prefix(&here).ok());
    let below = below.or_else(|| path.strip_prefix(&here).ok()).unwrap_or(path);
    let clean: PathBuf =
        below.components().filter(|part| !matches!(part, Component::CurDir)).collect::<PathBuf>();
    clean.display().to_string()
}

/// Every regular file below `folder/name`, keyed by its path relative to it. `None`: no such folder.
fn read_tree(folder: &Path, name: &str) -> Result<Option<BTreeMap<String, ProjectFile>>, StoreError> {
    let root = folder.join(name);
    let failed = |source| StoreError::new("list", &root, source);
    match fs::metadata(&root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::read_link(&root) {
            Ok(target) => return Err(failed(text::dangling(&target))),
            Err(_) => return Ok(None),
        },
        Err(error) => return Err(failed(error)),
        Ok(metadata) if !metadata.is_dir() => {
            let kind = io::ErrorKind::NotADirectory;
            return Err(failed(io::Error::new(kind, "it is a file, and a folder is expected")));
        }
        Ok(_) => {}
    }
    let mut files = BTreeMap::new();
    collect(&root, "", &mut Vec::new(), &mut files)?;
    Ok(Some(files))
}

/// `above` are the real paths of the folders that lead here: a link to one of them has no end.
fn collect(
    directory: &Path,
    prefix: &str,
    above: &mut Vec<PathBuf>,
    files: &mut BTreeMap<String, ProjectFile>,
) -> Result<(), StoreError> {
    let failed = |source| StoreError::new("list", directory, source);
    let real = directory.canonicalize().map_err(failed)?;
    if above.contains(&real) {
        return Err(failed(io::Error::other("it is a link to a folder that it lies in")));
    }
    above.push(real);
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        // Editors' backups and swap files, version control, the operating system's droppings.
        if name.starts_with('.') || name.ends_with('~') || name.ends_with(".swp") {
            continue;
        }
        let relative = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        if is_text(&name) {
            if name.contains(char::REPLACEMENT_CHARACTER) {
                let error = io::Error::new(io::ErrorKind::InvalidData, "its name is not UTF-8");
                return Err(StoreError::new("read", &path, error));
            }
            // Gone again since the listing: an editor's save.
            let Some(text) = text::read_optional(&path)? else { continue };
            files.insert(relative, ProjectFile::user(shown(&path), text));
        } else if path.is_dir() {
            collect(&path, &relative, above, files)?;
        }
    }
    above.pop();
    Ok(())
}

/// Files named on the command line, and every text file below folders named there.
pub fn load_paths(paths: &[PathBuf]) -> Result<Vec<ProjectFile>, StoreError> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let mut below = BTreeMap::new();
            collect(path, "", &mut Vec::new(), &mut below)?;
            files.extend(below.into_values());
            continue;
        }
        let pipe = fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
        let text = if pipe { Some(text::read_stream(path)?) } else { text::read_optional(path)? };
        let text = text.ok_or_else(|| {
            StoreError::new("read", path, io::Error::new(io::ErrorKind::NotFound, "there is no such file"))
        })?;
        files.push(ProjectFile::user(shown(path), text));
    }
    files.sort_by(|a, b| a.shown_as.cmp(&b.shown_as));
    files.dedup_by(|a, b| a.shown_as == b.shown_as);
    Ok(files)
}

/// The names under which a project's own files are shown: those of the files, and of all below the
/// folders. `None` when one of the paths is none of the project's.
pub fn names_within(folder: &Path, files: &ProjectFiles, paths: &[PathBuf]) -> Option<BTreeSet<String>> {
    let root = folder.canonicalize().ok()?;
    let folders = [("config", &files.config), ("rules", &files.rules), ("dashboards", &files.dashboards)];
    let known: Vec<(String, &String)> = folders
        .into_iter()
        .flat_map(|(folder, files)| files.iter().map(move |(path, file)| (format!("{folder}/{path}"), file)))
        .filter(|(_, file)| file.origin == Origin::User)
        .map(|(path, file)| (path, &file.shown_as))
        .collect();
    let mut names = BTreeSet::new();
    for path in paths {
        let full = path.canonicalize().ok()?;
        let relative = full.strip_prefix(&root).ok()?.to_str()?.to_owned();
        let below = format!("{relative}/");
        let before = names.len();
        let wanted = known.iter().filter(|(place, _)| *place == relative || place.starts_with(&below));
        names.extend(wanted.map(|(_, shown)| (*shown).clone()));
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn paths_are_shown_from_the_working_directory() {
        let here = std::env::current_dir().unwrap();
        let of = |path: &Path| shown(path);
        assert_eq!(of(Path::new("./rules/a.yml")), "rules/a.yml");
        assert_eq!(of(Path::new("./p/./rules/a.yml")), "p/rules/a.yml");
        assert_eq!(of(Path::new("../p/a.yml")), "../p/a.yml");
        assert_eq!(of(Path::new("src/../Cargo.toml")), "Cargo.toml");
        assert_eq!(of(&here.join("p/a.yml")), "p/a.yml");
        assert_eq!(of(Path::new("/nowhere/a.yml")), "/nowhere/a.yml");
    }

    /// Where, what is said, and how it comes about.
    type Case<'a> = (&'a str, &'a str, &'a dyn Fn(&Path));

    #[test]
    fn a_project_with_something_odd_in_it_is_refused_with_the_reason() {
        let refused = |prepare: &dyn Fn(&Path)| {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir(folder.path().join("rules")).unwrap();
            prepare(folder.path());
            let error = load(folder.path()).unwrap_err();
            (error.path.strip_prefix(folder.path()).unwrap().to_owned(), error.source.to_string())
        };
        let folder = "it is a folder, and a file is expected";
        let link = |target: &str, place: PathBuf| std::os::unix::fs::symlink(target, place).unwrap();
        let cases: [Case<'_>; 5] = [
            (".env", folder, &|root| fs::create_dir(root.join(".env")).unwrap()),
            ("rules/a.yml", folder, &|root| fs::create_dir(root.join("rules/a.yml")).unwrap()),
            ("config", "it is a file, and a folder is expected", &|root| {
                fs::write(root.join("config"), "").unwrap();
            }),
            ("rules/b.yml", "it is a link to `gone`, which does not exist", &|root| {
                link("gone", root.join("rules/b.yml"));
            }),
            ("rules/up", "it is a link to a folder that it lies in", &|root| {
                link(".", root.join("rules/up"));
            }),
        ];
        for (path, reason, prepare) in cases {
            let (found, said) = refused(prepare);
            assert_eq!((found.as_path(), said.as_str()), (Path::new(path), reason));
        }
    }

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
