//! What this machine remembers of a stack: which files lie in which container's config volume.
//!
//! A cache, never the truth: it saves one engine call per service in a run that has nothing to do.
//! Without it, or for a container that it does not know, the manifest in the volume is read. An
//! entry is removed before a volume is written and put back after, so a killed run leaves "not known".

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::model::manifest::sha256_hex;
use crate::model::{Manifest, Project, StackName};
use crate::store::{StoreError, atomic, text};

/// The remembered manifests of one stack on one engine.
#[derive(Debug)]
pub struct StackState {
    path: PathBuf,
    content: StateFile,
}

/// What must be finished or undone when its run is killed. Written before it begins, removed when it has
/// ended; the next command that changes the stack finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "lowercase")]
pub enum Interruption {
    /// A container was paused to copy its database.
    Paused { container_id: String },
    /// Grafana's data was being replaced; `previous` is the archive of what was there, if anything was. The
    /// container's name outlives the container.
    Restoring { container: String, previous: Option<PathBuf> },
    /// A backup was being restored as a stack of its own, of which nothing was there before.
    Beside { stack: String },
}

impl std::fmt::Display for Interruption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Paused { .. } => "a backup was interrupted while Grafana was paused for it",
            Self::Restoring { .. } => "a restore of Grafana's data was interrupted",
            Self::Beside { .. } => "a restore as a stack of its own was interrupted",
        })
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct StateFile {
    /// Container id → what lies in its config volume.
    #[serde(default)]
    manifests: BTreeMap<String, Manifest>,
    /// Container id → digest of the files that were proved to be in force in it.
    #[serde(default)]
    proved: BTreeMap<String, String>,
    /// Who took the stack over from whom. A volume keeps the label of whoever made it, so without this its
    /// old owner would be asked for again after each `down`.
    #[serde(default)]
    adopted: Vec<Adopted>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Adopted {
    from: Owner,
    by: Owner,
}

/// A project as this machine remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Owner {
    id: String,
    path: String,
    host: String,
}

impl From<&Project> for Owner {
    fn from(project: &Project) -> Self {
        Self { id: project.id.clone(), path: project.path.clone(), host: project.host.clone() }
    }
}

impl From<&Owner> for Project {
    fn from(owner: &Owner) -> Self {
        Self { id: owner.id.clone(), path: owner.path.clone(), host: owner.host.clone() }
    }
}

impl StackState {
    /// Reads the state; a missing or unreadable file is an empty one.
    pub fn load(directory: &Path, endpoint: &str, stack: &StackName) -> Self {
        let path = directory.join(format!("{}.json", file_stem(endpoint, stack)));
        let content = text::read_optional(&path).ok().flatten().unwrap_or_default();
        Self { path, content: serde_json::from_str(&content).unwrap_or_default() }
    }

    /// Where this machine's memory of stacks lies.
    pub fn directory(&self) -> &Path {
        self.path.parent().unwrap_or_else(|| Path::new("."))
    }

    /// What lies in a container's config volume, as far as this machine knows.
    pub fn manifest(&self, container_id: &str) -> Option<&Manifest> {
        self.content.manifests.get(container_id)
    }

    /// Forgets a container before its files change.
    pub fn forget(&mut self, container_id: &str) -> Result<(), StoreError> {
        let had_proof = self.content.proved.remove(container_id).is_some();
        if self.content.manifests.remove(container_id).is_none() && !had_proof {
            return Ok(());
        }
        self.save()
    }

    /// Notes what was written to a container's config volume.
    pub fn remember(&mut self, container_id: &str, manifest: Manifest) -> Result<(), StoreError> {
        self.content.manifests.insert(container_id.to_owned(), manifest);
        self.save()
    }

    /// True when the files with this digest were proved to be in force in the container.
    pub fn is_proved(&self, container_id: &str, digest: &str) -> bool {
        self.content.proved.get(container_id).is_some_and(|proved| proved == digest)
    }

    /// Notes that these files were proved to be in force in the container.
    pub fn remember_proof(&mut self, container_id: &str, digest: &str) -> Result<(), StoreError> {
        self.content.proved.insert(container_id.to_owned(), digest.to_owned());
        self.save()
    }

    /// Whose what carries the label of `made_by` is today.
    pub fn owner(&self, made_by: &Project) -> Project {
        let taken = self.content.adopted.iter().find(|one| Project::from(&one.from).is(made_by));
        taken.map_or_else(|| made_by.clone(), |one| Project::from(&one.by))
    }

