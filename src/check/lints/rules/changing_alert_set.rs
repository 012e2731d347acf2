//! An alert over the largest series fires and resolves whenever the order among them changes.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::formats::promql::{Expr, Kind};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "changing-alert-set",
    severity: Severity::Warning,
    doc: "An alert on `topk`, `bottomk`, `limitk` or `count_values`: its alerts change with every evaluation.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    if !rule.rule.is_alert() {
        return;
    }
    let Some((node, op)) = chooser(rule.tree) else { return };
    let (what, fix) = if op == "count_values" {
        (
            "has a label with the value itself, so each new value is another alert",
            "compare the value, or count with `count(… == N)`",
        )
    } else {
        (
            "keeps other series at each evaluation, so alerts end and begin while nothing changes",
            "leave it out: the threshold decides, and the message can show the largest ones",
        )
    };
    out.push(rule.in_expr(&LINT, node.at, format!("`{op}` {what}")).fix(fix));
}

/// The aggregation whose series the alerts are.
fn chooser(expr: &Expr) -> Option<(&Expr, &'static str)> {
    match &expr.kind {
        Kind::Aggregate { op: op @ ("topk" | "bottomk" | "limitk" | "count_values"), .. } => Some((expr, op)),
        // The series of a comparison, of arithmetic with a number and of a filter are those of its left side.
        Kind::Binary(binary) if !matches!(binary.lhs.kind, Kind::Number(_)) => chooser(&binary.lhs),
        Kind::Negate(inner) => chooser(inner),
        _ => None,
    }
}
