//! An inhibition rule that matches no alert of ours does nothing.

use crate::analysis::routing::inhibition;
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "inhibit-without-alert",
    severity: Severity::Warning,
    doc: "The source or the target of an inhibition rule matches no alert.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let Some(file) = view.alertmanager else { return };
    if view.alerts.is_empty() || view.facts.rule_files.iter().any(|file| file.problem.is_some()) {
        return;
    }
    // Of some of the rules only this much can be said.
    let severity = if view.facts.is_complete_rule_set { LINT.severity } else { Severity::Info };
    for rule in &file.inhibit_rules {
        for (side, matchers) in [("source", &rule.source), ("target", &rule.target)] {
            let mut variants = view.alerts.iter().flat_map(|alert| &alert.variants);
            if variants.any(|variant| inhibition::matched(matchers, &variant.labels).is_possible()) {
                continue;
            }
            let condition: Vec<_> = matchers.iter().map(|placed| placed.matcher.to_string()).collect();
            let at = matchers.first().map_or(rule.at, |placed| placed.at);
            let message = format!(
                "no alert can be the {side} of this rule ({}): it never inhibits anything",
                condition.join(", ")
            );
            out.push(
                file.finding(&LINT, at, message)
                    .severity(severity)
                    .fix("correct the matchers, or remove the rule"),
            );
        }
    }
}
