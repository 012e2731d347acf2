//! Conditions that no data can satisfy: the alert looks like a guard, and is none.

use crate::analysis::value_analysis::{self, Never};
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::check::lints::rules::{percent_of_ratio, ratio_without_sum, threshold_beyond_buckets};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "impossible-condition",
    severity: Severity::Bug,
    doc: "The conditions of an expression exclude each other, or ask for what its value can never be.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    if value_analysis::fills(rule.tree) {
        return;
    }
    let found = match value_analysis::never(rule.view, rule.tree) {
        Some(never) => {
            let consequence = if rule.rule.is_alert() {
                "the alert can never fire"
            } else {
                "the rule never records anything"
            };
            vec![finding(rule, never, consequence)]
        }
        None => value_analysis::dead_sides(rule.view, rule.tree)
            .into_iter()
            .map(|never| {
                let consequence = "this side of `or` never returns anything";
                finding(rule, never, consequence).severity(Severity::Warning)
            })
            .collect(),
    };
    out.extend(untold(rule, found));
}

fn finding(rule: &RuleView<'_>, never: Never, consequence: &str) -> Finding {
    rule.in_expr(&LINT, never.at, format!("{}: {consequence}", never.why)).fix(never.fix)
}

/// Of shares and quantiles others know more, and say it at the same place.
pub(in crate::check::lints) fn untold(rule: &RuleView<'_>, mut found: Vec<Finding>) -> Vec<Finding> {
    if found.is_empty() {
        return found;
    }
    let mut told = Vec::new();
    percent_of_ratio::check(rule, &mut told);
    ratio_without_sum::check(rule, &mut told);
    threshold_beyond_buckets::check(rule, &mut told);
    found.retain(|finding| {
        told.iter()
            .all(|other| (other.place.line, other.place.column) != (finding.place.line, finding.place.column))
    });
    found
}
