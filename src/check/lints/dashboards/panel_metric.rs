//! A panel on a metric that nobody exports or records stays empty.

use std::collections::BTreeSet;

use crate::analysis::contract::{MetricType, Part};
use crate::analysis::contract_match::ContractMatch;
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::dashboard::{Dashboard, Panel, Query, without_variable_matchers};
use crate::formats::promql::Selector;
use crate::model::closest_name;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "panel-metric",
    severity: Severity::Bug,
    doc: "A dashboard asks for a metric that the backend does not export and no rule records.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    for dashboard in view.facts.dashboards.iter().flatten() {
        // Of a dashboard for other software only its form can be checked.
        let checked = !view.is_foreign(&dashboard.source);
        for (panel, query) in dashboard.queries().filter(|_| checked) {
            let Ok(tree) = &query.tree else { continue };
            let mut seen: Vec<&str> = Vec::new();
            for (node, selector) in tree.selectors() {
                let Some(name) = selector.name.as_deref().filter(|name| !seen.contains(name)) else {
                    continue;
                };
                seen.push(name);
                if let Some((severity, message, fix)) = assess(view, &without_variable_matchers(selector)) {
                    let finding = at(dashboard, panel, query, node.at, &message).severity(severity);
                    out.push(match fix {
                        Some(fix) => finding.fix(fix),
                        None => finding,
                    });
                }
            }
        }
    }
}

/// A finding at byte `at` of a query.
pub(in crate::check::lints) fn at(
    dashboard: &Dashboard,
    panel: Option<&Panel>,
    query: &Query,
    at: usize,
    message: &str,
) -> Finding {
    let offset = dashboard.source.offset(query.place(&dashboard.source, at));
    match panel {
        Some(panel) => dashboard.on(&LINT, panel, offset, message),
        None => dashboard.finding(&LINT, offset, message.to_owned()),
    }
}

fn assess(view: &View<'_>, selector: &Selector) -> Option<(Severity, String, Option<String>)> {
    let contract = view.contract();
    let name = selector.name.as_deref()?;
    if name.contains(':') {
        let all_known = view.facts.is_complete_rule_set && !view.facts.rule_files.is_empty();
        let near = || {
            closest_name(name, view.recorded.keys().collect::<BTreeSet<_>>())
                .map(|near| format!("did you mean `{near}`?"))
        };
        return (all_known && !view.recorded.contains_key(name))
            .then(|| (Severity::Bug, format!("no rule records `{name}`: this stays empty"), near()));
    }
    match view.match_contract(selector)? {
        ContractMatch::Missing { name, certain } => {
            let severity = if certain { Severity::Bug } else { Severity::Warning };
            let near = contract.and_then(|contract| closest_name(name, contract.series_names()));
            let message = format!("`{name}` is not exported by the backend: this stays empty");
            Some((severity, message, near.map(|near| format!("did you mean `{near}`?"))))
        }
        ContractMatch::Known(series)
            if series.part == Part::Whole && series.family.kind == MetricType::Histogram =>
        {
            let name = series.family_name;
            let message = format!("`{name}` is a histogram: no series has this name, so this stays empty");
            Some((
                Severity::Bug,
                message,
                Some(format!("use `{name}_bucket`, `{name}_sum` or `{name}_count`")),
            ))
        }
        ContractMatch::Known(series) if series.family.samples == 0 => {
            let message =
                format!("the backend declares `{name}` and never gives it a value: this stays empty");
            Some((Severity::Warning, message, None))
        }
        ContractMatch::Known(_) => None,
    }
}
