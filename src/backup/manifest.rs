//! The first entry of every archive: what the rest of it must be.

use serde::{Deserialize, Serialize};

/// The version of the archive's form that this program writes, and the newest that it reads.
pub const FORMAT: u32 = 1;
/// The manifest's name in the archive.
pub const MANIFEST_NAME: &str = "manifest.json";
/// The database's path in the archive.
pub const DATABASE: &str = "data/grafana.db";
/// No honest manifest is larger.
pub const LARGEST_MANIFEST: u64 = 16 * 1024 * 1024;

/// Everything that is known of a backup without reading its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupManifest {
    /// [`FORMAT`] of the program that wrote it.
    pub format: u32,
    /// The version of confidexmon that wrote it.
    pub written_by: String,
    pub stack: String,
    /// RFC 3339 in UTC, with milliseconds.
    pub created_at: String,
    /// As Grafana's image or its API names it, for example `13.2.0`.
    pub grafana_version: Option<String>,
    /// The image's reference in the settings, and its id on the engine.
    pub image: String,
    pub image_id: String,
    /// `sha256:…` under which the image is known in its repository.
    #[serde(default)]
    pub image_digest: Option<String>,
    /// Id of the newest migration in the database, and how many were applied.
    pub newest_migration: Option<String>,
    pub migrations: u64,
    pub layout: Layout,
    pub counts: Counts,
    /// How long Grafana stood still for the copy, in milliseconds; 0 where it did not.
    pub stood_still_ms: u64,
    /// Every other entry of the archive, in its order.
    pub files: Vec<FileEntry>,
}

/// Where the database keeps its dashboards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// The table `dashboard`, up to version 12.
    #[default]
    Dashboard,
    /// The table `resource`: once a database was migrated, the old tables are no longer authoritative.
    Resource,
}

/// What a person would miss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Without service accounts.
    pub users: u64,
    pub datasources: u64,
    pub folders: u64,
    pub dashboards: u64,
    /// Dashboards that no provisioning file puts back: those made in the browser.
    pub own_dashboards: u64,
}

/// One file of the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// `data/…` below Grafana's data folder, or `provisioning/…` below its configuration.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Lower-case hex.
    pub sha256: String,
}

impl Counts {
    /// Name and number of each, in the order in which they are shown.
    pub const fn named(&self) -> [(&'static str, u64); 4] {
        [
            ("users", self.users),
            ("datasources", self.datasources),
            ("folders", self.folders),
            ("dashboards", self.dashboards),
        ]
    }

    /// What fell by more than half against an earlier backup: a sign that something was lost before.
    pub fn losses_since(&self, earlier: &Self) -> Vec<String> {
        let pairs = self.named().into_iter().zip(earlier.named());
        pairs
            .filter(|((_, now), (_, before))| now * 2 < *before)
            .map(|((name, now), (_, before))| format!("{before} → {now} {name}"))
            .collect()
    }

    /// What `restored` lacks of what this backup holds. Provisioned dashboards come and go with their
    /// files, so only those that people made count, and datasources may have been added.
    pub fn missing_in(&self, restored: &Self) -> Vec<String> {
        let pairs = [
            ("users", self.users, restored.users),
            ("datasources", self.datasources, restored.datasources),
            ("dashboards made by people", self.own_dashboards, restored.own_dashboards),
        ];
        let less = pairs.into_iter().filter(|(_, wanted, found)| found < wanted);
        less.map(|(name, wanted, found)| format!("{found} of {wanted} {name}")).collect()
    }
}

impl BackupManifest {
    /// Bytes of all files together, unpacked.
    pub fn size(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_fell_by_more_than_half_is_a_loss() {
        let before = Counts { users: 4, datasources: 2, folders: 1, dashboards: 40, own_dashboards: 10 };
        let now = Counts { dashboards: 19, users: 2, ..before };
        assert_eq!(now.losses_since(&before), ["40 → 19 dashboards"]);
        assert!(before.losses_since(&now).is_empty());
    }

    #[test]
    fn provisioned_dashboards_may_come_and_go() {
        let wanted = Counts { users: 4, datasources: 2, folders: 1, dashboards: 40, own_dashboards: 10 };
        assert!(wanted.missing_in(&Counts { dashboards: 12, datasources: 3, ..wanted }).is_empty());
        let missing = wanted.missing_in(&Counts { own_dashboards: 9, users: 3, ..wanted });
        assert_eq!(missing, ["3 of 4 users", "9 of 10 dashboards made by people"]);
    }
}
