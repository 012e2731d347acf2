//! A counter's value is the sum since its process started; only its growth means something.

use crate::check::contract::MetricType;
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::check::promql::{Expr, Kind, Selector};
use crate::check::shape;

pub(super) const LINT: Lint = Lint {
    id: "raw-counter",
    severity: Severity::Bug,
    doc: "A counter is compared with a number without `rate` or `increase`.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    if !rule.rule.is_alert() {
        return;
    }
    for condition in shape::conditions(rule.tree).iter().filter(|condition| !condition.guarded) {
        let Some((at, selector)) = instant(condition.value) else { continue };
        let counter = rule.view.known(selector).is_some_and(|series| series.kind() == MetricType::Counter);
        if !counter || selector.shifted {
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

/// The series whose value itself is compared.
fn instant(value: &Expr) -> Option<(usize, &Selector)> {
    let (core, _) = shape::core(value);
    match &core.kind {
        Kind::Selector(selector) => selector.range.is_none().then_some((core.at, selector)),
        Kind::Aggregate { op, inner, .. } if *op == "sum" => instant(inner),
        _ => None,
    }
}
