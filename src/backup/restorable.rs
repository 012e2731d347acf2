//! Whether a backup fits the stack that it is to be restored into.

use crate::backup::BackupManifest;

/// Why this backup must not be restored into `stack` with Grafana `running`, or `None`. With `foreign`
/// another stack's backup is meant.
pub fn objection(
    manifest: &BackupManifest,
    stack: &str,
    running: Option<&str>,
    foreign: Foreign,
) -> Option<(String, String)> {
    if manifest.stack != stack && foreign == Foreign::Refused {
        return Some((
            format!("the backup is one of the stack `{}`, and this is `{stack}`", manifest.stack),
            "add --foreign if that is what you want".to_owned(),
        ));
    }
    let (written_by, running) = (manifest.grafana_version.as_deref()?, running?);
    (numbers(written_by) > numbers(running)).then(|| {
        (
            format!("the backup was written by Grafana {written_by}, and this stack runs {running}: an older Grafana cannot read a newer database"),
            format!("set `images.grafana` to {written_by} or newer, run `confidexmon up`, then restore"),
        )
    })
}

/// Whether a backup of another stack is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    Refused,
    Wanted,
}

/// The numbers at the beginning of a version: `13.2.0-slim` → 13, 2, 0.
fn numbers(version: &str) -> Vec<u64> {
    let plain = version.split(['-', '+']).next().unwrap_or_default();
    plain.split('.').map_while(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::{Counts, Layout};

    fn manifest(version: Option<&str>) -> BackupManifest {
        BackupManifest {
            format: 1,
            written_by: "0.1.0".to_owned(),
            stack: "confidex".to_owned(),
            created_at: "2026-11-27T08:45:00Z".to_owned(),
            grafana_version: version.map(str::to_owned),
            image: String::new(),
            image_id: String::new(),
            image_digest: None,
            newest_migration: None,
            migrations: 0,
            layout: Layout::Dashboard,
            counts: Counts::default(),
            stood_still_ms: 0,
            files: Vec::new(),
        }
    }

    #[test]
    fn an_older_grafana_does_not_get_a_newer_database() {
        let refuses = |written_by: Option<&str>, running: Option<&str>| {
            objection(&manifest(written_by), "confidex", running, Foreign::Refused).is_some()
        };
        assert!(refuses(Some("13.2.0"), Some("12.4.1")));
        assert!(refuses(Some("13.10.0"), Some("13.9.0-slim")));
        assert!(!refuses(Some("12.4.1"), Some("13.2.0")));
        assert!(!refuses(Some("13.2.0"), Some("13.2.0")));
        // What is not known is no reason.
        assert!(!refuses(None, Some("9.0.0")) && !refuses(Some("13.2.0"), None));
    }

    #[test]
    fn another_stacks_backup_is_taken_only_when_it_is_meant() {
        let of_other = |foreign| objection(&manifest(None), "shop", None, foreign).is_some();
        assert!(of_other(Foreign::Refused) && !of_other(Foreign::Wanted));
    }
}
