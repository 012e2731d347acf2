//! Text that was meant to be replaced.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};

pub(super) const LINT: Lint = Lint {
    id: "placeholder-text",
    severity: Severity::Warning,
    doc: "An annotation or label still holds a placeholder such as `your-org`, `example.com` or `TODO`.",
    run: Run::Rule(check),
};

/// In lower case. Only what nobody writes on purpose into a notification.
const PLACEHOLDERS: [&str; 17] = [
    "your-org",
    "your_org",
    "yourorg",
    "your-company",
    "yourcompany",
    "your-domain",
    "yourdomain",
    "your-team",
    "example.com",
    "example.org",
    "example.net",
    "changeme",
    "change-me",
    "lorem ipsum",
    "fixme",
    "todo:",
    "placeholder",
];

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    for (name, text) in rule.rule.annotations.iter().chain(&rule.rule.labels) {
        let lower = text.value.to_ascii_lowercase();
        let found =
            PLACEHOLDERS.iter().find_map(|placeholder| lower.find(placeholder).map(|at| (*placeholder, at)));
        let todo = || {
            text.value
                .find("TODO")
                .filter(|_| text.value.trim_start().starts_with("TODO"))
                .map(|at| ("TODO", at))
        };
        let Some((placeholder, at)) = found.or_else(todo) else { continue };
        let message = format!("`{name}` still holds the placeholder `{placeholder}`");
        out.push(rule.in_scalar(&LINT, text, at, message).fix("write the real text or link"));
    }
}
