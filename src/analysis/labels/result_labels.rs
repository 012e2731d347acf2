//! The labels of a result, known from both sides.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::label_set::LabelSet;

/// Whether the elements of a result have a label, with a value that is not empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    Always,
    /// Only the data knows, or some have it.
    Maybe,
    Never,
}

/// What is known of the labels of a result; the metric's name is never counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultLabels {
    /// Every element has these. Shared like those of [`LabelSet::Only`].
    always: Arc<BTreeSet<String>>,
    /// No element has any other.
    pub possible: LabelSet,
}

impl ResultLabels {
    /// Nothing is known.
    pub fn unknown() -> Self {
        Self::maybe(LabelSet::any())
    }

    /// At most these.
    pub fn maybe(possible: LabelSet) -> Self {
        Self { always: Arc::default(), possible }
    }

    /// Exactly these.
    pub fn exactly<S: Into<String>>(labels: impl IntoIterator<Item = S>) -> Self {
        let always: Arc<BTreeSet<String>> = Arc::new(labels.into_iter().map(Into::into).collect());
        Self { possible: LabelSet::Only(always.clone()), always }
    }

    /// No labels at all.
    pub fn none() -> Self {
        Self::exactly::<String>([])
    }

    /// What every element has.
    pub fn always(&self) -> &BTreeSet<String> {
        &self.always
    }

    /// Whether the results have the label.
    pub fn presence(&self, label: &str) -> Presence {
        if !self.possible.may_have(label) {
            Presence::Never
        } else if self.always.contains(label) {
            Presence::Always
        } else {
            Presence::Maybe
        }
    }

    /// Every element has exactly the same labels.
    pub fn is_exact(&self) -> bool {
        matches!(&self.possible, LabelSet::Only(possible)
            if Arc::ptr_eq(possible, &self.always) || possible.is_subset(&self.always))
    }

    /// Each element has the label, whatever it had before.
    #[must_use]
    pub fn with(mut self, label: &str) -> Self {
        if !self.always.contains(label) {
            Arc::make_mut(&mut self.always).insert(label.to_owned());
            self.possible = self.possible.with(label);
        }
        self
    }

    /// Some may have the label.
    #[must_use]
    pub fn with_possible(mut self, label: &str) -> Self {
        self.forget(label);
        self.possible = self.possible.with(label);
        self
    }

    /// There may be more, of any name.
    #[must_use]
    pub(super) fn with_any(self) -> Self {
        Self { possible: LabelSet::any(), ..self }
    }

    /// What is left when the label is taken away.
    #[must_use]
    pub fn without(mut self, label: &str) -> Self {
        self.forget(label);
        self.possible = self.possible.without(label);
        self
    }

    /// As some other result has the label.
    #[must_use]
    pub(super) fn with_that_of(self, other: &Self, label: &str) -> Self {
        match other.presence(label) {
            Presence::Always => self.with(label),
            Presence::Maybe => self.with_possible(label),
            Presence::Never => self.without(label),
        }
    }

    fn forget(&mut self, label: &str) {
        if self.always.contains(label) {
            Arc::make_mut(&mut self.always).remove(label);
        }
    }

    /// Both bounds in one set where they are the same.
    #[must_use]
    pub fn shared(mut self) -> Self {
        if let (true, LabelSet::Only(possible)) = (self.is_exact(), &self.possible) {
            self.always = possible.clone();
        }
        self
    }

    #[must_use]
    pub(super) fn keep(self, wanted: &[String]) -> Self {
        let exact = self.is_exact();
        let possible = self.possible.keep(wanted);
        let always = match &possible {
            LabelSet::Only(kept) if exact => kept.clone(),
            _ => Arc::new(wanted.iter().filter(|label| self.always.contains(*label)).cloned().collect()),
        };
        Self { always, possible }
    }

    #[must_use]
    pub(super) fn drop_all(self, unwanted: &[String]) -> Self {
        unwanted.iter().fold(self, |labels, label| labels.without(label))
    }

    /// An element of either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let always = if Arc::ptr_eq(&self.always, &other.always) || self.always.is_subset(&other.always) {
            self.always
        } else {
            Arc::new(self.always.intersection(&other.always).cloned().collect())
        };
        Self { always, possible: self.possible.union(other.possible) }
    }

    /// Elements of which both is known.
    #[must_use]
    pub(super) fn and(self, other: Self) -> Self {
        let always = if Arc::ptr_eq(&self.always, &other.always) || other.always.is_subset(&self.always) {
            self.always
        } else {
            Arc::new(self.always.union(&other.always).cloned().collect())
        };
        Self { always, possible: self.possible.intersection(other.possible) }
    }
}
