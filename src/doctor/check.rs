//! What a diagnosis is, and what it says.

use std::fmt;

use serde::Serialize;

use crate::doctor::facts::{Asked, Facts, Target};
use crate::doctor::remedy::Remedy;

/// The part of the stack that a diagnosis is about; what depends on another comes after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Topic {
    Engine,
    Stack,
    Targets,
    Grafana,
    Alerts,
    Storage,
    Security,
}

impl Topic {
    /// Every topic; what depends on another comes after it.
    pub const ALL: [Self; 7] = [
        Self::Engine,
        Self::Stack,
        Self::Targets,
        Self::Grafana,
        Self::Alerts,
        Self::Storage,
        Self::Security,
    ];

    /// The word that is typed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::Stack => "stack",
            Self::Targets => "targets",
            Self::Grafana => "grafana",
            Self::Alerts => "alerts",
            Self::Storage => "storage",
            Self::Security => "security",
        }
    }

    /// The topic of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.name() == name)
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a check ended, from the best to the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    Ok,
    /// The question had no answer; `evidence` says why.
    CouldNotLook,
    Warning,
    Problem,
}

/// One answer. The JSON fields `id, verdict, what, evidence, cause, fix` are fixed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    pub id: &'static str,
    #[serde(skip)]
    pub topic: Topic,
    pub verdict: Verdict,
    /// What was looked at.
    pub what: String,
    /// What was seen.
    pub evidence: String,
    /// The likely cause; empty when all is well.
    pub cause: String,
    /// A command, or what to do; empty when all is well.
    pub fix: String,
    /// What `--fix` does about it.
    #[serde(skip)]
    pub remedy: Option<Remedy>,
}

/// What is wrong with one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub verdict: Verdict,
    /// What was looked at, when it is more particular than the diagnosis's own words.
    pub what: Option<String>,
    pub evidence: String,
    pub cause: String,
    pub fix: String,
    pub remedy: Option<Remedy>,
}

impl Trouble {
    /// Something that does not work.
    pub fn problem(evidence: impl Into<String>, cause: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Problem,
            what: None,
            evidence: evidence.into(),
            cause: cause.into(),
            fix: fix.into(),
            remedy: None,
        }
    }

    /// Something that may become a problem.
    pub fn warning(evidence: impl Into<String>, cause: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warning, ..Self::problem(evidence, cause, fix) }
    }

    /// The same, said of one particular thing.
    #[must_use]
    pub fn about(mut self, what: impl Into<String>) -> Self {
        self.what = Some(what.into());
        self
    }

    /// With what `--fix` does about it.
    #[must_use]
    pub fn mended_by(mut self, remedy: Remedy) -> Self {
        self.remedy = Some(remedy);
        self
    }
}

/// What a diagnosis found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There is nothing of the kind in this stack.
    NotApplicable,
    /// All is well: what was seen.
    Well(String),
    /// The question had no answer: why.
    Unknown(String),
    Wrong(Vec<Trouble>),
}

impl Outcome {
    /// Well when there is no trouble.
    pub fn of(troubles: Vec<Trouble>, well: impl Into<String>) -> Self {
        if troubles.is_empty() { Self::Well(well.into()) } else { Self::Wrong(troubles) }
    }
}

impl From<Trouble> for Outcome {
    fn from(trouble: Trouble) -> Self {
        Self::Wrong(vec![trouble])
    }
}

impl<T> Asked<T> {
    /// Decides on the answer, when there is one.
    pub fn then(&self, decide: impl FnOnce(&T) -> Outcome) -> Outcome {
        match self {
            Self::Answer(answer) => decide(answer),
            Self::Absent => Outcome::NotApplicable,
            Self::NoAnswer(reason) => Outcome::Unknown(reason.clone()),
        }
    }
}

/// One diagnosis; its id is also the name of its file.
#[derive(Debug)]
pub struct Diagnosis {
    pub id: &'static str,
    pub topic: Topic,
    /// What it looks at.
    pub what: &'static str,
    pub run: Run,
}

/// How a diagnosis is called.
#[derive(Debug)]
pub enum Run {
    Once(fn(&Facts) -> Outcome),
    /// For each target that cannot be scraped: of all that explain it, the first in the list counts.
    Target(fn(&Target, &Facts) -> Option<Trouble>),
}

impl Diagnosis {
    /// An answer with these words.
    pub fn check(&self, verdict: Verdict, evidence: String) -> Check {
        Check {
            id: self.id,
            topic: self.topic,
            verdict,
            what: self.what.to_owned(),
            evidence,
            cause: String::new(),
            fix: String::new(),
            remedy: None,
        }
    }

    /// The answer that says what is wrong.
    pub fn trouble(&self, trouble: Trouble) -> Check {
        Check {
            what: trouble.what.unwrap_or_else(|| self.what.to_owned()),
            cause: trouble.cause,
            fix: trouble.fix,
            remedy: trouble.remedy,
            ..self.check(trouble.verdict, trouble.evidence)
        }
    }

    /// The answers that an outcome comes to.
    pub fn checks(&self, outcome: Outcome) -> Vec<Check> {
        match outcome {
            Outcome::NotApplicable => Vec::new(),
            Outcome::Well(evidence) => vec![self.check(Verdict::Ok, evidence)],
            Outcome::Unknown(reason) => vec![self.check(Verdict::CouldNotLook, reason)],
            Outcome::Wrong(troubles) => troubles.into_iter().map(|trouble| self.trouble(trouble)).collect(),
        }
    }
}
