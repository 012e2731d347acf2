//! Backups as a table, as a sentence, and as JSON.

use serde::Serialize;

use crate::backup::{BackupManifest, Counts};
use crate::report::table::Table;
use crate::report::words;

/// One backup, for programs. What cannot be read has a `problem` and no more than its path.
#[derive(Clone, Debug, Default, Serialize)]
pub struct BackupJson {
    pub path: String,
    /// RFC 3339.
    pub created_at: Option<String>,
    /// Bytes of the archive.
    pub size: Option<u64>,
    pub stack: Option<String>,
    pub grafana_version: Option<String>,
    pub image: Option<String>,
    /// `sha256:…` in its repository, where it has one.
    pub image_digest: Option<String>,
    pub newest_migration: Option<String>,
    pub counts: Option<Counts>,
    pub stood_still_ms: Option<u64>,
    /// True when every byte was read and checked just now: by the backup itself, or with `--verify`.
    pub verified: bool,
    /// When a throw-away Grafana worked with it.
    pub proven_at: Option<String>,
    /// Only the owner of an identity can read it; without one, nothing else is known of it here.
    pub encrypted: bool,
    pub problem: Option<String>,
}

impl BackupJson {
    /// A backup whose manifest was read; its archive has `size` bytes.
    pub fn sound(path: String, manifest: &BackupManifest, size: u64) -> Self {
        Self {
            path,
            created_at: Some(manifest.created_at.clone()),
            size: Some(size),
            stack: Some(manifest.stack.clone()),
            grafana_version: manifest.grafana_version.clone(),
            image: Some(manifest.image.clone()),
            image_digest: manifest.image_digest.clone(),
            newest_migration: manifest.newest_migration.clone(),
            counts: Some(manifest.counts),
            stood_still_ms: Some(manifest.stood_still_ms),
            verified: true,
            proven_at: None,
            encrypted: false,
            problem: None,
        }
    }

    /// An encrypted archive, of which the name tells when it was written.
    pub fn encrypted(path: String, created_at: Option<String>, size: u64) -> Self {
        Self { path, created_at, size: Some(size), encrypted: true, ..Self::default() }
    }

    /// An archive that cannot be used, and why.
    pub fn broken(path: String, problem: String) -> Self {
        Self { path, problem: Some(problem), ..Self::default() }
    }
}

/// `2 users, 1 datasource, 3 folders, 12 dashboards`.
pub fn counted(counts: &Counts) -> String {
    let one = |(name, number): (&str, u64)| {
        let noun = name.trim_end_matches('s');
        words::count(usize::try_from(number).unwrap_or(usize::MAX), noun)
    };
    counts.named().map(one).join(", ")
}

/// What was backed up, and how long Grafana stood still.
pub fn described(backup: &BackupJson) -> String {
    let counts = backup.counts.as_ref().map(counted).unwrap_or_default();
    let size = words::bytes(backup.size.unwrap_or(0));
    let still = match backup.stood_still_ms {
        None | Some(0) => "Grafana went on meanwhile".to_owned(),
        Some(ms) => format!("Grafana stood still for {ms} ms"),
    };
    format!("{counts} ({size}); verified; {still}")
}

/// One row per backup, the newest last. `now` is in seconds since the epoch, `width` that of the terminal.
pub fn table(rows: &[BackupJson], now: i64, width: Option<usize>) -> String {
    let columns = [("AGE", 0), ("SIZE", 1), ("GRAFANA", 3), ("HOLDS", 2), ("STATE", 0), ("ARCHIVE", 0)];
    let mut table = Table::new(&columns).wrapping("HOLDS");
    for row in rows {
        table.row(cells(row, now));
    }
    table.text(width, |_, _, cell| cell.to_owned())
}

fn cells(row: &BackupJson, now: i64) -> [String; 6] {
    let archive = row.path.rsplit('/').next().unwrap_or(&row.path).to_owned();
    if let Some(problem) = &row.problem {
        let dash = "-".to_owned();
        return [dash.clone(), dash.clone(), dash.clone(), problem.clone(), "broken".to_owned(), archive];
    }
    let created = row.created_at.as_deref().and_then(|at| at.parse::<jiff::Timestamp>().ok());
    let state = match (&row.proven_at, row.verified) {
        (Some(_), _) => "proven",
        _ if row.encrypted && !row.verified => "encrypted",
        (None, true) => "verified",
        (None, false) => "written",
    };
    [
        created.map_or_else(|| "-".to_owned(), |at| words::age(now - at.as_second())),
        words::bytes(row.size.unwrap_or(0)),
        row.grafana_version.clone().unwrap_or_else(|| "-".to_owned()),
        row.counts.as_ref().map(counted).unwrap_or_default(),
        state.to_owned(),
        archive,
    ]
}
