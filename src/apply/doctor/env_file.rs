//! The file with the secrets: who may read it, and what git does with it.

use std::path::Path;
use std::time::Duration;

use tokio::process::Command;

use crate::doctor::facts::{Asked, EnvFile, GitView};
use crate::store::{machine, project};

pub(super) async fn gather(folder: &Path) -> Asked<EnvFile> {
    let path = folder.join(".env");
    let Some(mode) = machine::mode(&path) else { return Asked::Absent };
    Asked::Answer(EnvFile { path: project::shown(&path), mode, git: git_view(folder).await })
}

async fn git_view(folder: &Path) -> Option<GitView> {
    if !succeeds(folder, &["rev-parse", "--is-inside-work-tree"]).await? {
        return None;
    }
    if succeeds(folder, &["ls-files", "--error-unmatch", "--", ".env"]).await? {
        return Some(GitView::Tracked);
    }
    let is_ignored = succeeds(folder, &["check-ignore", "-q", "--", ".env"]).await?;
    Some(if is_ignored { GitView::Ignored } else { GitView::Untracked })
}

/// `None` without git, or when it does not end.
async fn succeeds(folder: &Path, arguments: &[&str]) -> Option<bool> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(arguments).kill_on_drop(true);
    let output = tokio::time::timeout(Duration::from_secs(2), command.output()).await.ok()?.ok()?;
    Some(output.status.success())
}
