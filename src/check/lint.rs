//! What a lint is, and what it is shown.

pub use crate::analysis::view::{RuleView, View};

use crate::check::finding::{Finding, Severity};
use crate::formats::yaml::scalar::Scalar;
use crate::formats::yaml::source::{Position, Source};
use crate::model::Place;

/// One lint; its id is also the name of its file, of its corpus folder and of its line in the docs.
#[derive(Debug)]
pub struct Lint {
    pub id: &'static str,
    pub severity: Severity,
    /// One sentence: what it finds.
    pub doc: &'static str,
    pub run: Run,
}

/// How a lint is called.
#[derive(Debug)]
pub enum Run {
    /// Once for each rule whose expression could be read.
    Rule(fn(&RuleView<'_>, &mut Vec<Finding>)),
    /// Once for everything.
    All(fn(&View<'_>, &mut Vec<Finding>)),
    /// Not run by itself: raised while reading.
    Reading,
}

impl Lint {
    /// A finding at a place, with the lint's own severity.
    pub fn at(&self, source: &Source, position: Position, message: String) -> Finding {
        let place =
            Place { file: source.path.clone(), line: position.line, column: position.column, length: 0 };
        Finding::new(self.id, self.severity, place, message)
    }
}

impl RuleView<'_> {
    /// A finding at byte `at` of the expression.
    pub fn in_expr(&self, lint: &Lint, at: usize, message: String) -> Finding {
        self.in_scalar(lint, &self.rule.expr, at, message)
    }

    /// A finding at byte `at` of one of the rule's texts.
    pub fn in_scalar(&self, lint: &Lint, scalar: &Scalar, at: usize, message: String) -> Finding {
        self.named(lint.at(&self.file.source, scalar.place_of(&self.file.source, at), message))
    }

    /// A finding about the rule as a whole.
    pub fn on_rule(&self, lint: &Lint, message: String) -> Finding {
        self.named(lint.at(&self.file.source, self.rule.name.place(&self.file.source), message))
    }

    fn named(&self, finding: Finding) -> Finding {
        if self.rule.is_alert() { finding.alert(&self.rule.name.value) } else { finding }
    }
}
