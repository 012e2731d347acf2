//! `rate` takes every fall of a gauge for a restart.

use crate::analysis::contract::MetricType;
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::formats::promql::{Expr, Kind, Selector};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "rate-of-gauge",
    severity: Severity::Bug,
    doc: "`rate` or `increase` of a gauge, or `delta` of a counter.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    rule.tree.walk(&mut |node| {
        let Some((function, [arg, ..])) = node.as_call() else { return };
        let is_rate = matches!(function, "rate" | "irate" | "increase");
        if is_rate && is_sum_of_counters(rule, arg) {
            let message = format!(
                "a sum of counters falls when one of them restarts: `{function}` takes that for a restart of all and counts them again"
            );
            let finding = rule.in_expr(&LINT, node.at, message).severity(Severity::Warning);
            out.push(finding.fix(format!("`{function}` first, then add up: `sum({function}(…))`")));
            return;
        }
        let Some(series) = series(arg).and_then(|selector| rule.view.known(selector)) else { return };
        let name = series.family_name;
        match (function, series.kind()) {
            (_, MetricType::Gauge) if is_rate => {
                let message = format!("`{name}` is a gauge: `{function}` takes every fall of it for a restart and counts the whole value again");
                out.push(rule.in_expr(&LINT, node.at, message).fix("use `delta`, `deriv` or `changes`"));
            }
            ("delta" | "idelta" | "deriv" | "predict_linear", MetricType::Counter) => {
                let message = format!("`{name}` is a counter: `{function}` does not see its resets, so a restart looks like a fall");
                out.push(rule.in_expr(&LINT, node.at, message).severity(Severity::Warning).fix("use `increase` or `rate`"));
            }
            _ => {}
        }
    });
}

/// The selector of a range or of a subquery.
fn series(arg: &Expr) -> Option<&Selector> {
    match &arg.kind {
        Kind::Selector(selector) => Some(selector),
        Kind::Subquery { inner, .. } => inner.as_selector(),
        _ => None,
    }
}

/// Over a subquery, or over what a rule recorded.
fn is_sum_of_counters(rule: &RuleView<'_>, arg: &Expr) -> bool {
    let is_sum = |expr: &Expr| {
        let Kind::Aggregate { op, inner, .. } = &expr.kind else { return false };
        let counter = |selector: &Selector| {
            rule.view.known(selector).is_some_and(|series| series.kind() == MetricType::Counter)
        };
        *op == "sum" && inner.as_selector().is_some_and(counter)
    };
    match &arg.kind {
        Kind::Subquery { inner, .. } => is_sum(inner),
        Kind::Selector(selector) => {
            let recordings = selector.name.as_deref().and_then(|name| rule.view.recordings.get(name));
            recordings.into_iter().flatten().any(|(_, rule)| rule.tree.as_ref().is_ok_and(is_sum))
        }
        _ => false,
    }
}
