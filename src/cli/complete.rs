//! What a shell may complete beyond commands and flags: read from the project and this machine, at each press of
//! the key. Whatever cannot be read completes nothing.

use std::path::PathBuf;

use clap_complete::engine::CompletionCandidate;

use crate::demo::scenario::SCENARIOS;
use crate::drill::intake;
use crate::engine::docker;
use crate::store::{backups, project};

/// The alerts of the project's rules.
pub(super) fn alerts() -> Vec<CompletionCandidate> {
    let Ok(project) = project::load(&project_folder()) else { return Vec::new() };
    let mut names: Vec<String> =
        intake::targets(&intake::rule_files(&project.files)).into_iter().map(|target| target.alert).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(CompletionCandidate::new).collect()
}

/// The demo backend's failure scenarios.
pub(super) fn scenarios() -> Vec<CompletionCandidate> {
    let one = |scenario: &crate::demo::scenario::Scenario| {
        CompletionCandidate::new(scenario.name).help(Some(scenario.doc.into()))
    };
    SCENARIOS.iter().map(one).collect()
}

/// The docker CLI's contexts.
pub(super) fn contexts() -> Vec<CompletionCandidate> {
    docker::context_names(&std::env::vars().collect()).into_iter().map(CompletionCandidate::new).collect()
}

/// The project's backups, the newest first.
pub(super) fn archives() -> Vec<CompletionCandidate> {
    let paths = backups::archive_paths(&project_folder().join("backups"));
    let shown = paths.into_iter().map(|path| path.strip_prefix(".").map(PathBuf::from).unwrap_or(path));
    shown.enumerate().map(|(order, path)| CompletionCandidate::new(path).display_order(Some(order))).collect()
}

/// As on the command line that is being typed, else as in the environment.
fn project_folder() -> PathBuf {
    let mut words = std::env::args_os().skip_while(|word| word != "--project-dir").skip(1);
    let typed = words.next().or_else(|| std::env::var_os("CONFIDEXMON_PROJECT_DIR"));
    typed.map_or_else(|| PathBuf::from("."), PathBuf::from)
}
