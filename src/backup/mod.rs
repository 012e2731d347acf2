//! What a backup of Grafana is: its manifest, what goes in and what stays out, what makes it sound, and
//! which backups are kept. Pure; streams and files are `store::archive` and `apply::backup`.

pub mod contents;
pub mod entries;
pub mod manifest;
pub mod names;
pub mod restorable;
pub mod retention;

pub use manifest::{BackupManifest, Counts, FileEntry, Layout};
