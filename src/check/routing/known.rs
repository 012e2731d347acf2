//! What is known of an alert's labels before it fires.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::alertmanager::{Matcher, matcher};
use crate::check::promql::MatchOp;

/// What is known of one label's value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Known {
    /// One of these; the empty text stands for "the alert does not have it".
    OneOf(BTreeSet<String>),
    /// The alert has it, with a value that only the data knows.
    Present,
    /// Not even that.
    Unknown,
}

/// Whether something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    Never,
    /// It depends on values that only the data knows.
    Maybe,
    Always,
}

impl Certainty {
    /// Both happen.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.min(other)
    }

    /// At least one of them happens.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.max(other)
    }

    #[must_use]
    pub const fn not(self) -> Self {
        match self {
            Self::Never => Self::Always,
            Self::Maybe => Self::Maybe,
            Self::Always => Self::Never,
        }
    }

    pub fn is_possible(self) -> bool {
        self > Self::Never
    }
}

impl Known {
    pub fn exactly(value: impl Into<String>) -> Self {
        Self::OneOf(BTreeSet::from([value.into()]))
    }

    pub fn absent() -> Self {
        Self::exactly("")
    }

    pub fn is_absent(&self) -> bool {
        self.value() == Some("")
    }

    /// The alert certainly has the label.
    pub fn is_present(&self) -> bool {
        match self {
            Self::OneOf(values) => !values.contains(""),
            Self::Present => true,
            Self::Unknown => false,
        }
    }

    /// The only possible value.
    pub fn value(&self) -> Option<&str> {
        match self {
            Self::OneOf(values) if values.len() == 1 => values.first().map(String::as_str),
            _ => None,
        }
    }

    /// What is known when it is one or the other.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::OneOf(mut a), Self::OneOf(b)) => {
                a.extend(b);
                Self::OneOf(a)
            }
            (a, b) if a.is_present() && b.is_present() => Self::Present,
            _ => Self::Unknown,
        }
    }

    /// What is known when both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::OneOf(a), Self::OneOf(b)) => {
                let both: BTreeSet<_> = a.intersection(&b).cloned().collect();
                // A contradiction: the alert cannot fire, and nothing is claimed about it.
                if both.is_empty() { Self::OneOf(a) } else { Self::OneOf(both) }
            }
            (Self::OneOf(mut values), Self::Present) | (Self::Present, Self::OneOf(mut values)) => {
                if values.len() > 1 {
                    values.remove("");
                }
                Self::OneOf(values)
            }
            (known, Self::Unknown) | (Self::Unknown, known) => known,
            (Self::Present, Self::Present) => Self::Present,
        }
    }

    /// Whether a matcher takes it.
    pub fn matched_by(&self, matcher: &Matcher) -> Certainty {
        if matcher.matches_everything() {
            return Certainty::Always;
        }
        match self {
            Self::OneOf(values) => {
                let results: BTreeSet<_> = values.iter().map(|value| matcher.matches(value)).collect();
                match (results.len(), results.first()) {
                    (1, Some(Some(true))) => Certainty::Always,
                    (1, Some(Some(false))) => Certainty::Never,
                    _ => Certainty::Maybe,
                }
            }
            Self::Present if matcher.matches_any_value() => Certainty::Always,
            Self::Present if matcher.op == MatchOp::Equal && matcher.value.is_empty() => Certainty::Never,
            Self::Present | Self::Unknown => Certainty::Maybe,
        }
    }

    /// Whether two labels have the same value, as `equal` of an inhibition compares them.
    pub fn equals(&self, other: &Self) -> Certainty {
        match (self, other) {
            (Self::OneOf(a), Self::OneOf(b)) => match (a.intersection(b).count(), a.len(), b.len()) {
                (0, ..) => Certainty::Never,
                (1, 1, 1) => Certainty::Always,
                _ => Certainty::Maybe,
            },
            (Self::Present, other) | (other, Self::Present) if other.is_absent() => Certainty::Never,
            _ => Certainty::Maybe,
        }
    }
}

/// An alert's labels; one that is not listed is `others`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    listed: BTreeMap<String, Known>,
    others: Known,
}

impl Labels {
    /// Every value is known, and there are no more labels.
    pub fn exact<K: Into<String>, V: Into<String>>(labels: impl IntoIterator<Item = (K, V)>) -> Self {
        let listed =
            labels.into_iter().map(|(label, value)| (label.into(), Known::exactly(value))).collect();
        Self { listed, others: Known::absent() }
    }

    pub fn new(listed: BTreeMap<String, Known>, others: Known) -> Self {
        Self { listed, others }
    }

    pub fn get(&self, label: &str) -> &Known {
        self.listed.get(label).unwrap_or(&self.others)
    }

    /// The labels that something is known of.
    pub fn listed(&self) -> impl Iterator<Item = (&str, &Known)> {
        self.listed.iter().map(|(label, known)| (label.as_str(), known))
    }

    pub fn matched_by<'m>(&self, matchers: impl IntoIterator<Item = &'m matcher::Matcher>) -> Certainty {
        matchers
            .into_iter()
            .map(|matcher| self.get(&matcher.label).matched_by(matcher))
            .fold(Certainty::Always, Certainty::and)
    }
}
