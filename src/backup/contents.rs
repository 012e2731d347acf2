//! What of Grafana's volumes goes into a backup: a table, so that every path is decided by one row.

use crate::model::grafana_key::SECRET_KEY_FILE;

/// What happens with a file of the data volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The database and its log or journal: copied on their own, as one consistent whole.
    Database,
    /// Goes into the archive as it is.
    Kept,
    /// Made again by Grafana, or by provisioning.
    Rebuildable,
}

/// First match wins; a prefix ends at a `/` or is the whole path.
const TABLE: [(&str, Part); 17] = [
    ("grafana.db", Part::Database),
    ("grafana.db-wal", Part::Database),
    ("grafana.db-shm", Part::Database),
    ("grafana.db-journal", Part::Database),
    // Search indexes of unified storage, rebuilt at each start.
    ("unified-search", Part::Rebuildable),
    ("search", Part::Rebuildable),
    ("bleve", Part::Rebuildable),
    // Rendered pictures and exports, kept for a day at most.
    ("png", Part::Rebuildable),
    ("csv", Part::Rebuildable),
    ("pdf", Part::Rebuildable),
    // Sign-ins of versions that kept them in files.
    ("sessions", Part::Rebuildable),
    ("log", Part::Rebuildable),
    // Plugins that come with the image.
    ("plugins-bundled", Part::Rebuildable),
    ("alerting", Part::Kept),
    ("plugins", Part::Kept),
    // Without it nobody can read the passwords in the database.
    (SECRET_KEY_FILE, Part::Kept),
    ("lost+found", Part::Rebuildable),
];

/// What is kept and known by name, for where the folder cannot be listed.
pub const KNOWN: [&str; 3] = ["plugins", "alerting", SECRET_KEY_FILE];

/// The row of a path below the data folder, for example `plugins/grafana-clock-panel/module.js`. What
/// the table does not know is the user's, and is kept.
pub fn part(path: &str) -> Part {
    let row = TABLE.iter().find(|(prefix, _)| {
        path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    });
    row.map_or(Part::Kept, |(_, part)| *part)
}

/// True for a file of the configuration volume that belongs to the data: what is provisioned, without the
/// secrets that the project's settings hold.
pub fn is_provisioning(path: &str) -> bool {
    let below = |folder: &str| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
    below("provisioning") || below("dashboards")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Paths as a Grafana of version 9 to 13 leaves them.
    const PATHS: [(&str, Part); 21] = [
        ("grafana.db", Part::Database),
        ("grafana.db-wal", Part::Database),
        ("grafana.db-shm", Part::Database),
        ("grafana.db-journal", Part::Database),
        ("unified-search/bleve/default/1/index_meta.json", Part::Rebuildable),
        ("search/index", Part::Rebuildable),
        ("bleve/store", Part::Rebuildable),
        ("png/Y7xk2.png", Part::Rebuildable),
        ("csv/export.csv", Part::Rebuildable),
        ("pdf/report.pdf", Part::Rebuildable),
        ("sessions/a/b/ab12", Part::Rebuildable),
        ("log/grafana.log", Part::Rebuildable),
        ("plugins-bundled/internal/input/plugin.json", Part::Rebuildable),
        ("plugins/grafana-clock-panel/module.js", Part::Kept),
        ("alerting/1/state", Part::Kept),
        ("lost+found/x", Part::Rebuildable),
        (SECRET_KEY_FILE, Part::Kept),
        ("notes.txt", Part::Kept),
        ("grafana.db.bak", Part::Kept),
        ("pngs/mine.png", Part::Kept),
        ("dashboards/mine.json", Part::Kept),
    ];

    #[test]
    fn every_path_is_decided_as_it_should_be() {
        for (path, wanted) in PATHS {
            assert_eq!(part(path), wanted, "{path}");
        }
    }

    #[test]
    fn what_is_known_by_name_is_what_the_table_keeps() {
        let kept = TABLE.iter().filter(|(_, part)| *part == Part::Kept).map(|(prefix, _)| *prefix);
        assert_eq!(kept.collect::<std::collections::BTreeSet<_>>(), KNOWN.into());
    }

    #[test]
    fn every_row_of_the_table_decides_some_path() {
        for (prefix, _) in TABLE {
            let decides = |path: &str| {
                path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            assert!(PATHS.iter().any(|(path, _)| decides(path)), "{prefix}");
        }
    }

    #[test]
    fn provisioning_goes_along_without_the_secrets() {
        assert!(is_provisioning("provisioning/datasources/stack.yml"));
        assert!(is_provisioning("dashboards/confidex-overview.json"));
        assert!(!is_provisioning("secrets/admin_password"));
        assert!(!is_provisioning(".confidexmon-manifest.json"));
    }
}
