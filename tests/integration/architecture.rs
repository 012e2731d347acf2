//! The code map's promises, read from the `use` lines and paths of the sources.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::lab::repository;

/// Folders that must not do I/O, and what they must therefore not name.
const PURE: [&str; 14] = [
    "formats", "analysis", "model", "settings", "services", "render", "plan", "check", "drill", "health",
    "starter", "update", "backup", "doctor",
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

/// The code of a file without its tests (each item behind `#[cfg(test)]`) and comments.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let mut kept = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.trim() == "#[cfg(test)]" {
            let margin = &line[..line.len() - line.trim_start().len()];
            let end = format!("{margin}}}");
            let item = lines.by_ref().find(|line| !line.trim_start().starts_with("#["));
            let is_one_line = item.is_none_or(|item| item.trim_end().ends_with([';', '}']));
            if !is_one_line {
                lines.by_ref().find(|line| *line == end);
            }
        } else if !line.trim_start().starts_with("//") {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
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

/// What a folder may use of the others: every arrow that there is. An arrow that is missing here makes a part
/// unusable without what stands above it. (`error` is no folder: everybody may return one.)
const ARROWS: [(&str, &[&str]); 21] = [
    ("model", &[]),
    ("formats", &["model"]),
    ("backup", &["model"]),
    ("update", &["model"]),
    ("health", &["model"]),
    ("demo", &["formats", "model"]),
    ("settings", &["model"]),
    ("analysis", &["formats", "model"]),
    // Dashboards reach Grafana with what an import by hand would ask for filled in.
    ("render", &["model", "settings", "formats"]),
    ("services", &["model", "settings", "render", "update"]),
    ("check", &["model", "settings", "render", "formats", "analysis"]),
    ("starter", &["model", "settings", "render", "formats", "analysis"]),
    // Reads which lints make a rule impossible to drill.
    ("drill", &["model", "settings", "render", "formats", "analysis", "check"]),
    ("plan", &["model", "formats", "render", "services", "update"]),
    // Archives and locks on disk, in the form that `backup` and `update` decide.
    ("store", &["model", "render", "backup", "update"]),
    // Both read the logins that the engine's own command line keeps.
    ("engine", &["model", "store"]),
    ("net", &["model", "store", "health"]),
    (
        "report",
        &[
            "model", "settings", "formats", "analysis", "check", "health", "backup", "services", "update",
            "drill", "doctor", "apply",
        ],
    ),
    (
        "apply",
        &[
            "model", "settings", "render", "services", "formats", "analysis", "check", "plan", "health",
            "backup", "update", "drill", "engine", "net", "store", "report", "doctor",
        ],
    ),
    ("cli", &["everything"]),
    ("doctor", &["model", "settings", "services", "formats", "analysis", "check", "plan", "health"]),
];

/// Only tests use them: one compares the analyses with the lints, the other makes the facts of the shipped project.
const EXEMPT: [&str; 2] = ["routing/soundness.rs", "check/shipped.rs"];

#[test]
fn every_arrow_between_folders_is_in_the_table() {
    let src = repository().join("src");
    let is_folder = |name: &str| src.join(name).is_dir();
    for entry in std::fs::read_dir(&src).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        let folder = entry.file_name().into_string().unwrap();
        let listed = ARROWS.iter().find(|(name, _)| *name == folder);
        let (_, allowed) = listed.unwrap_or_else(|| panic!("`{folder}` is not in the table of arrows"));
        for path in sources(&src.join(&folder))
            .into_iter()
            .filter(|path| !EXEMPT.iter().any(|exempt| path.ends_with(exempt)))
        {
            for used in crate_names(&code(&path)) {
                let known = used == folder || allowed.contains(&used.as_str()) || allowed == &["everything"];
                assert!(known || !is_folder(&used), "{} uses {used}", path.display());
            }
        }
    }
}

/// What lints share stands in `analysis`, `formats` or beside the folder: a lint can be deleted, and no other
/// one breaks.
#[test]
fn no_lint_names_another_one() {
    let lints = repository().join("src/check/lints");
    let files: Vec<_> = sources(&lints).into_iter().filter(|path| !path.ends_with("mod.rs")).collect();
    let names: Vec<_> =
        files.iter().map(|path| path.strip_prefix(&lints).unwrap().with_extension("")).collect();
    let stem = |path: &Path| path.iter().nth(1).unwrap().to_str().unwrap().to_owned();
    for (file, own) in files.iter().zip(&names) {
        let code = code(file);
        let words: BTreeSet<&str> = code.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        for other in names.iter().map(|other| stem(other)).filter(|other| *other != stem(own)) {
            let is_path = code.contains(&format!("::{other}")) || code.contains(&format!("{other}::"));
            assert!(!(words.contains(other.as_str()) && is_path), "{} names the lint {other}", own.display());
        }
    }
    assert!(files.len() > 60);
}

/// The first names behind `crate::`, those in braces included.
fn crate_names(code: &str) -> Vec<String> {
    let name = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            found.push(name(rest));
            continue;
        };
        let mut depth = 0;
        let mut start = true;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => start = true,
                c if start && c.is_alphabetic() => {
                    found.push(name(&group[at..]));
                    start = false;
                }
                _ => {}
            }
        }
    }
    found
}

#[test]
fn names_in_braces_are_arrows_too() {
    assert_eq!(
        crate_names("use crate::{plan::{a, b}, store};\nuse crate::net::x;"),
        ["plan", "store", "net"]
    );
}

/// Words of our own invention that this code once had, and un-English turns. The field's term is beside each.
const REFUSED_WORDS: [(&str, &str); 9] = [
    ("judge", "validator, validate, check"),
    ("judgement", "validation"),
    ("heir", "watchdog"),
    ("opinion", "report"),
    ("witness", "inspector, context"),
    ("for want of", "because there is no …"),
    ("stop to read", "stop reading"),
    ("one row a ", "one row per …"),
    ("one file a ", "one file per …"),
];

#[test]
fn texts_use_the_words_of_the_field() {
    let mut files = sources(&repository().join("src"));
    files.push(repository().join("README.md"));
    files.push(repository().join("CONTRIBUTING.md"));
    for path in
        files.into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs" || end == "md"))
    {
        let text = std::fs::read_to_string(&path).unwrap().to_lowercase();
        for (at, line) in text.lines().enumerate() {
            let padded = format!(" {} ", line.replace(|c: char| !c.is_alphanumeric(), " "));
            for (word, better) in REFUSED_WORDS {
                let found = padded.contains(&format!(" {} ", word.trim_end()))
                    || word.ends_with(' ') && line.contains(word);
                assert!(!found, "{}:{}: `{word}`; better: {better}", path.display(), at + 1);
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
