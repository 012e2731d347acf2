//! A graph whose `rate` has a fixed range misses data when zoomed out, and is empty when scrapes are slow.

use std::time::Duration;

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::dashboard::{Panel, VARIABLE_RANGE};
use crate::formats::promql::{Expr, Kind, Selector};

pub(in crate::check::lints) const LINT: Lint = Lint {
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
                    let Some(range) = selector.range else { continue };
                    let message = if range == VARIABLE_RANGE {
                        if !over_interval(&query.text.value, node.at) {
                            continue;
                        }
                        format!(
                            "`{function}` over `$__interval`: zoomed in, that holds fewer than two samples, and the graph is empty"
                        )
                    } else {
                        let told = panel.title.contains(shown(range).as_str());
                        if range >= MEANT || told || is_an_alerts(view, function, selector) {
                            continue;
                        }
                        format!(
                            "`{function}` over a fixed {}: zoomed out, the graph leaves out what lies between its points",
                            shown(range)
                        )
                    };
                    let offset = dashboard.source.offset(query.place(&dashboard.source, node.at));
                    out.push(dashboard.on(&LINT, panel, offset, &message).fix("write `[$__rate_interval]`"));
                }
            }
        }
    }
}

/// Whether the variable of a range is the plain interval; `at` is where its selector begins.
fn over_interval(query: &str, at: usize) -> bool {
    let range = query.get(at..).and_then(|rest| rest.split_once('[')?.1.split_once(']'));
    range.is_some_and(|(range, _)| matches!(range.trim(), "$__interval" | "${__interval}"))
}

/// As it would be written: `5m`, `90s`.
fn shown(range: Duration) -> String {
    let seconds = range.as_secs();
    if seconds.is_multiple_of(60) { format!("{}m", seconds / 60) } else { format!("{seconds}s") }
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
