//! What `check` found, as text, JSON, SARIF and GitHub annotations.

pub mod github;
pub mod json;
pub mod sarif;
pub mod text;

use std::collections::BTreeMap;

use crate::check::gather::Counts;
use crate::check::{Finding, Severity};

/// Everything that a report tells.
#[derive(Debug, Default)]
pub struct CheckReport {
    pub findings: Vec<Finding>,
    /// Texts of the files, for excerpts.
    pub sources: BTreeMap<String, String>,
    pub counts: Counts,
    /// Why promtool and amtool were not asked; `None` when they were.
    pub validators_not_run: Option<String>,
    /// What is worth knowing and is no fault of any file.
    pub notes: Vec<String>,
}

impl CheckReport {
    /// `run`, or `not run: …`: what the JSON and SARIF forms hold.
    pub fn validator_status(&self) -> String {
        self.validators_not_run
            .as_ref()
            .map_or_else(|| "run".to_owned(), |reason| format!("not run: {reason}"))
    }

    /// How many findings have this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// True when something is a bug or likely to hurt; infos never fail a check.
    pub fn fails(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity > Severity::Info)
    }
}

/// The word of a severity, as JSON has it.
pub const fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Bug => "bug",
        Severity::Warning => "warning",
        Severity::Info => "info",
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::Place;

    pub(crate) fn report() -> CheckReport {
        let finding = |id, severity, line, message: &str| {
            let place = Place { line, column: line.min(1) * 9, ..Place::file("rules/a b.yml") };
            Finding::new(id, severity, place, message).alert("Up, down").fix("write it")
        };
        CheckReport {
            findings: vec![
                finding("ratio-without-sum", Severity::Bug, 2, "always 1,\n100%"),
                finding("zero-for", Severity::Warning, 0, "no hold"),
                finding("not-linted", Severity::Info, 1, "newer syntax"),
            ],
            sources: [("rules/a b.yml".to_owned(), "groups:\n  expr: rate(x[5m])\n".to_owned())].into(),
            validators_not_run: Some("no engine".to_owned()),
            notes: vec!["nobody is notified".to_owned()],
            ..CheckReport::default()
        }
    }
}
