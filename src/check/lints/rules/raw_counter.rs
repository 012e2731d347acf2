//! A counter's value is the sum since its process started; only its growth means something.

use crate::analysis::conditions;
use crate::analysis::contract::MetricType;
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::formats::promql::{Expr, Kind, Op, Selector};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "raw-counter",
    severity: Severity::Bug,
    doc: "A counter is compared with a number without `rate` or `increase`.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    if !rule.rule.is_alert() {
        return;
    }
    for condition in conditions::conditions(rule.tree) {
        if let Some(finding) = lifetime_share(rule, condition.value) {
            out.push(finding);
            continue;
        }
        let Some((at, selector)) = instant(condition.value) else { continue };
        if !is_counter(rule, selector) || selector.is_shifted() || condition.guarded && grows(rule, selector)
        {
            continue;
        }
        let name = selector.name.as_deref().unwrap_or_default();
        let message = format!(
            "`{name}` is a counter: it only grows until its process restarts, so once true this stays true, and a restart hides it"
        );
        out.push(
            rule.in_expr(&LINT, at, message).fix(format!("use `increase({name}[5m])` or `rate({name}[5m])`")),
        );
    }
}

fn is_counter(rule: &RuleView<'_>, selector: &Selector) -> bool {
    rule.view.known(selector).is_some_and(|series| series.kind() == MetricType::Counter)
}

/// The rule looks at the growth of this counter too, and asks here whether there is enough of it.
fn grows(rule: &RuleView<'_>, selector: &Selector) -> bool {
    let of_range = |other: &Selector| other.range.is_some() || other.is_shifted();
    rule.tree.selectors().iter().any(|(_, other)| other.name == selector.name && of_range(other))
}

/// `sum(x{status="failed"}) / sum(x)`: the share of all that ever happened.
fn lifetime_share(rule: &RuleView<'_>, value: &Expr) -> Option<Finding> {
    let (core, _) = conditions::core(value);
    let binary = core.as_binary().filter(|binary| binary.op == Op::Div)?;
    let ((at, part), (_, whole)) = (instant(&binary.lhs)?, instant(&binary.rhs)?);
    if ![part, whole].into_iter().all(|selector| is_counter(rule, selector) && !selector.is_shifted()) {
        return None;
    }
    let name = part.name.as_deref().unwrap_or_default();
    let message = format!(
        "`{name}` is a counter: this is the share since each process started, which a new failure hardly moves"
    );
    let fix = "take `rate(…[5m])` on both sides, inside the sums";
    Some(rule.in_expr(&LINT, at, message).severity(Severity::Warning).fix(fix))
}

/// The series whose value itself is compared.
fn instant(value: &Expr) -> Option<(usize, &Selector)> {
    let (core, _) = conditions::core(value);
    match &core.kind {
        // A range is left only by functions that give back one of its values, or their mean.
        Kind::Selector(selector) => Some((core.at, selector)),
        Kind::Aggregate { op, inner, .. } if *op == "sum" => instant(inner),
        Kind::Binary(binary) if binary.op == Op::Or && is_vector(&binary.rhs) => instant(&binary.lhs),
        Kind::Binary(binary) if matches!(binary.op, Op::Add | Op::Sub) && binary.rhs.constant().is_some() => {
            instant(&binary.lhs)
        }
        _ => None,
    }
}

fn is_vector(expr: &Expr) -> bool {
    expr.as_call().is_some_and(|(function, _)| function == "vector")
}
