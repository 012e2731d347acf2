//! A set of label names that is known from above.

use std::collections::BTreeSet;
use std::sync::Arc;

/// The labels that can survive; the metric's name is never counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelSet {
    /// At most these. Shared: thousands of selectors have the labels of the same few metrics.
    Only(Arc<BTreeSet<String>>),
    /// Whatever the series have, except these.
    AllBut(BTreeSet<String>),
}

impl LabelSet {
    /// Every label there is.
    pub const fn any() -> Self {
        Self::AllBut(BTreeSet::new())
    }

    /// No label.
    pub fn none() -> Self {
        Self::Only(Arc::default())
    }

    /// These labels and no others.
    pub fn only<S: Into<String>>(labels: impl IntoIterator<Item = S>) -> Self {
        Self::Only(Arc::new(labels.into_iter().map(Into::into).collect()))
    }

    /// False only when the label certainly is not there.
    pub fn may_have(&self, label: &str) -> bool {
        match self {
            Self::Only(labels) => labels.contains(label),
            Self::AllBut(labels) => !labels.contains(label),
        }
    }

    /// The same set, and this label.
    #[must_use]
    pub fn with(mut self, label: &str) -> Self {
        match &mut self {
            Self::Only(labels) if labels.contains(label) => {}
            Self::Only(labels) => {
                Arc::make_mut(labels).insert(label.to_owned());
            }
            Self::AllBut(labels) => {
                labels.remove(label);
            }
        }
        self
    }

    /// The same set without this label.
    #[must_use]
    pub fn without(mut self, label: &str) -> Self {
        match &mut self {
            Self::Only(labels) if !labels.contains(label) => {}
            Self::Only(labels) => {
                Arc::make_mut(labels).remove(label);
            }
            Self::AllBut(labels) => {
                labels.insert(label.to_owned());
            }
        }
        self
    }

    #[must_use]
    pub(super) fn keep(self, wanted: &[String]) -> Self {
        Self::only(wanted.iter().filter(|label| self.may_have(label)))
    }

    /// The labels that are in one of the two.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        match (self, other) {
            (Self::Only(a), Self::Only(b)) if a.is_superset(&b) => Self::Only(a),
            (Self::Only(a), Self::Only(b)) => Self::only(a.union(&b)),
            (Self::AllBut(a), Self::AllBut(b)) => Self::AllBut(a.intersection(&b).cloned().collect()),
            (Self::Only(only), Self::AllBut(but)) | (Self::AllBut(but), Self::Only(only)) => {
                Self::AllBut(but.difference(&only).cloned().collect())
            }
        }
    }

    #[must_use]
    pub(super) fn intersection(self, other: Self) -> Self {
        match (self, other) {
            (Self::AllBut(a), Self::AllBut(b)) => Self::AllBut(a.union(&b).cloned().collect()),
            (Self::Only(only), other) | (other, Self::Only(only)) => {
                if only.iter().all(|label| other.may_have(label)) {
                    return Self::Only(only);
                }
                Self::only(only.iter().filter(|label| other.may_have(label)))
            }
        }
    }
}
