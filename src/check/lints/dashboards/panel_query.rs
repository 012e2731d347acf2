//! A query that Grafana shows without an error, and that says nothing: the mistakes of rules, in panels.

use crate::analysis::labels::match_cardinality;
use crate::analysis::value_analysis::{self, Never};
use crate::analysis::{one_sided_match, quantiles};
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::dashboard::Query;
use crate::formats::promql::Expr;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "panel-query",
    severity: Severity::Bug,
    doc: "A panel shows a share that is always 1, a quantile without `le`, or what never returns anything.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    for dashboard in view.facts.dashboards.iter().flatten() {
        for (panel, query) in dashboard.queries() {
            let (Some(panel), Ok(tree)) = (panel, &query.tree) else { continue };
            let found = mistakes(view, query, tree);
            out.extend(found.into_iter().map(|Mistake { at, what, fix }| {
                let offset = dashboard.source.offset(query.place(&dashboard.source, at));
                dashboard.on(&LINT, panel, offset, &what).fix(fix)
            }));
        }
    }
}

struct Mistake {
    at: usize,
    what: String,
    fix: String,
}

fn mistakes(view: &View<'_>, query: &Query, tree: &Expr) -> Vec<Mistake> {
    let mut found = Vec::new();
    tree.walk(&mut |node| {
        let share = one_sided_match::mistake(view, node).map(|(what, fix)| (node.at, what, fix));
        let quantile = quantiles::without_le(view, node);
        let here = share.or_else(|| quantile.map(|(at, what, fix)| (at, what, fix.to_owned())));
        found.extend(here.map(|(at, what, fix)| Mistake { at, what, fix }));
    });
    found.extend(refused(view, query, tree));
    let never = nothing(view, query).filter(|never| found.iter().all(|mistake| mistake.at != never.at));
    found.extend(never);
    found
}

/// With a variable it may be that only one series of each group is chosen.
fn refused(view: &View<'_>, query: &Query, tree: &Expr) -> Vec<Mistake> {
    let mut found = Vec::new();
    if !query.is_narrowed_by_variables() {
        tree.walk(&mut |node| {
            let refusal = node.as_binary().and_then(|binary| match_cardinality::refused(view, binary));
            found.extend(refusal.map(|(why, fix)| {
                let what = format!("{why}, and the panel shows its error");
                Mistake { at: node.at, what, fix }
            }));
        });
    }
    found
}

fn nothing(view: &View<'_>, query: &Query) -> Option<Mistake> {
    let tree = query.tree_for_any_choice()?;
    let Never { at, why, fix } = value_analysis::never(view, &tree)?;
    Some(Mistake { at, what: format!("{why}: the query never returns anything"), fix })
}
