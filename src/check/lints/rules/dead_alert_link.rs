//! A link to an alert that does not exist.

use std::collections::BTreeSet;

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::rule_file::RuleFile;
use crate::model::closest_name;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "dead-alert-link",
    severity: Severity::Warning,
    doc: "A panel links an alert that no rule defines.",
    run: Run::All(check),
};

/// Among more alerts than this the search for the nearest name costs more than it helps.
const MOST_ALERTS: usize = 1000;

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    if !view.facts.is_complete_rule_set || view.facts.rule_files.iter().any(|file| file.problem.is_some()) {
        return;
    }
    let rules = view.facts.rule_files.iter().flat_map(RuleFile::rules);
    let alerts: BTreeSet<&str> =
        rules.filter(|(_, rule)| rule.is_alert()).map(|(_, rule)| rule.name.value.as_str()).collect();
    if alerts.is_empty() {
        return;
    }
    for dashboard in view.facts.dashboards.iter().flatten() {
        for panel in &dashboard.panels {
            for link in &panel.links {
                let Some((_, rest)) = link.value.split_once("var-alert=") else { continue };
                let name = rest.split('&').next().unwrap_or_default();
                if name.is_empty() || name.contains(['$', '%']) || alerts.contains(name) {
                    continue;
                }
                let message = format!("it links the alert `{name}`, which no rule defines");
                let finding = dashboard.on(&LINT, panel, link.start(), &message);
                let near = if alerts.len() < MOST_ALERTS { closest_name(name, &alerts) } else { None };
                out.push(match near {
                    Some(near) => finding.fix(format!("did you mean `{near}`?")),
                    None => finding.fix("correct the link, or remove it"),
                });
            }
        }
    }
}
