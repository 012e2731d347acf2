//! Tar archives as the engine's archive call takes and gives them.

use std::io::Read;

use crate::model::manifest::MANIFEST_FILE;
use crate::model::{FileSet, Manifest};

/// One file of an archive that the engine gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extracted {
    pub path: String,
    pub bytes: Vec<u8>,
}

/// A tar of the files named in `paths`, relative to the set's root below `prefix`, with their
/// directories, owners and modes. With `manifest`, an empty manifest comes first and the real one
/// last: a write that was cut off leaves one that promises nothing, so the next run writes everything.
/// `note` (path below the root, text) is the very last entry: who sees it sees all the others.
pub fn of_files(
    set: &FileSet,
    paths: &[String],
    prefix: &str,
    manifest: Option<&Manifest>,
    note: Option<(&str, String)>,
) -> std::io::Result<Vec<u8>> {
    let mut archive = Archive::new(set.uid, set.gid);
    if manifest.is_some() {
        archive.file(&format!("{prefix}{MANIFEST_FILE}"), b"{}", 0o400)?;
    }
    for path in paths {
        let Some(file) = set.files.get(path) else { continue };
        archive.file(&format!("{prefix}{}", relative(&set.root, path)), file.bytes(), file.mode())?;
    }
    if let Some(manifest) = manifest {
        let text = serde_json::to_vec(manifest).unwrap_or_default();
        archive.file(&format!("{prefix}{MANIFEST_FILE}"), &text, 0o400)?;
    }
    if let Some((path, text)) = note {
        archive.file(path, text.as_bytes(), 0o444)?;
    }
    archive.finish()
}

/// Path and permission bits of each file of an archive that the engine gave; what cannot be read has none.
pub fn modes(archive: &[u8]) -> Vec<(String, u32)> {
    let mut archive = tar::Archive::new(archive);
    let Ok(entries) = archive.entries() else { return Vec::new() };
    let files = entries.flatten().filter(|entry| entry.header().entry_type().is_file());
    let seen = files.filter_map(|entry| {
        Some((entry.path().ok()?.to_string_lossy().into_owned(), entry.header().mode().ok()? & 0o7777))
    });
    seen.collect()
}

/// Path below the root, without a leading slash.
pub fn relative<'a>(root: &str, path: &'a str) -> &'a str {
    path.strip_prefix(root).unwrap_or(path).trim_start_matches('/')
}

/// A tar in memory whose entries all belong to one user.
pub struct Archive {
    builder: tar::Builder<Vec<u8>>,
    directories: std::collections::BTreeSet<String>,
    uid: u32,
    gid: u32,
}

impl Archive {
    /// An empty archive whose entries belong to this user and group.
    pub fn new(uid: u32, gid: u32) -> Self {
        Self {
            builder: tar::Builder::new(Vec::new()),
            directories: std::collections::BTreeSet::new(),
            uid,
            gid,
        }
    }

    /// Adds a file and, before it, the directories that lead to it.
    pub fn file(&mut self, path: &str, bytes: &[u8], mode: u32) -> std::io::Result<()> {
        let parents: Vec<String> = path.match_indices('/').map(|(at, _)| path[..=at].to_owned()).collect();
        for parent in parents {
            if self.directories.insert(parent.clone()) {
                self.entry(&parent, &[], 0o755, tar::EntryType::Directory)?;
            }
        }
        self.entry(path, bytes, mode, tar::EntryType::Regular)
    }

    fn entry(&mut self, path: &str, bytes: &[u8], mode: u32, kind: tar::EntryType) -> std::io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(u64::from(self.uid));
        header.set_gid(u64::from(self.gid));
        header.set_size(bytes.len() as u64);
        self.builder.append_data(&mut header, path, bytes)
    }

    /// The archive's bytes.
    pub fn finish(self) -> std::io::Result<Vec<u8>> {
        self.builder.into_inner()
    }
}

/// The regular files of an archive; links, devices and anything above `limit` bytes are left out.
pub fn extract(bytes: &[u8], limit: usize) -> std::io::Result<Vec<Extracted>> {
    let mut archive = tar::Archive::new(bytes);
    let mut files = Vec::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        if !entry.header().entry_type().is_file() || entry.size() > limit as u64 {
            continue;
        }
        let path = entry.path()?.to_string_lossy().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        files.push(Extracted { path, bytes: content });
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::model::{RenderedFile, Secret};

    #[test]
    fn files_keep_their_place_owner_and_mode_between_an_empty_manifest_and_the_real_one() {
        let mut set = FileSet::new("/etc/x", 65534, 65534);
        set.insert(RenderedFile::plain("/etc/x/rules/a.yml", "groups: []\n"));
        set.insert(RenderedFile::secret("/etc/x/secrets/s", Secret::new("hush")));
        let manifest = Manifest::of(&set);
        let paths: Vec<String> = set.files.keys().cloned().collect();
        let bytes = of_files(&set, &paths, "", Some(&manifest), Some(("note", "over".to_owned()))).unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let seen: Vec<(String, u32, u64)> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let path = entry.path().unwrap().to_string_lossy().into_owned();
                (path, entry.header().mode().unwrap(), entry.header().uid().unwrap())
            })
            .collect();
        let expected = [
            (MANIFEST_FILE, 0o400),
            ("rules/", 0o755),
            ("rules/a.yml", 0o444),
            ("secrets/", 0o755),
            ("secrets/s", 0o400),
            (MANIFEST_FILE, 0o400),
            ("note", 0o444),
        ];
        let expected: Vec<_> =
            expected.into_iter().map(|(path, mode)| (path.to_owned(), mode, 65534)).collect();
        assert_eq!(seen, expected);
    }
}
