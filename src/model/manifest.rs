//! Which content lies in a config volume: path → SHA-256.

use std::collections::BTreeMap;

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::model::FileSet;

/// Name of the manifest file inside the config volume. It is 0400 like the secrets it speaks of: a
/// hash of a short password is almost the password.
pub const MANIFEST_FILE: &str = ".confidexmon-manifest.json";

/// Absolute path in the container → lower-case hex SHA-256 of the content. An empty hash stands for a
/// file in doubt: a change of it has begun and is not proved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Manifest(pub BTreeMap<String, String>);

/// The difference between what is there and what should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileChanges {
    pub added: Vec<String>,
    pub changed: Vec<String>,
    pub removed: Vec<String>,
}

impl Manifest {
    /// What a set of files comes to.
    pub fn of(files: &FileSet) -> Self {
        Self(files.files.iter().map(|(path, file)| (path.clone(), sha256_hex(file.bytes()))).collect())
    }

    /// The same, with these files in doubt.
    #[must_use]
    pub fn with_unverified<'a>(mut self, paths: impl IntoIterator<Item = &'a String>) -> Self {
        self.0.extend(paths.into_iter().map(|path| (path.clone(), String::new())));
        self
    }

    /// True when a change of these files was begun and nobody has proved its end: it is under way, or
    /// the run that made it is dead. An empty manifest is that of a write that was cut off.
    pub fn has_unverified(&self) -> bool {
        self.0.is_empty() || self.0.values().any(String::is_empty)
    }

    /// What has to change for `self` to become `wanted`.
    pub fn changes_to(&self, wanted: &Self) -> FileChanges {
        let mut changes = FileChanges::default();
        for (path, hash) in &wanted.0 {
            match self.0.get(path) {
                None => changes.added.push(path.clone()),
                Some(old) if old != hash => changes.changed.push(path.clone()),
                Some(_) => {}
            }
        }
        changes.removed = self.0.keys().filter(|path| !wanted.0.contains_key(*path)).cloned().collect();
        changes
    }

    /// One hash over the whole manifest.
    pub fn digest(&self) -> String {
        let lines: String = self.0.iter().map(|(path, hash)| format!("{hash}  {path}\n")).collect();
        sha256_hex(lines.as_bytes())
    }
}

impl FileChanges {
    /// True when nothing differs.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }

    /// Every file that changes in some way.
    pub fn touched(&self) -> impl Iterator<Item = &String> {
        self.added.iter().chain(&self.changed).chain(&self.removed)
    }

    /// Files that must be written, in path order.
    pub fn written(&self) -> Vec<String> {
        let mut paths: Vec<String> = self.added.iter().chain(&self.changed).cloned().collect();
        paths.sort();
        paths
    }
}

/// The SHA-256 of some bytes.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The SHA-256 of some bytes in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&sha256(bytes))
}
