//! Lints: one file each. Pure: they judge facts that were gathered before.

pub mod finding;

pub use finding::{Finding, Severity};
