//! What quantiles can say of their histograms.

use crate::analysis::conditions;
use crate::analysis::contract::MetricType;
use crate::analysis::view::View;
use crate::formats::promql::Expr;

/// The highest finite bucket of the histogram behind a quantile.
pub fn top_bound(view: &View<'_>, expr: &Expr) -> Option<f64> {
    let recorded = expr.as_selector().and_then(|selector| selector.name.as_deref());
    if let Some([(_, recording)]) = recorded.and_then(|name| view.recordings.get(name)).map(Vec::as_slice) {
        let (inner, factor) = conditions::core(recording.tree.as_ref().ok()?);
        // A recorded quantile; a chain of them is not followed.
        return inner.as_call().and_then(|_| top_bound(view, inner)).map(|top| top * factor);
    }
    let ("histogram_quantile", args) = expr.as_call()? else { return None };
    let selectors = args.last()?.selectors();
    let [(_, selector)] = selectors.as_slice() else { return None };
    view.known(selector)?.top_finite_bound()
}

/// A quantile over buckets without `le`: where it is, what is wrong and what to write.
pub fn without_le(view: &View<'_>, node: &Expr) -> Option<(usize, String, &'static str)> {
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
