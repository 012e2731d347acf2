//! Who is woken up needs to know what happened and what to do.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};

pub(super) const LINT: Lint = Lint {
    id: "missing-annotation",
    severity: Severity::Warning,
    doc: "An alert without a summary, or without a runbook.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    if !rule.rule.is_alert() {
        return;
    }
    if !has(rule, &["summary", "title", "message", "description"]) {
        let message = "the alert has no `summary`: its notification says nothing but its name".to_owned();
        out.push(rule.on_rule(&LINT, message).fix("add `annotations: {summary: …, description: …}`"));
    }
    if !has(rule, &["runbook", "runbook_url"]) {
        // Without pages of its own a rule set may keep its runbooks elsewhere.
        let severity = if rule.facts().runbooks.is_some() { Severity::Warning } else { Severity::Info };
        let message = "the alert has no `runbook`: nobody is told what to do".to_owned();
        out.push(
            rule.on_rule(&LINT, message)
                .severity(severity)
                .fix("add `runbook: <page under rules/runbooks>` or `runbook_url: https://…`"),
        );
    }
}

fn has(rule: &RuleView<'_>, names: &[&str]) -> bool {
    names
        .iter()
        .any(|name| rule.rule.annotations.get(*name).is_some_and(|text| !text.value.trim().is_empty()))
}