    /// Remembers that what carries the label of `from` belongs to another project now.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn adopt(&mut self, from: &Project, by: &Project) -> Result<(), StoreError> {
        self.content.adopted.retain(|one| !Project::from(&one.from).is(from));
        if !from.is(by) {
            self.content.adopted.push(Adopted { from: from.into(), by: by.into() });
        }
        self.save()
    }

    /// Data that changes under a service may be other data than what was proved.
    pub fn forget_proofs(&mut self) -> Result<(), StoreError> {
        if self.content.proved.is_empty() {
            return Ok(());
        }
        self.content.proved.clear();
        self.save()
    }

    /// Keeps only containers that still exist.
    pub fn retain(&mut self, exists: impl Fn(&str) -> bool) -> Result<(), StoreError> {
        let before = self.content.manifests.len();
        self.content.manifests.retain(|container_id, _| exists(container_id));
        self.content.proved.retain(|container_id, _| exists(container_id));
        if self.content.manifests.len() == before { Ok(()) } else { self.save() }
    }

    /// What a run that was killed had begun, if it had.
    ///
    /// # Errors
    /// When the note is there and cannot be read: going on as if nothing had happened could lose data.
    pub fn interruption(&self) -> Result<Option<Interruption>, StoreError> {
        let path = self.interruption_path();
        let Some(text) = text::read_optional(&path)? else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|error| {
            StoreError::new("read", &path, std::io::Error::new(std::io::ErrorKind::InvalidData, error))
        })
    }

    /// Notes what is about to begin; on the disk when this returns.
    ///
    /// # Errors
    /// When the note cannot be written, or when there is one already, of a run that has not been ended:
    /// then it must not begin.
    pub fn begin(&self, interruption: &Interruption) -> Result<(), StoreError> {
        let path = self.interruption_path();
        if self.interruption()?.is_some() {
            let what = "what an interrupted run had begun has not been ended";
            let source = std::io::Error::new(std::io::ErrorKind::AlreadyExists, what);
            return Err(StoreError::new("write", &path, source));
        }
        // An empty note could not be read by the command that has to act on it.
        let text = serde_json::to_vec(interruption)
            .map_err(|error| StoreError::new("write", &path, std::io::Error::other(error)))?;
        atomic::write(&path, &text, 0o600)?;
        atomic::sync_folder_of(&path)
    }

    /// It has ended, well or undone.
    ///
    /// # Errors
    /// When the note cannot be removed.
    pub fn end(&self) -> Result<(), StoreError> {
        let path = self.interruption_path();
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(StoreError::new("remove", &path, error))
            }
            _ => Ok(()),
        }
    }

    fn interruption_path(&self) -> PathBuf {
        self.path.with_extension("interrupted.json")
    }

    fn save(&self) -> Result<(), StoreError> {
        let text = serde_json::to_vec(&self.content).unwrap_or_default();
        atomic::write(&self.path, &text, 0o600)
    }
}

/// One file per stack and engine: the same stack name may exist on several engines.
pub fn file_stem(endpoint: &str, stack: &StackName) -> String {
    format!("{stack}-{}", &sha256_hex(endpoint.as_bytes())[..12])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::Hint;

    fn state(folder: &Path) -> StackState {
        StackState::load(folder, "unix:///engine", &StackName::new("s").unwrap())
    }

    #[test]
    fn a_note_of_what_has_not_been_ended_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let restoring = Interruption::Restoring { container: "s-grafana".to_owned(), previous: None };
        let paused = Interruption::Paused { container_id: "1".to_owned() };
        let state = state(folder.path());
        state.begin(&restoring).unwrap();
        let refused = state.begin(&paused).unwrap_err();
        assert!(refused.hint().unwrap().contains("confidexmon up"), "{refused}");
        assert_eq!(state.interruption().unwrap(), Some(restoring));
        state.end().unwrap();
        state.begin(&paused).unwrap();
    }

    #[test]
    fn a_proof_holds_for_one_container_with_the_same_files() {
        let folder = tempfile::tempdir().unwrap();
        let mut state = state(folder.path());
        state.remember_proof("1", "files").unwrap();
        let proved = |id: &str, digest: &str| self::state(folder.path()).is_proved(id, digest);
        assert!(proved("1", "files") && !proved("1", "other files") && !proved("2", "files"));
        state.forget("1").unwrap();
        assert!(!proved("1", "files"));
        state.remember_proof("2", "files").unwrap();
        state.forget_proofs().unwrap();
        assert!(!proved("2", "files"));
    }
}
