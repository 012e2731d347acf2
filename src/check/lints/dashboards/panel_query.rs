//! A query that Grafana shows without an error, and that says nothing: the mistakes of rules, in panels.

use crate::analysis::{one_sided_match, quantiles};
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "panel-query",
    severity: Severity::Bug,
    doc: "A panel shows a share that is always 1, a quantile without `le`, or sides that never match.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    for dashboard in view.facts.dashboards.iter().flatten() {
        for (panel, query) in dashboard.queries() {
            let (Some(panel), Ok(tree)) = (panel, &query.tree) else { continue };
            tree.walk(&mut |node| {
                let share = one_sided_match::mistake(view, node).map(|(what, fix)| (node.at, what, fix));
                let quantile = quantiles::without_le(view, node);
                let found = share.or_else(|| quantile.map(|(at, what, fix)| (at, what, fix.to_owned())));
                let Some((at, what, fix)) = found else { return };
                let offset = dashboard.source.offset(query.place(&dashboard.source, at));
                out.push(dashboard.on(&LINT, panel, offset, &what).fix(fix));
            });
        }
    }
}
