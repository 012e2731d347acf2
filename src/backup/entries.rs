//! What the entries of an archive may be: nothing that an archive names is believed before it was checked.

use std::collections::BTreeSet;

use crate::backup::manifest::{BackupManifest, DATABASE, FORMAT, MANIFEST_NAME};

/// The longest path of an entry, in bytes.
const LONGEST_PATH: usize = 1024;
/// The most files that an archive may hold.
const MOST_FILES: usize = 200_000;
/// A database of zeros shrinks a thousandfold; what claims to grow more than that is a bomb.
const MOST_GROWTH: u64 = 2000;
/// Below this size growth is harmless, in bytes.
const ALWAYS_ALLOWED: u64 = 64 * 1024 * 1024;

/// Why this manifest cannot be trusted, or `None`. `archive_size` is that of the compressed archive.
pub fn fault_of_manifest(manifest: &BackupManifest, archive_size: u64) -> Option<String> {
    if manifest.format > FORMAT {
        return Some(format!(
            "it was written in form {}, and this version of confidexmon reads form {FORMAT}",
            manifest.format
        ));
    }
    if manifest.files.len() > MOST_FILES {
        return Some(format!("it claims to hold {} files", manifest.files.len()));
    }
    let mut seen = BTreeSet::new();
    for file in &manifest.files {
        if let Some(fault) = fault_of_path(&file.path) {
            return Some(fault);
        }
        if !seen.insert(file.path.as_str()) {
            return Some(format!("it holds `{}` twice", file.path));
        }
        if file.sha256.len() != 64 || !file.sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Some(format!("the checksum of `{}` is none", file.path));
        }
    }
    // One file cannot be a folder of another.
    let folder = |path: &&str| {
        seen.range(format!("{path}/").as_str()..)
            .next()
            .is_some_and(|next| next.starts_with(&format!("{path}/")))
    };
    if let Some(path) = seen.iter().find(|path| folder(path)) {
        return Some(format!("`{path}` is a file and a folder"));
    }
    if !seen.contains(DATABASE) {
        return Some("it holds no database".to_owned());
    }
    let allowed = archive_size.saturating_mul(MOST_GROWTH).max(ALWAYS_ALLOWED);
    if manifest.size() > allowed {
        return Some(format!("it claims to unpack to {} bytes from {archive_size}", manifest.size()));
    }
    None
}

/// Why this path cannot be in an archive of ours, or `None`.
pub fn fault_of_path(path: &str) -> Option<String> {
    let odd = |why: &str| Some(format!("the path {path:?} {why}"));
    if path.is_empty() || path.len() > LONGEST_PATH {
        return odd("is empty or too long");
    }
    if path.chars().any(|c| c.is_control() || c == '\\') {
        return odd("has a character that no file of Grafana has");
    }
    if path.starts_with('/') || path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return odd("leads out of the folder that it is unpacked into");
    }
    if !(path.starts_with("data/") || path.starts_with("provisioning/")) || path == MANIFEST_NAME {
        return odd("lies in no folder that a backup has");
    }
    None
}
