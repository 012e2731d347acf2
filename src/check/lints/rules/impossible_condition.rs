//! Conditions that no data can satisfy: the alert looks like a guard, and is none.

use crate::analysis::value_analysis::{self, Never};
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};

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
    if let Some(never) = value_analysis::never(rule.view, rule.tree) {
        let consequence =
            if rule.rule.is_alert() { "the alert can never fire" } else { "the rule never records anything" };
        out.push(finding(rule, never, consequence));
        return;
    }
    let dead = value_analysis::dead_sides(rule.view, rule.tree).into_iter();
    out.extend(dead.map(|never| {
        let consequence = "this side of `or` never returns anything";
        finding(rule, never, consequence).severity(Severity::Warning)
    }));
}

fn finding(rule: &RuleView<'_>, never: Never, consequence: &str) -> Finding {
    rule.in_expr(&LINT, never.at, format!("{}: {consequence}", never.why)).fix(never.fix)
}
