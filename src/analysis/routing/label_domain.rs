//! What is known of an alert's labels before it fires.

use super::string_set::StringSet;
use crate::formats::alertmanager::Matcher;

/// What is known of one label's value. The empty text stands for "the alert does not have it".
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum LabelDomain {
    /// One of these.
    OneOf(StringSet),
    /// Only the data knows, but it is none of these.
    NoneOf(StringSet),
}

/// Whether something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tristate {
    Never,
    /// It depends on values that only the data knows.
    Maybe,
    Always,
}

impl Tristate {
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

    /// The opposite.
    #[must_use]
    pub const fn not(self) -> Self {
        match self {
            Self::Never => Self::Always,
            Self::Maybe => Self::Maybe,
            Self::Always => Self::Never,
        }
    }

    /// True unless it never holds.
    pub fn is_possible(self) -> bool {
        self > Self::Never
    }
}

impl LabelDomain {
    /// One value, and it is known.
    pub fn exactly(value: impl Into<String>) -> Self {
        Self::OneOf(StringSet::one(value))
    }

    /// The alert does not have the label.
    pub fn absent() -> Self {
        Self::exactly("")
    }

    /// The alert has it, with a value that only the data knows.
    pub fn present() -> Self {
        Self::NoneOf(StringSet::one(""))
    }

    /// Nothing is known.
    pub const fn unknown() -> Self {
        Self::NoneOf(StringSet::new())
    }

    /// True where the alert certainly does not have the label.
    pub fn is_absent(&self) -> bool {
        self.value() == Some("")
    }

    /// The alert certainly has the label.
    pub fn is_present(&self) -> bool {
        match self {
            Self::OneOf(values) => !values.contains(""),
            Self::NoneOf(values) => values.contains(""),
        }
    }

    /// The only possible value.
    pub fn value(&self) -> Option<&str> {
        match self {
            Self::OneOf(values) if values.len() == 1 => values.iter().next(),
            _ => None,
        }
    }

    /// What is known when it is one or the other.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::OneOf(a), Self::OneOf(b)) => Self::OneOf(a.union(b)),
            (Self::NoneOf(a), Self::NoneOf(b)) => Self::NoneOf(a.intersection(&b)),
            (Self::OneOf(a), Self::NoneOf(b)) | (Self::NoneOf(b), Self::OneOf(a)) => {
                Self::NoneOf(b.without(&a))
            }
        }
    }

    /// What is known when both hold. What contradicts itself cannot be: the wider claim is kept.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::OneOf(a), Self::OneOf(b)) => {
                Self::OneOf(if a.shared(&b) == 0 { a } else { a.intersection(&b) })
            }
            (Self::NoneOf(a), Self::NoneOf(b)) => Self::NoneOf(a.union(b)),
            (Self::OneOf(a), Self::NoneOf(b)) | (Self::NoneOf(b), Self::OneOf(a)) => {
                if a.is_subset(&b) {
                    Self::NoneOf(b)
                } else {
                    Self::OneOf(a.without(&b))
                }
            }
        }
    }

    /// Whether a matcher takes it.
    pub fn matched_by(&self, matcher: &Matcher) -> Tristate {
        if matcher.matches_everything() {
            return Tristate::Always;
        }
        match self {
            Self::OneOf(values) => {
                // Thousands of alerts ask: no collection.
                let mut results = values.iter().map(|value| matcher.matches(value));
                let first = results.next().flatten();
                match first {
                    Some(first) if results.all(|result| result == Some(first)) => {
                        if first {
                            Tristate::Always
                        } else {
                            Tristate::Never
                        }
                    }
                    _ => Tristate::Maybe,
                }
            }
            Self::NoneOf(excluded) => {
                let all_excluded = |values: Option<Vec<&str>>| {
                    values.is_some_and(|v| v.iter().all(|v| excluded.contains(v)))
                };
                if all_excluded(matcher.values()) {
                    Tristate::Never
                } else if all_excluded(matcher.excluded()) || self.is_present() && matcher.matches_any_value()
                {
                    Tristate::Always
                } else {
                    Tristate::Maybe
                }
            }
        }
    }

    /// Whether two labels have the same value, as `equal` of an inhibition compares them.
    pub fn equals(&self, other: &Self) -> Tristate {
        match (self, other) {
            (Self::OneOf(a), Self::OneOf(b)) => match (a.shared(b), a.len(), b.len()) {
                (0, ..) => Tristate::Never,
                (1, 1, 1) => Tristate::Always,
                _ => Tristate::Maybe,
            },
            (Self::OneOf(a), Self::NoneOf(b)) | (Self::NoneOf(b), Self::OneOf(a)) if a.is_subset(b) => {
                Tristate::Never
            }
            _ => Tristate::Maybe,
        }
    }
}

/// An alert's labels; one that is not listed is `others`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels {
    /// Sorted by name.
    listed: Vec<(String, LabelDomain)>,
    others: LabelDomain,
}

impl Labels {
    /// Every value is known, and there are no more labels.
    pub fn exact<K: Into<String>, V: Into<String>>(labels: impl IntoIterator<Item = (K, V)>) -> Self {
        let mut exact = Self::new(LabelDomain::absent());
        labels.into_iter().for_each(|(label, value)| exact.set(&label.into(), LabelDomain::exactly(value)));
        exact
    }

    /// Nothing is listed yet.
    pub const fn new(others: LabelDomain) -> Self {
        Self { listed: Vec::new(), others }
    }

    fn position(&self, label: &str) -> Result<usize, usize> {
        self.listed.binary_search_by(|(own, _)| own.as_str().cmp(label))
    }

    /// What is known of a label.
    pub fn get(&self, label: &str) -> &LabelDomain {
        self.position(label).map_or(&self.others, |at| &self.listed[at].1)
    }

    /// The last word on a label.
    pub fn set(&mut self, label: &str, known: LabelDomain) {
        match self.position(label) {
            Ok(at) => self.listed[at].1 = known,
            Err(at) => self.listed.insert(at, (label.to_owned(), known)),
        }
    }

    /// True when the alert may have labels that are not listed.
    pub fn may_have_others(&self) -> bool {
        !self.others.is_absent()
    }

    /// The labels that something is known of.
    pub fn listed(&self) -> impl Iterator<Item = (&str, &LabelDomain)> {
        self.listed.iter().map(|(label, known)| (label.as_str(), known))
    }

    /// Whether all the matchers match.
    pub fn matched_by<'m>(&self, matchers: impl IntoIterator<Item = &'m Matcher>) -> Tristate {
        matchers
            .into_iter()
            .map(|matcher| self.get(&matcher.label).matched_by(matcher))
            .fold(Tristate::Always, Tristate::and)
    }
}
