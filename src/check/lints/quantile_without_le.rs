//! `histogram_quantile` needs the label `le`.

use crate::check::contract::MetricType;
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::check::promql::Expr;

pub(super) const LINT: Lint = Lint {
    id: "quantile-without-le",
    severity: Severity::Bug,
    doc: "`histogram_quantile` over series from which the label `le` was aggregated away.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    rule.tree.walk(&mut |node| {
        let Some((function @ ("histogram_quantile" | "histogram_fraction"), args)) = node.as_call() else {
            return;
        };
        let Some(buckets) = args.last() else { return };
        if rule.view.labels_of(buckets).may_have("le") || !is_classic(rule, buckets) {
            return;
        }
        let message =
            format!("the label `le` is aggregated away before `{function}`: the result is always empty");
        out.push(
            rule.in_expr(&LINT, buckets.at, message)
                .fix("keep the buckets apart: `sum by (le, …) (rate(…_bucket[5m]))`"),
        );
    });
}

/// A native histogram has no `le` and needs none.
fn is_classic(rule: &RuleView<'_>, buckets: &Expr) -> bool {
    buckets.selectors().iter().any(|(_, selector)| {
        let named = selector
            .name
            .as_deref()
            .is_some_and(|name| name.ends_with("_bucket") || name.contains("_bucket:"));
        named || rule.view.known(selector).is_some_and(|series| series.family.kind == MetricType::Histogram)
    })
}
