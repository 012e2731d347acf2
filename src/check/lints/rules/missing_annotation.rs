//! Who is woken up needs to know what happened and what to do.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::formats::rule_file::Rule;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "missing-annotation",
    severity: Severity::Warning,
    doc: "An alert without a summary, or without a runbook.",
    run: Run::Rule(check),
};

const RUNBOOKS: [&str; 2] = ["runbook", "runbook_url"];

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    if !rule.rule.is_alert() {
        return;
    }
    if !has(rule.rule, &["summary", "title", "message", "description"]) {
        let message = "the alert has no `summary`: its notification says nothing but its name".to_owned();
        out.push(rule.on_rule(&LINT, message).fix("add `annotations: {summary: …, description: …}`"));
    }
    if has(rule.rule, &RUNBOOKS) {
        return;
    }
    let (severity, message) = if rule.view.is_foreign(&rule.file.source) {
        // Rules that somebody else wrote have none as a rule, and that is said once.
        let Some(message) = first_of_many(rule) else { return };
        (Severity::Info, message)
    } else {
        // Without pages of its own a rule set may keep its runbooks elsewhere.
        let severity = if rule.facts().runbooks.is_some() { Severity::Warning } else { Severity::Info };
        (severity, "the alert has no `runbook`: nobody is told what to do".to_owned())
    };
    out.push(
        rule.on_rule(&LINT, message)
            .severity(severity)
            .fix("add `runbook: <page under rules/runbooks>` or `runbook_url: https://…`"),
    );
}

/// `None` for all but the first alert of the file that has no runbook.
fn first_of_many(rule: &RuleView<'_>) -> Option<String> {
    let mut without = rule.file.rules().map(|(_, other)| other);
    let mut without = without.by_ref().filter(|other| other.is_alert() && !has(other, &RUNBOOKS));
    without.next().filter(|first| std::ptr::eq(*first, rule.rule))?;
    let rest = match without.count() {
        0 => String::new(),
        1 => ", nor has another alert of this file".to_owned(),
        more => format!(", nor have {more} other alerts of this file"),
    };
    Some(format!("the alert has no `runbook`{rest}: nobody is told what to do"))
}

fn has(rule: &Rule, names: &[&str]) -> bool {
    names.iter().any(|name| rule.annotations.get(name).is_some_and(|text| !text.value.trim().is_empty()))
}
