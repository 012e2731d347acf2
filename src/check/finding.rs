//! What a lint says.

use serde::Serialize;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; never fails `check`.
    Info,
    /// Likely to hurt; fails `check`.
    Warning,
    /// Certainly wrong: an alert cannot fire, cannot arrive, or lies; fails `check`.
    Bug,
}

/// One finding. The JSON shape (`id, severity, file, line, column, message, alert, fix`) is fixed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The lint's id, which is also its file name under `src/check/lints/`.
    pub id: &'static str,
    pub severity: Severity,
    /// The path as seen from the working directory; `<embedded>/…` for shipped defaults.
    pub file: String,
    /// 1-based; 0 where the finding concerns the whole file.
    pub line: usize,
    /// 1-based, in characters; 0 likewise.
    pub column: usize,
    /// What is wrong, with the evidence.
    pub message: String,
    /// The alert or panel concerned.
    pub alert: Option<String>,
    /// What to write instead.
    pub fix: Option<String>,
}
