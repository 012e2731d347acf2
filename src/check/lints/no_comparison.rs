//! An alert fires for every series that its expression returns; something must filter them.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::check::promql::{Expr, Kind, Op};

pub(super) const LINT: Lint = Lint {
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
    if filters(rule, rule.tree) || looks_for_existence(rule) {
        return;
    }
    let message = if rule.tree.any(&|node| node.as_binary().is_some_and(|binary| binary.returns_bool)) {
        "a comparison with `bool` returns 0 or 1 instead of filtering: the alert always fires".to_owned()
    } else {
        "nothing is compared: the alert fires for every series of the expression, whatever its value"
            .to_owned()
    };
    let mut first = rule.tree.at;
    rule.tree.walk(&mut |node| first = first.min(node.at));
    out.push(rule.in_expr(&LINT, first, message).fix("compare with a threshold, such as `… > 0`"));
}

/// `broken_index{name=~".*ccnew.*"}`: where the matchers pick what is wrong, existing is enough.
fn looks_for_existence(rule: &RuleView<'_>) -> bool {
    let Kind::Selector(selector) = &rule.tree.kind else { return false };
    let picks = |label: &str| !matches!(label, "job" | "instance" | "__name__");
    rule.view.known(selector).is_none() && selector.matchers.iter().any(|matcher| picks(&matcher.label))
}

fn filters(rule: &RuleView<'_>, expr: &Expr) -> bool {
    expr.any(&|node| match &node.kind {
        Kind::Binary(binary) => {
            (binary.op.is_comparison() && !binary.returns_bool)
                || matches!(binary.op, Op::And | Op::Unless | Op::Trim)
        }
        Kind::Call { function, .. } => function.starts_with("absent"),
        // A recorded series may exist only while its own expression is true; `ALERTS` always does so.
        Kind::Selector(selector) => selector.name.as_deref().is_none_or(|name| {
            name.starts_with("ALERTS") || name.contains(':') || rule.view.recorded.contains_key(name)
        }),
        _ => false,
    })
}
