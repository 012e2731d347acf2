//! What is wrong with the configuration. Every problem is collected; none ends the search.

use crate::model::{Diagnostic, Place, Severity};

/// Who says it, in reports of `check`.
const SETTINGS: &str = "settings";

/// A setting that stops the command.
pub(super) fn error(message: impl Into<String>, place: Option<Place>) -> Diagnostic {
    Diagnostic::new(SETTINGS, Severity::Bug, place.unwrap_or_default(), message)
}

/// What is said while the command goes on.
pub(super) fn warning(message: impl Into<String>, place: Option<Place>) -> Diagnostic {
    Diagnostic::new(SETTINGS, Severity::Warning, place.unwrap_or_default(), message)
}
