//! What is wrong with the configuration, with its place. Every problem is collected; none ends the search.

/// A problem stops the command; a warning is said and the command goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Warning,
    Error,
}

/// A place in a file. Line and column are 1-based; 0 means the file as a whole.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// As the user knows it.
    pub file: String,
    pub line: usize,
    pub column: usize,
    /// Characters to underline.
    pub length: usize,
}

/// One thing that is wrong. The text never holds a secret's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub severity: Severity,
    pub message: String,
    pub place: Option<Place>,
    pub hint: Option<String>,
}

impl Problem {
    pub fn error(message: impl Into<String>, place: Option<Place>) -> Self {
        Self { severity: Severity::Error, message: message.into(), place, hint: None }
    }

    pub fn warning(message: impl Into<String>, place: Option<Place>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message, place) }
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
