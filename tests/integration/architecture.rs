//! The code map's promises, read from the `use` lines and paths of the sources.

use std::path::{Path, PathBuf};

use crate::lab::repository;

/// Folders that must not do I/O, and what they must therefore not name.
const PURE: [&str; 11] = [
    "model", "settings", "services", "render", "plan", "check", "drill", "health", "starter", "update",
    "backup",
];
const IMPURE: [&str; 8] =
    ["tokio::", "bollard", "reqwest", "std::fs", "std::env", "std::process", "SystemTime", "Instant::now"];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.file_name().is_none_or(|name| name != "tests.rs") {
            files.push(path);
        }
    }
    files
}

/// The code of a file without its tests and comments.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
}

#[test]
fn pure_folders_name_nothing_that_does_io() {
    for folder in PURE {
        for path in sources(&repository().join("src").join(folder)) {
            let code = code(&path);
            for word in IMPURE {
                assert!(!code.contains(word), "{} names {word}", path.display());
            }
        }
    }
}

/// What a folder may use of its neighbours, where that is narrow: an arrow upward makes a reader unusable
/// without what reads it.
const ARROWS: [(&str, &[&str]); 4] =
    [("model", &[]), ("formats", &["model"]), ("analysis", &["formats", "model"]), ("backup", &["model"])];

#[test]
fn lower_folders_name_no_higher_ones() {
    for (folder, allowed) in ARROWS {
        for path in sources(&repository().join("src").join(folder)) {
            // Compares the analyses with the lints.
            if path.ends_with("routing/soundness.rs") {
                continue;
            }
            let code = code(&path);
            for used in code.split("crate::").skip(1) {
                let used: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let known = used == folder || allowed.contains(&used.as_str());
                let is_folder = repository().join("src").join(&used).is_dir();
                assert!(known || !is_folder, "{} uses {used}", path.display());
            }
        }
    }
}

#[test]
fn vendors_stop_at_their_door() {
    let src = repository().join("src");
    for (word, allowed) in
        [("bollard", "engine/docker"), ("reqwest", "net/"), ("std::fs", "store/"), ("clap::", "")]
    {
        for path in sources(&src) {
            let relative = path.strip_prefix(&src).unwrap().display().to_string();
            let free = match word {
                "clap::" => ["cli/", "model/service.rs", "plan/mod.rs", "report/output.rs"]
                    .iter()
                    .any(|place| relative.starts_with(place)),
                // Contexts and certificates are files that only the engine's adapter understands.
                "std::fs" => relative.starts_with("store/") || relative.starts_with("engine/docker/"),
                _ => relative.starts_with(allowed),
            };
            assert!(free || !code(&path).contains(word), "{relative} names {word}");
        }
    }
}

/// The size limits that keep files readable: one concept a file.
#[test]
fn no_source_file_is_longer_than_500_lines() {
    for path in sources(&repository().join("src")) {
        let lines = code(&path).lines().count();
        assert!(lines <= 500, "{} has {lines} lines", path.display());
    }
}
