//! `histogram_quantile` needs the label `le`.

use crate::analysis::contract::MetricType;
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run, View};
use crate::formats::promql::Expr;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "quantile-without-le",
    severity: Severity::Bug,
    doc: "`histogram_quantile` over series from which the label `le` was aggregated away.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    rule.tree.walk(&mut |node| {
        if let Some((at, message, fix)) = mistake(rule.view, node) {
            out.push(rule.in_expr(&LINT, at, message).fix(fix));
        }
    });
}

/// Where it is, what is wrong and what to write.
pub(in crate::check::lints) fn mistake(
    view: &View<'_>,
    node: &Expr,
) -> Option<(usize, String, &'static str)> {
    let (function @ ("histogram_quantile" | "histogram_fraction"), args) = node.as_call()? else {
        return None;
    };
    let buckets = args.last()?;
    if view.labels_of(buckets).may_have("le") || !is_classic(view, buckets) {
        return None;
    }
    let message =
        format!("the label `le` is aggregated away before `{function}`: the result is always empty");
    Some((buckets.at, message, "keep the buckets apart: `sum by (le, …) (rate(…_bucket[5m]))`"))
}

/// A native histogram has no `le` and needs none.
fn is_classic(view: &View<'_>, buckets: &Expr) -> bool {
    buckets.selectors().iter().any(|(_, selector)| {
        let named = selector
            .name
            .as_deref()
            .is_some_and(|name| name.ends_with("_bucket") || name.contains("_bucket:"));
        named || view.known(selector).is_some_and(|series| series.family.kind == MetricType::Histogram)
    })
}
