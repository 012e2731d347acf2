//! A condition that every value satisfies filters nothing.

use crate::analysis::conditions;
use crate::analysis::value_analysis::{self, Interval};
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::check::lints::rules::impossible_condition::untold;
use crate::formats::promql::{Binary, Expr, Kind};

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
    if value_analysis::fills(rule.tree)
        || !rule.rule.is_alert()
        || !threshold.is_scalar()
        || filters(value)
        || asks_for_presence(value)
    {
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
        let finding = rule.in_expr(&LINT, conditions::first_offset(threshold), message).fix(fix);
        out.extend(untold(rule, vec![finding]));
    }
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
