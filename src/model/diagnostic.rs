//! One thing that is wrong in a file or a setting: where, how bad, what, and what to write instead. Lints,
//! validators, settings and templates all say it in this form; only `report` turns it into text.

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; never fails a command.
    Info,
    /// Likely to hurt; fails `check`, and other commands say it and go on.
    Warning,
    /// Certainly wrong: an alert cannot fire, cannot arrive, or lies; or the settings cannot be used.
    Bug,
}

/// A place in a file that the user knows. The default is no place at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// The path as seen from the working directory; `<embedded>/…` for shipped defaults.
    pub file: String,
    /// 1-based; 0 where the file as a whole is meant.
    pub line: usize,
    /// 1-based, in characters; 0 likewise.
    pub column: usize,
    /// Characters to underline; 0 where the reader of the place should take the word that begins there.
    #[serde(skip)]
    pub length: usize,
}

impl Place {
    /// The file as a whole.
    pub fn file(file: impl Into<String>) -> Self {
        Self { file: file.into(), ..Self::default() }
    }

    /// True when there is a file to look into.
    pub fn is_known(&self) -> bool {
        !self.file.is_empty()
    }
}

/// One thing that is wrong, with its evidence in the message. It never holds a secret's value. The JSON shape
/// (`id, severity, file, line, column, message, alert, fix`) is fixed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The lint's id, which is also its file name under `src/check/lints/`; else who says it.
    pub id: &'static str,
    pub severity: Severity,
    #[serde(flatten)]
    pub place: Place,
    /// What is wrong, with the evidence.
    pub message: String,
    /// The alert or panel concerned.
    pub alert: Option<String>,
    /// What to write instead, or to do.
    pub fix: Option<String>,
}

impl Diagnostic {
    /// Without an alert and without a fix.
    pub fn new(id: &'static str, severity: Severity, place: Place, message: impl Into<String>) -> Self {
        Self { id, severity, place, message: message.into(), alert: None, fix: None }
    }

    /// The same with what to write instead.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    /// The same with the alert or panel that it is about.
    #[must_use]
    pub fn alert(mut self, name: &str) -> Self {
        self.alert = Some(name.to_owned());
        self
    }

    /// The same with another severity.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// The order in which diagnostics are shown: file by file, from top to bottom.
    pub fn order(&self) -> (&Place, &'static str, &str) {
        (&self.place, self.id, &self.message)
    }
}
