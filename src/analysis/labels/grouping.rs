//! What tells the series of a result apart, where the expression says so itself.

use crate::analysis::conditions;
use crate::formats::promql::{Expr, Grouping, Kind};

/// The labels that the series of an alert are explicitly grouped by: nothing else tells them apart.
pub fn explicit_grouping(expr: &Expr) -> Option<&[String]> {
    match &conditions::value(expr).kind {
        Kind::Aggregate { op, .. } if matches!(*op, "topk" | "bottomk" | "limitk" | "count_values") => None,
        Kind::Aggregate { grouping: Grouping::By(labels), .. } => Some(labels),
        Kind::Binary(binary) if binary.op.is_arithmetic() => {
            explicit_grouping(if binary.lhs.is_scalar() { &binary.rhs } else { &binary.lhs })
        }
        Kind::Call { function: "label_replace" | "label_join" | "info", .. } => None,
        Kind::Call { args, .. } => explicit_grouping(args.iter().find(|arg| !arg.is_scalar())?),
        _ => None,
    }
}
