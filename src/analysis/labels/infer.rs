//! The labels of a result from those of its selectors, as Prometheus's engine makes them.

use super::label_set::LabelSet;
use super::result_labels::ResultLabels;
use crate::formats::promql::{Binary, Cardinality, Expr, Grouping, Kind, MatchOp, Matching, Op, Selector};

/// The labels that can be there when nothing is known about the series.
pub fn output_labels(expr: &Expr) -> LabelSet {
    result_labels(expr, &|_| ResultLabels::unknown()).possible
}

/// The labels of a result, given those of each selector's series.
pub fn result_labels(expr: &Expr, known: &dyn Fn(&Selector) -> ResultLabels) -> ResultLabels {
    let labels = |inner: &Expr| result_labels(inner, known);
    match &expr.kind {
        Kind::Number(_) | Kind::Text(_) => ResultLabels::none(),
        Kind::Selector(selector) => selected(selector, known(selector)),
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

/// What a matcher asks for, the series have. One that asks for a label which they never have selects
/// nothing, and is for others to report.
fn selected(selector: &Selector, series: ResultLabels) -> ResultLabels {
    selector.matchers.iter().fold(series, |labels, matcher| {
        let name = matcher.label.as_str();
        match (matcher.op, matcher.value.as_str()) {
            _ if name == "__name__" || !labels.possible.may_have(name) => labels,
            (MatchOp::Equal | MatchOp::Matches, "") => labels.without(name),
            (MatchOp::Equal, _) | (MatchOp::NotEqual, "") | (MatchOp::Matches, ".+") => labels.with(name),
            _ => labels,
        }
    })
}

/// True for what picks series and does not merge them.
fn picks(op: &str) -> bool {
    matches!(op, "topk" | "bottomk" | "limitk" | "limit_ratio")
}

fn aggregated(op: &str, param: Option<&Expr>, inner: ResultLabels, grouping: &Grouping) -> ResultLabels {
    if picks(op) {
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

fn called(function: &str, args: &[Expr], known: &dyn Fn(&Selector) -> ResultLabels) -> ResultLabels {
    let vector = || {
        args.iter()
            .find(|arg| !arg.is_scalar())
            .map_or_else(ResultLabels::none, |arg| result_labels(arg, known))
    };
    match function {
        "absent" | "absent_over_time" => args.first().map_or_else(ResultLabels::none, absent),
        // What the pattern leaves of a value may be nothing, and an empty label is none.
        "label_replace" | "label_join" => match args.get(1).map(|arg| &arg.kind) {
            Some(Kind::Text(label)) => vector().with_possible(label),
            _ => ResultLabels::unknown(),
        },
        "histogram_quantile" | "histogram_fraction" => vector().without("le"),
        "scalar" | "vector" => ResultLabels::none(),
        // These add labels that only the data knows.
        "info" => vector().with_any(),
        "histogram_quantiles" => ResultLabels::unknown(),
        _ => vector(),
    }
}

/// `absent` invents a series from the equality matchers of its selector, as far as those are the only ones
/// of their label.
fn absent(arg: &Expr) -> ResultLabels {
    let Some(selector) = arg.as_selector() else { return ResultLabels::none() };
    let alone = |label: &str| selector.matchers.iter().filter(|m| m.label == label).count() == 1;
    let kept = selector.matchers.iter().filter(|m| m.op == MatchOp::Equal && !m.value.is_empty());
    ResultLabels::exactly(kept.map(|m| m.label.as_str()).filter(|label| alone(label)))
}

fn joined(binary: &Binary, lhs: ResultLabels, rhs: ResultLabels) -> ResultLabels {
    match binary.op {
        Op::Or => return lhs.or(rhs),
        Op::And | Op::Unless => return lhs,
        Op::Trim => return ResultLabels::unknown(),
        _ => {}
    }
    // What has no partner takes part with the labels that it is matched by.
    let certain = |labels: ResultLabels| {
        if binary.fills { ResultLabels::maybe(labels.possible) } else { labels }
    };
    certain(match (&binary.cardinality, &binary.matching) {
        (Cardinality::GroupLeft(copied), _) => grouped(lhs, &rhs, copied),
        (Cardinality::GroupRight(copied), _) => grouped(rhs, &lhs, copied),
        // Both sides agree on what they are matched by, so what is known of either is known.
        (Cardinality::OneToOne, Matching::On(labels)) => lhs.keep(labels).and(rhs.keep(labels)),
        (Cardinality::OneToOne, Matching::Ignoring(labels)) => lhs.drop_all(labels).and(rhs.drop_all(labels)),
        (Cardinality::OneToOne, Matching::All) => lhs.and(rhs),
    })
}

/// The labels of the "many" side, some taken from the other one: what that lacks is removed.
fn grouped(many: ResultLabels, one: &ResultLabels, copied: &[String]) -> ResultLabels {
    copied.iter().fold(many, |labels, label| labels.with_that_of(one, label))
}
