//! What a lint says: a diagnostic that carries the lint's id.

pub use crate::model::{Diagnostic as Finding, Severity};
