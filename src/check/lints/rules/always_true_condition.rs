//! A condition that every value satisfies filters nothing.

use crate::analysis::conditions;
use crate::analysis::value_analysis::{self, Interval, ValueSet};
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::formats::promql::{Binary, Expr, Kind, Op};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "always-true-condition",
    severity: Severity::Warning,
    doc: "The only condition of an alert is true whatever the value, so the alert fires as soon as its series exist.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    let Some(binary) = rule.tree.as_binary().filter(|binary| is_filter(binary)) else { return };
    let scalar_first = binary.lhs.is_scalar();
    let (value, threshold) =
        if scalar_first { (&binary.rhs, &binary.lhs) } else { (&binary.lhs, &binary.rhs) };
    let op = if scalar_first { binary.op.mirrored() } else { binary.op };
    if value_analysis::fills(rule.tree) || !rule.rule.is_alert() || !threshold.is_scalar() {
        return;
    }
    if let Some((at, message)) = filled_up(rule, value, op, threshold) {
        let fix = "write `or on () vector(…)`, which adds it only where there is nothing else";
        out.push(rule.in_expr(&LINT, at, message).severity(Severity::Bug).fix(fix));
        return;
    }
    if filters(value) || asks_for_presence(value) {
        return;
    }
    let values = value_analysis::values(rule.view, value);
    // Of one value only, such as that of `absent` or `vector`, existing is what is meant.
    let Some(span) = values.span.filter(|span| span.only().is_none() && *span != Interval::ALL) else {
        return;
    };
    if values.always(op, value_analysis::values(rule.view, threshold)) {
        let message = format!(
            "`{}` {}, so `{} {}` is always true: the alert fires for every series",
            value_analysis::named(value),
            value_analysis::range(span),
            value_analysis::symbol(op),
            value_analysis::named(threshold)
        );
        let fix = "compare with a value that tells good from bad".to_owned();
        out.push(rule.in_expr(&LINT, conditions::first_offset(threshold), message).fix(fix));
    }
}

/// `(sum by (service) (…) or vector(0)) < 5`: the series of `vector` has no labels, so it stands beside the
/// others instead of in their place, and passes.
fn filled_up(rule: &RuleView<'_>, value: &Expr, op: Op, threshold: &Expr) -> Option<(usize, String)> {
    let or = value.as_binary().filter(|binary| binary.op == Op::Or)?;
    let ("vector", [filled]) = or.rhs.as_call()? else { return None };
    let (filled, threshold) = (filled.constant()?, threshold.constant()?);
    let labels = rule.view.result_labels(&or.lhs);
    let label = labels.always().iter().find(|label| or.matches_by(label))?;
    let passes = ValueSet::exactly(filled).always(op, ValueSet::exactly(threshold));
    let message = format!(
        "the left side always has the label `{label}`, so `or` always adds `vector({filled})` as a series of its own, and {filled} {} {threshold}: the alert always fires",
        value_analysis::symbol(op)
    );
    passes.then_some((value.at, message))
}

fn is_filter(binary: &Binary) -> bool {
    binary.op.is_comparison() && !binary.returns_bool
}

/// Something inside is compared or joined, so not every series gets here.
fn filters(value: &Expr) -> bool {
    value.any(&|node| node.as_binary().is_some_and(|binary| binary.op.is_set() || is_filter(binary)))
}

/// `count(x) > 0` is how it is written that there are some.
fn asks_for_presence(value: &Expr) -> bool {
    value.any(&|node| match &node.kind {
        Kind::Aggregate { op, .. } => op.starts_with("count") || *op == "group",
        Kind::Call { function, .. } => function.starts_with("count") || function.starts_with("absent"),
        _ => false,
    })
}
