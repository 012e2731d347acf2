//! Whether two expressions are one, and whether their elements find each other.

use crate::analysis::labels::{LabelSet, output_labels};
use crate::formats::promql::{Binary, Cardinality, Expr, Grouping, Kind, Matching};

/// The same expression, wherever it is written. Where the tree does not tell (how far something is shifted
/// in time, or how its range is extended), it is not.
pub(super) fn same(a: &Expr, b: &Expr) -> bool {
    match (&a.kind, &b.kind) {
        (Kind::Number(a), Kind::Number(b)) => a.to_bits() == b.to_bits(),
        (Kind::Text(a), Kind::Text(b)) => a == b,
        (Kind::Selector(a), Kind::Selector(b)) => {
            !a.is_shifted()
                && !a.extended
                && a.name == b.name
                && a.range == b.range
                && !b.is_shifted()
                && !b.extended
                && a.matchers.len() == b.matchers.len()
                && a.matchers.iter().zip(&b.matchers).all(|(a, b)| a.same(b))
        }
        (Kind::Call { function: f, args: a }, Kind::Call { function: g, args: b }) => {
            f == g && a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (
            Kind::Aggregate { op, param, inner, grouping },
            Kind::Aggregate { op: other_op, param: other_param, inner: other, grouping: other_grouping },
        ) => {
            let params = match (param, other_param) {
                (Some(param), Some(other)) => same(param, other),
                (param, other) => param.is_none() && other.is_none(),
            };
            op == other_op && grouping == other_grouping && params && same(inner, other)
        }
        (Kind::Binary(a), Kind::Binary(b)) => {
            a.op == b.op
                && a.returns_bool == b.returns_bool
                && a.matching == b.matching
                && a.cardinality == b.cardinality
                && a.fills == b.fills
                && same(&a.lhs, &b.lhs)
                && same(&a.rhs, &b.rhs)
        }
        (Kind::Negate(a), Kind::Negate(b)) => same(a, b),
        _ => false,
    }
}

/// No two elements have the same labels when the metric's name is left out, as it is when sides are matched.
pub(super) fn is_unique(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Number(_) | Kind::Text(_) => true,
        Kind::Selector(selector) => selector.name.is_some(),
        Kind::Call { function, args } => {
            let function: &str = function;
            !matches!(function, "label_replace" | "label_join" | "info" | "histogram_quantiles")
                && args.iter().all(is_unique)
        }
        Kind::Aggregate { op, inner, grouping, .. } => {
            let op: &str = op;
            match grouping {
                _ if matches!(op, "topk" | "bottomk" | "limitk" | "limit_ratio") => is_unique(inner),
                Grouping::By(labels) => labels.iter().all(|label| label != "__name__"),
                Grouping::Without(_) => true,
            }
        }
        Kind::Binary(binary) => {
            binary.cardinality == Cardinality::OneToOne && is_unique(&binary.lhs) && is_unique(&binary.rhs)
        }
        Kind::Subquery { inner, .. } | Kind::Negate(inner) => is_unique(inner),
    }
}

/// Matched elements of both sides have the very same labels.
pub(super) fn matches_exactly(binary: &Binary) -> bool {
    binary.cardinality == Cardinality::OneToOne
        && match &binary.matching {
            Matching::All => true,
            Matching::On(labels) => [&binary.lhs, &binary.rhs].into_iter().all(|side| {
                matches!(output_labels(side), LabelSet::Only(kept) if kept.iter().all(|l| labels.contains(l)))
            }),
            Matching::Ignoring(labels) => [&binary.lhs, &binary.rhs].into_iter().all(|side| {
                let kept = output_labels(side);
                labels.iter().all(|label| !kept.may_have(label))
            }),
        }
}

/// Both sides are one expression, and each of its elements meets itself.
pub(super) fn pairs_with_itself(binary: &Binary) -> bool {
    matches_exactly(binary) && same(&binary.lhs, &binary.rhs) && is_unique(&binary.lhs)
}
