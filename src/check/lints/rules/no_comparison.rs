//! An alert fires for every series that its expression returns; something must filter them.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::formats::promql::{Expr, Kind, Op, Selector};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "no-comparison",
    severity: Severity::Bug,
    doc: "The expression of an alert filters nothing, so the alert fires as soon as its series exist.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    // `vector(1)` is how a watchdog is written: it is meant to fire always.
    if !rule.rule.is_alert() || rule.tree.selectors().is_empty() {
        return;
    }
    if side_filters(rule, rule.tree) {
        return;
    }
    let returns_bool = rule.tree.any(&|node| node.as_binary().is_some_and(|binary| binary.returns_bool));
    let (at, message) = if let Some(at) = unfiltered_side(rule, rule.tree) {
        (at, "this side of `or` filters nothing, so the alert fires also while the other side is quiet")
    } else if returns_bool {
        (
            first_offset(rule.tree),
            "a comparison with `bool` returns 0 or 1 instead of filtering: the alert always fires",
        )
    } else {
        (
            first_offset(rule.tree),
            "nothing is compared: the alert fires for every series of the expression, whatever its value",
        )
    };
    let finding = rule.in_expr(&LINT, at, message.to_owned());
    out.push(finding.fix("compare with a threshold, such as `… > 0`"));
}

fn first_offset(expr: &Expr) -> usize {
    let mut first = expr.at;
    expr.walk(&mut |node| first = first.min(node.at));
    first
}

/// `broken_index{name=~".*ccnew.*"}`: where the matchers pick what is wrong, existing is enough.
fn looks_for_existence(rule: &RuleView<'_>, selector: &Selector) -> bool {
    let picks = |label: &str| !matches!(label, "job" | "instance" | "__name__");
    rule.view.known(selector).is_none() && selector.matchers.iter().any(|matcher| picks(&matcher.label))
}

/// Whether the result can be empty while the series that it reads are there.
fn filters(rule: &RuleView<'_>, expr: &Expr) -> bool {
    let of = |inner: &Expr| filters(rule, inner);
    match &expr.kind {
        Kind::Number(_) | Kind::Text(_) => false,
        Kind::Binary(binary) => match binary.op {
            Op::Or => side_filters(rule, &binary.lhs) && side_filters(rule, &binary.rhs),
            Op::And | Op::Unless | Op::Trim => true,
            op if op.is_comparison() && !binary.returns_bool => true,
            _ => of(&binary.lhs) || of(&binary.rhs),
        },
        Kind::Call { function, args } => match *function {
            // One number, whatever happens.
            "vector" | "scalar" | "time" => false,
            function => function.starts_with("absent") || args.iter().any(of),
        },
        Kind::Aggregate { inner, .. } | Kind::Negate(inner) | Kind::Subquery { inner, .. } => of(inner),
        // A recorded series may exist only while its own expression is true; `ALERTS` always does so.
        Kind::Selector(selector) => selector.name.as_deref().is_none_or(|name| {
            name.starts_with("ALERTS") || name.contains(':') || rule.view.recorded.contains_key(name)
        }),
    }
}

/// The whole expression, or one side of an `or`.
fn side_filters(rule: &RuleView<'_>, expr: &Expr) -> bool {
    let exists = expr.as_selector().is_some_and(|selector| looks_for_existence(rule, selector));
    exists || filters(rule, expr)
}

/// The side of an `or` that filters nothing although the other one does.
fn unfiltered_side(rule: &RuleView<'_>, expr: &Expr) -> Option<usize> {
    let Kind::Binary(binary) = &expr.kind else {
        let mut found = None;
        expr.children(&mut |child| found = found.or_else(|| unfiltered_side(rule, child)));
        return found;
    };
    let sides = [&binary.lhs, &binary.rhs];
    if binary.op != Op::Or {
        return sides.into_iter().find_map(|side| unfiltered_side(rule, side));
    }
    match sides.map(|side| side_filters(rule, side)) {
        [true, false] => unfiltered_side(rule, &binary.rhs).or_else(|| Some(first_offset(&binary.rhs))),
        [false, true] => unfiltered_side(rule, &binary.lhs).or_else(|| Some(first_offset(&binary.lhs))),
        _ => None,
    }
}
