//! What people and programs see: progress on stderr, data on stdout.

pub mod backups;
pub mod diagnostic;
pub mod doctor;
pub mod drill;
pub mod events;
pub mod findings;
pub mod output;
pub mod overview;
pub mod progress;
pub mod routes;
pub mod rule_tests;
pub mod table;
pub mod updates;
pub mod words;

pub use events::{Event, Reporter};
pub use output::{Format, Output};
