//! The program's error: what failed, the chain of causes once, hints, and the exit code.

use std::fmt;

use crate::engine::{EngineError, ErrorKind, ExecOutput};
use crate::model::{Hint, ServiceKind};
use crate::net::NetError;
use crate::store::StoreError;
use crate::store::archive::ArchiveError;
use crate::store::incoming::IncomingError;
use crate::store::lock::LockError;

/// The documented exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    Done = 0,
    Failed = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// The engine cannot be reached or is too old.
    Engine = 3,
    /// A service did not become healthy in time.
    Unhealthy = 4,
    /// Another run holds the lock.
    Locked = 5,
    /// `check`, `test-rules`, `drill` or `doctor` found problems.
    Findings = 6,
    /// Stopped by a signal, as shells expect of Ctrl-C.
    Interrupted = 130,
}

/// What a command ends with when it does not succeed.
#[derive(Debug)]
pub struct Error {
    pub code: ExitCode,
    /// What failed, on what.
    pub message: String,
    /// Why: the chain of sources, outermost first.
    pub causes: Vec<String>,
    pub hints: Vec<String>,
    /// Evidence that is more than a sentence: log lines, excerpts. Printed as it is.
    pub evidence: String,
    /// Further failures of the same command, for example of other services.
    pub others: Vec<Error>,
    /// What kind of failure of the engine it was, when it was one.
    pub engine_kind: Option<ErrorKind>,
    /// What a service's official tool said of the files that it refused, with their paths in the container.
    pub refusal: Option<Box<(ServiceKind, ExecOutput)>>,
}

impl Error {
    /// An error without causes and hints so far.
    pub fn new(code: ExitCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            causes: Vec::new(),
            hints: Vec::new(),
            evidence: String::new(),
            others: Vec::new(),
            engine_kind: None,
            refusal: None,
        }
    }

    /// Several failures of one command: the first one leads, equal ones are said once.
    pub fn all(errors: Vec<Self>) -> Option<Self> {
        let mut distinct: Vec<Self> = Vec::new();
        for error in errors {
            if !distinct.iter().any(|known| known.message == error.message && known.causes == error.causes) {
                distinct.push(error);
            }
        }
        let mut distinct = distinct.into_iter();
        let first = distinct.next()?;
        Some(Self { others: distinct.collect(), ..first })
    }

    /// The same with a hint; said once however often it is added.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        let hint = hint.into();
        if !self.hints.contains(&hint) {
            self.hints.push(hint);
        }
        self
    }

    /// The same with more than a sentence: log lines, an excerpt.
    #[must_use]
    pub fn evidence(mut self, evidence: impl Into<String>) -> Self {
        self.evidence = evidence.into();
        self
    }

    fn of(code: ExitCode, error: &(impl std::error::Error + Hint)) -> Self {
        let mut wrapped = Self::new(code, plain(&error.to_string()));
        wrapped.causes = chain(error);
        wrapped.hints = error.hint().into_iter().collect();
        wrapped
    }
}

/// A text without the numbers that Rust puts behind the system's words: ` (os error 2)`.
pub fn plain(text: &str) -> String {
    let mut text = text.to_owned();
    while let Some(at) = text.find(NUMBER) {
        let digits = text[at + NUMBER.len()..].find(')');
        let Some(end) = digits.map(|length| at + NUMBER.len() + length) else { break };
        text.replace_range(at..=end, "");
    }
    text
}

const NUMBER: &str = " (os error ";

/// An error with its sources, in one line.
pub fn in_full(error: &dyn std::error::Error) -> String {
    std::iter::once(plain(&error.to_string())).chain(chain(error)).collect::<Vec<_>>().join(": ")
}

/// The sources of an error, without those that only repeat the one before.
pub fn chain(error: &dyn std::error::Error) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = plain(&cause.to_string());
        if causes.last() != Some(&text) {
            causes.push(text);
        }
        source = cause.source();
    }
    causes
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for cause in &self.causes {
            write!(f, "\n  because: {cause}")?;
        }
        Ok(())
    }
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        let code = if error.is_engine_down() { ExitCode::Engine } else { ExitCode::Failed };
        Self { engine_kind: Some(error.kind.clone()), ..Self::of(code, &error) }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::of(ExitCode::Failed, &error)
    }
}

impl From<ArchiveError> for Error {
    fn from(error: ArchiveError) -> Self {
        Self::of(ExitCode::Failed, &error)
    }
}

impl From<IncomingError> for Error {
    fn from(error: IncomingError) -> Self {
        Self::of(ExitCode::Failed, &error)
    }
}

impl From<NetError> for Error {
    fn from(error: NetError) -> Self {
        Self::of(ExitCode::Failed, &error)
    }
}

impl From<LockError> for Error {
    fn from(error: LockError) -> Self {
        let code = if matches!(error, LockError::Held { .. }) { ExitCode::Locked } else { ExitCode::Failed };
        Self::of(code, &error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_words_come_without_rusts_numbers() {
        let error = std::io::Error::from_raw_os_error(2);
        assert_eq!(plain(&error.to_string()), "No such file or directory");
        assert_eq!(plain("a (os error 1): b (os error 22)"), "a: b");
        assert_eq!(plain("a (os error"), "a (os error");
        assert_eq!(plain("a (os error 1"), "a (os error 1");
    }
}
