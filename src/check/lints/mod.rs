//! One file a lint. Adding one means adding its file and a line to [`ALL`].

mod not_linted;
mod unreadable_rules;

use super::lint::Lint;

/// Every lint, in the order of the documentation.
pub const ALL: &[&Lint] = &[&unreadable_rules::LINT, &not_linted::LINT];
