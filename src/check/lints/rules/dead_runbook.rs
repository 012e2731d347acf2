//! A link to a page that is not there.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::model::closest_name;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "dead-runbook",
    severity: Severity::Bug,
    doc: "An alert names a runbook page that does not exist.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    let Some(pages) = &rule.facts().runbooks else { return };
    no_address(rule, out);
    let Some(text) = rule.rule.annotations.get("runbook").filter(|_| rule.rule.is_alert()) else { return };
    let name = text.value.trim();
    if name.is_empty()
        || name.contains("://")
        || name.contains("{{")
        || pages.contains(name.trim_end_matches(".md"))
    {
        return;
    }
    let message = format!(
        "there is no page `rules/runbooks/{}.md`: the link in the notification is dead",
        name.trim_end_matches(".md")
    );
    let finding = rule.in_scalar(&LINT, text, 0, message);
    out.push(match closest_name(name, pages) {
        Some(near) => finding.fix(format!("did you mean `{near}`?")),
        None => finding.fix("write the page"),
    });
}

/// `runbook_url` goes into the notification as it is, so a name or a path there leads nowhere.
fn no_address(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    let Some(text) = rule.rule.annotations.get("runbook_url").filter(|_| rule.rule.is_alert()) else {
        return;
    };
    let value = text.value.trim();
    if value.is_empty() || value.contains("://") || value.contains("{{") {
        return;
    }
    let message =
        format!("`runbook_url` is `{value}`, which is no address: the link in the notification is dead");
    let finding = rule.in_scalar(&LINT, text, 0, message);
    out.push(finding.fix("write `https://…`, or name a page under rules/runbooks with `runbook`"));
}
