//! A panel that turns red at another value than the alert it links misleads.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::conditions;
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run, View};
use crate::formats::dashboard::Panel;
use crate::formats::promql::{Expr, Op};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "panel-threshold",
    severity: Severity::Warning,
    doc: "A panel's threshold is not that of the alert which it links.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let panels = view.facts.dashboards.iter().flatten().flat_map(|dashboard| &dashboard.panels);
    let linked: BTreeSet<&str> = panels.flat_map(links).collect();
    let mut alerts: BTreeMap<&str, Vec<RuleView<'_>>> = BTreeMap::new();
    let is_linked = |rule: &RuleView<'_>| linked.contains(rule.rule.name.value.as_str());
    for rule in view.rules().filter(|rule| rule.rule.is_alert() && is_linked(rule)) {
        alerts.entry(&rule.rule.name.value).or_default().push(rule);
    }
    for dashboard in view.facts.dashboards.iter().flatten() {
        for panel in &dashboard.panels {
            let steps: Vec<f64> =
                panel.thresholds.iter().filter_map(|step| step.value.parse().ok()).collect();
            if steps.is_empty() {
                continue;
            }
            let linked = links(panel).into_iter().filter_map(|name| alerts.get(name)).flatten();
            let limits: Vec<(&str, f64)> = linked
                .flat_map(|alert| {
                    limits(panel, alert).into_iter().map(|limit| (alert.rule.name.value.as_str(), limit))
                })
                .collect();
            let agrees = |limit: f64| steps.iter().any(|step| same(*step, limit, panel));
            let (Some(first), Some(step)) = (limits.first(), panel.thresholds.first()) else { continue };
            if !limits.iter().any(|(_, limit)| agrees(*limit)) {
                let shown: Vec<_> = steps.iter().map(ToString::to_string).collect();
                let message = format!(
                    "its threshold is {}, that of the alert `{}` is {}",
                    shown.join(", "),
                    first.0,
                    first.1
                );
                let finding = dashboard.on(&LINT, panel, step.start(), &message).alert(first.0);
                out.push(finding.fix("use the alert's threshold, in the panel's unit"));
            }
        }
    }
}

/// The words of the panel's links, alert names among them.
fn links(panel: &Panel) -> BTreeSet<&str> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    panel.links.iter().flat_map(|link| link.value.split(move |c| !is_name(c))).collect()
}

/// The thresholds of an alert that are about what the panel shows.
fn limits(panel: &Panel, alert: &RuleView<'_>) -> Vec<f64> {
    let shown: Vec<&Expr> = panel.queries.iter().filter_map(|query| query.tree.as_ref().ok()).collect();
    conditions::conditions(alert.tree)
        .into_iter()
        // `== 0` is a state; only an order has a threshold.
        .filter(|condition| !matches!(condition.op, Op::Equal | Op::NotEqual))
        .filter(|condition| !condition.guarded && shown.iter().any(|shown| is_alike(shown, condition.value)))
        .map(|condition| condition.threshold)
        .collect()
}

/// Both read the same metrics.
fn is_alike(a: &Expr, b: &Expr) -> bool {
    let names = |expr: &Expr| {
        let mut names: Vec<_> = expr.selectors().into_iter().filter_map(|(_, s)| s.name.clone()).collect();
        names.sort();
        names.dedup();
        names
    };
    let names_of_a = names(a);
    !names_of_a.is_empty() && names_of_a == names(b)
}

/// Equal in the panel's unit. A count that alerts above 2 may turn red at 3.
fn same(step: f64, limit: f64, panel: &Panel) -> bool {
    let near = |value: f64| (step - value).abs() <= 1e-9 * value.abs().max(1.0);
    let unit = panel.unit.as_ref().map_or("", |unit| unit.value.as_str());
    let whole = step.fract() == 0.0 && limit.fract() == 0.0;
    match unit {
        "percent" => near(limit) || near(limit * 100.0),
        "percentunit" => near(limit) || near(limit / 100.0),
        "ms" => near(limit) || near(limit * 1000.0),
        "" | "none" | "short" if whole => (step - limit).abs() <= 1.0,
        _ => near(limit),
    }
}
