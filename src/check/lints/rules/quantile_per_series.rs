//! A quantile for each path, method and status is one alert for each of them.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::formats::promql::Kind;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "quantile-per-series",
    severity: Severity::Warning,
    doc: "`histogram_quantile` without an aggregation, for every combination of the metric's labels.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    if !rule.rule.is_alert() {
        return;
    }
    rule.tree.walk(&mut |node| {
        let Some(("histogram_quantile", args)) = node.as_call() else { return };
        let Some(buckets) = args.last() else { return };
        if buckets.any(&|inner| matches!(inner.kind, Kind::Aggregate { .. })) {
            return;
        }
        for (_, selector) in buckets.selectors() {
            let Some(series) = rule.view.known(selector) else { continue };
            let own: Vec<_> = series
                .label_names()
                .filter(|label| *label != "le" && selector.pinned(label).is_none())
                .filter(|label| series.family.labels.get(*label).is_some_and(|values| values.len() > 1))
                .collect();
            if own.is_empty() {
                continue;
            }
            let message = format!(
                "a quantile for each combination of {}: few requests each, so noise, and one alert for each",
                own.join(", ")
            );
            let fix =
                "aggregate before: `histogram_quantile(0.95, sum by (job, instance, le) (rate(…[5m])))`";
            out.push(rule.in_expr(&LINT, node.at, message).fix(fix));
        }
    });
}
