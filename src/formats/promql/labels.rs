//! Which labels the result of an expression can carry.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::formats::promql::ast::{
    Binary, Cardinality, Expr, Grouping, Kind, MatchOp, Matching, Op, Selector,
};

/// The labels that can survive; the metric's name is never counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LabelSet {
    /// At most these. Shared: thousands of selectors have the labels of the same few metrics.
    Only(Arc<BTreeSet<String>>),
    /// Whatever the series have, except these.
    AllBut(BTreeSet<String>),
}

impl LabelSet {
    pub const fn any() -> Self {
        Self::AllBut(BTreeSet::new())
    }

    pub fn none() -> Self {
        Self::Only(Arc::default())
    }

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

    fn keep(self, wanted: &[String]) -> Self {
        Self::only(wanted.iter().filter(|label| self.may_have(label)))
    }

    fn drop_all(self, unwanted: &[String]) -> Self {
        unwanted.iter().fold(self, |set, label| set.without(label))
    }

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

    fn intersection(self, other: Self) -> Self {
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

/// The labels of a result when nothing is known about the series.
pub fn output_labels(expr: &Expr) -> LabelSet {
    output_labels_with(expr, &|_| LabelSet::any())
}

/// The labels of a result, given those of each selector's series.
pub fn output_labels_with(expr: &Expr, known: &dyn Fn(&Selector) -> LabelSet) -> LabelSet {
    let labels = |inner: &Expr| output_labels_with(inner, known);
    match &expr.kind {
        Kind::Number(_) | Kind::Text(_) => LabelSet::none(),
        Kind::Selector(selector) => known(selector),
        Kind::Negate(inner) | Kind::Subquery { inner, .. } => labels(inner),
        Kind::Aggregate { op, param, inner, grouping } => {
            aggregated(op, param.as_deref(), labels(inner), grouping)
        }
        Kind::Call { function, args } => called(function, args, known),
        Kind::Binary(binary) if binary.lhs.is_scalar() => labels(&binary.rhs),
        Kind::Binary(binary) if binary.rhs.is_scalar() => labels(&binary.lhs),
        Kind::Binary(binary) => joined(binary, labels(&binary.lhs), labels(&binary.rhs)),
    }
}

fn aggregated(op: &str, param: Option<&Expr>, inner: LabelSet, grouping: &Grouping) -> LabelSet {
    // These pick series, they do not merge them.
    if matches!(op, "topk" | "bottomk" | "limitk" | "limit_ratio") {
        return inner;
    }
    let kept = match grouping {
        Grouping::By(labels) => inner.keep(labels),
        Grouping::Without(labels) => inner.drop_all(labels),
    };
    match param.map(|param| &param.kind) {
        Some(Kind::Text(label)) if op == "count_values" => kept.with(label),
        _ => kept,
    }
}

fn called(function: &str, args: &[Expr], known: &dyn Fn(&Selector) -> LabelSet) -> LabelSet {
    let vector = || {
        args.iter()
            .find(|arg| !arg.is_scalar())
            .map_or_else(LabelSet::none, |arg| output_labels_with(arg, known))
    };
    let target = || match args.get(1).map(|arg| &arg.kind) {
        Some(Kind::Text(label)) => vector().with(label),
        _ => LabelSet::any(),
    };
    match function {
        "absent" | "absent_over_time" => args.first().map_or_else(LabelSet::none, absent),
        "label_replace" | "label_join" => target(),
        "histogram_quantile" | "histogram_fraction" => vector().without("le"),
        "scalar" | "vector" => LabelSet::none(),
        // These add labels that only the data knows.
        "info" | "histogram_quantiles" => LabelSet::any(),
        _ => vector(),
    }
}

/// `absent` invents a series from the equality matchers of its selector.
fn absent(arg: &Expr) -> LabelSet {
    let Some(selector) = arg.as_selector() else { return LabelSet::none() };
    LabelSet::only(selector.matchers.iter().filter(|m| m.op == MatchOp::Equal).map(|m| m.label.as_str()))
}

fn joined(binary: &Binary, lhs: LabelSet, rhs: LabelSet) -> LabelSet {
    match binary.op {
        Op::Or => return lhs.union(rhs),
        Op::And | Op::Unless => return lhs,
        Op::Trim => return LabelSet::any(),
        _ => {}
    }
    match (&binary.cardinality, &binary.matching) {
        (Cardinality::GroupLeft(extra), _) => extra.iter().fold(lhs, |set, label| set.with(label)),
        (Cardinality::GroupRight(extra), _) => extra.iter().fold(rhs, |set, label| set.with(label)),
        (Cardinality::OneToOne, Matching::On(labels)) => lhs.intersection(rhs).keep(labels),
        (Cardinality::OneToOne, Matching::Ignoring(labels)) => lhs.drop_all(labels),
        (Cardinality::OneToOne, Matching::All) => lhs.intersection(rhs),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::formats::promql::parse;

    fn of(text: &str) -> LabelSet {
        output_labels(&parse(text).unwrap())
    }

    #[test]
    fn says_which_labels_survive() {
        let cases = [
            ("x", LabelSet::any()),
            ("sum(x)", LabelSet::none()),
            ("sum by (a, b) (x) > 1", LabelSet::only(["a", "b"])),
            ("sum without (a) (x)", LabelSet::any().without("a")),
            ("sum by (a, b) (sum by (b, c) (x))", LabelSet::only(["b"])),
            ("topk(3, x) by (a)", LabelSet::any()),
            ("histogram_quantile(0.9, sum by (le, a) (rate(x_bucket[5m])))", LabelSet::only(["a"])),
            ("absent(up{job=\"a\", b=~\"c\"})", LabelSet::only(["job"])),
            ("sum by (a) (x) / on (a) group_left (c) sum by (a) (y)", LabelSet::only(["a", "c"])),
            ("x / on (a) y", LabelSet::only(["a"])),
            ("x and on (a) y", LabelSet::any()),
            ("sum by (a) (x) or sum by (b) (x)", LabelSet::only(["a", "b"])),
            ("label_replace(sum(x), \"n\", \"$1\", \"o\", \"(.*)\")", LabelSet::only(["n"])),
            ("count_values(\"v\", x)", LabelSet::only(["v"])),
            ("vector(1)", LabelSet::none()),
            ("time() - x > 3", LabelSet::any()),
            ("max_over_time(sum by (a) (x)[5m:1m])", LabelSet::only(["a"])),
        ];
        for (text, expected) in cases {
            assert_eq!(of(text), expected, "{text}");
        }
    }
}
