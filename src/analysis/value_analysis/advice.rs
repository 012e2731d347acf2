//! Why a value cannot be what is asked for, and what was probably meant.

use super::describe::{named, symbol};
use super::equivalence::same;
use crate::formats::promql::{Expr, Grouping, Kind, Op};

/// Where the range of a value is from, to follow it; empty where that is plain.
pub(super) fn because(base: &Expr) -> &'static str {
    match &base.kind {
        Kind::Aggregate { op, .. } if op.starts_with("count") => ": a count of nothing is nothing, not 0",
        Kind::Call { function, .. } if function.starts_with("count") => {
            ": a count of nothing is nothing, not 0"
        }
        Kind::Call { function, .. } => match *function {
            "rate" | "irate" | "increase" => ": a counter that falls was reset, and counts on from 0",
            "absent" | "absent_over_time" | "present_over_time" => " where it returns anything",
            _ => "",
        },
        Kind::Aggregate { op, inner, .. } if *op == "sum" && is_filter(inner) => {
            ": only the values that pass the comparison are added up"
        }
        Kind::Binary(binary) if binary.returns_bool => ": a comparison with `bool` returns 0 or 1",
        Kind::Binary(binary) if binary.op == Op::Sub && same(&binary.lhs, &binary.rhs) => {
            ": each series is subtracted from itself"
        }
        _ => "",
    }
}

/// What to write instead of `base OP other`.
pub(super) fn instead(base: &Expr, op: Op, other: &Expr) -> String {
    let (sign, wanted) = (symbol(op), named(other));
    match &base.kind {
        Kind::Aggregate { op, inner, grouping, .. } if op.starts_with("count") => {
            let everything = matches!(grouping, Grouping::By(labels) if labels.is_empty());
            match inner.as_binary().filter(|_| is_filter(inner)) {
                Some(filter) => format!(
                    "add up what `bool` returns, which is 0 where nothing passes: `sum(… {} bool …) {sign} {wanted}`",
                    symbol(filter.op)
                ),
                _ if everything => format!("use `absent(…)`, or `(count(…) or vector(0)) {sign} {wanted}`"),
                _ => "use `absent(…)` for each one that must be there".to_owned(),
            }
        }
        Kind::Aggregate { op: sum, inner, .. } if &**sum == "sum" && is_filter(inner) => {
            format!("to know how many there are, use `count(…) {sign} {wanted}`")
        }
        Kind::Call { function, .. } if function.starts_with("count_over_time") => {
            "use `absent_over_time(…)`".to_owned()
        }
        Kind::Call { function, .. } if matches!(*function, "rate" | "irate" | "increase") => {
            "use `deriv(…)` or `delta(…)` if it is a gauge that may fall".to_owned()
        }
        _ => "compare with a value that it can have".to_owned(),
    }
}

pub(super) fn is_filter(expr: &Expr) -> bool {
    expr.as_binary().is_some_and(|binary| binary.op.is_comparison() && !binary.returns_bool)
}
