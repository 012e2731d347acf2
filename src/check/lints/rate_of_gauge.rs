//! `rate` takes every fall of a gauge for a restart.

use crate::check::contract::MetricType;
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};

pub(super) const LINT: Lint = Lint {
    id: "rate-of-gauge",
    severity: Severity::Bug,
    doc: "`rate` or `increase` of a gauge, or `delta` of a counter.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    rule.tree.walk(&mut |node| {
        let Some((function, [arg, ..])) = node.as_call() else { return };
        let Some(series) = arg.as_selector().and_then(|selector| rule.view.known(selector)) else { return };
        let name = series.family_name;
        match (function, series.kind()) {
            ("rate" | "irate" | "increase", MetricType::Gauge) => {
                let message = format!("`{name}` is a gauge: `{function}` takes every fall of it for a restart and counts the whole value again");
                out.push(rule.in_expr(&LINT, node.at, message).fix("use `delta`, `deriv` or `changes`"));
            }
            ("delta" | "idelta" | "deriv", MetricType::Counter) => {
                let message = format!("`{name}` is a counter: `{function}` does not see its resets, so a restart looks like a fall");
                out.push(rule.in_expr(&LINT, node.at, message).severity(Severity::Warning).fix("use `increase` or `rate`"));
            }
            _ => {}
        }
    });
}
