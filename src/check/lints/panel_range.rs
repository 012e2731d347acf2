//! A graph whose `rate` has a fixed range misses data when zoomed out, and is empty when scrapes are slow.

use std::time::Duration;

use crate::check::dashboard::{Panel, VARIABLE_RANGE};
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::check::promql::{Expr, Kind, Selector};

pub(super) const LINT: Lint = Lint {
    id: "panel-range",
    severity: Severity::Warning,
    doc: "A graph has a fixed range where `$__rate_interval` belongs.",
    run: Run::All(check),
};

/// From this length on a range is part of the question ("errors in the last hour").
const MEANT: Duration = Duration::from_hours(1);

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    for dashboard in view.facts.dashboards.iter().flatten() {
        for panel in dashboard.panels.iter().filter(|panel| is_graph(panel)) {
            for query in &panel.queries {
                let Ok(tree) = &query.tree else { continue };
                for (function, node, selector) in ranges(tree) {
                    let Some(range) = selector.range.filter(|range| *range != VARIABLE_RANGE) else {
                        continue;
                    };
                    if range >= MEANT || is_an_alerts(view, function, selector) {
                        continue;
                    }
                    let message = format!(
                        "`{function}` over a fixed {} s: zoomed out, the graph leaves out what lies between its points",
                        range.as_secs()
                    );
                    let offset = dashboard.source.offset(query.place(&dashboard.source, node.at));
                    out.push(dashboard.on(&LINT, panel, offset, &message).fix("write `[$__rate_interval]`"));
                }
            }
        }
    }
}

fn is_graph(panel: &Panel) -> bool {
    let kinds = ["timeseries", "graph", "heatmap", "barchart"];
    panel.kind.as_ref().is_some_and(|kind| kinds.contains(&kind.value.as_str()))
}

/// The selectors that functions of change read, with the function.
fn ranges(tree: &Expr) -> Vec<(&str, &Expr, &Selector)> {
    let mut found = Vec::new();
    tree.walk(&mut |node| {
        let Some((function, args)) = node.as_call() else { return };
        if matches!(function, "rate" | "irate" | "increase" | "delta" | "idelta") {
            for arg in args {
                if let Kind::Selector(selector) = &arg.kind {
                    found.push((function, arg, selector));
                }
            }
        }
    });
    found
}

/// An alert reads the same metric over the same range, and the graph shows what it sees.
fn is_an_alerts(view: &View<'_>, function: &str, selector: &Selector) -> bool {
    view.rules().filter(|rule| rule.rule.is_alert()).any(|rule| {
        ranges(rule.tree).into_iter().any(|(theirs, _, other)| {
            theirs == function && other.name == selector.name && other.range == selector.range
        })
    })
}
