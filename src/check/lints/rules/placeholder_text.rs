//! Text that was meant to be replaced.

use std::sync::OnceLock;

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "placeholder-text",
    severity: Severity::Warning,
    doc: "An annotation or label still holds a placeholder such as `your-org`, `example.com` or `TODO`.",
    run: Run::Rule(check),
};

/// In lower case. Only what nobody writes on purpose into a notification.
const PLACEHOLDERS: [&str; 22] = [
    "your-org",
    "your_org",
    "yourorg",
    "your-company",
    "yourcompany",
    "your-domain",
    "yourdomain",
    "your-team",
    "your-repo",
    "your-runbook",
    "your-username",
    "your-wiki",
    "yourteam",
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

/// All of them at once: every text of every rule is searched.
fn pattern() -> Option<&'static regex::Regex> {
    static PATTERN: OnceLock<Option<regex::Regex>> = OnceLock::new();
    let all = || regex::Regex::new(&format!("(?i-u:{})", PLACEHOLDERS.map(regex::escape).join("|"))).ok();
    PATTERN.get_or_init(all).as_ref()
}

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    for (name, text) in rule.rule.annotations.iter().chain(rule.rule.labels.iter()) {
        let found =
            pattern().and_then(|pattern| pattern.find(&text.value)).map(|at| (at.as_str(), at.start()));
        let todo = || {
            text.value
                .find("TODO")
                .filter(|_| text.value.trim_start().starts_with("TODO"))
                .map(|at| ("TODO", at))
        };
        let Some((placeholder, at)) = found.or_else(todo).or_else(|| unwritten(&text.value)) else {
            continue;
        };
        let message = format!("`{name}` still holds the placeholder `{placeholder}`");
        out.push(rule.in_scalar(&LINT, text, at, message).fix("write the real text or link"));
    }
}

/// A text that is only a mark, or an address with a `<part>` to be put in.
fn unwritten(text: &str) -> Option<(&str, usize)> {
    let trimmed = text.trim();
    if ["tbd", "xxx", "todo"].iter().any(|mark| trimmed.eq_ignore_ascii_case(mark)) {
        return Some((trimmed, text.len() - text.trim_start().len()));
    }
    // Slack writes links as `<https://…|text>`: there the bracket comes before the address.
    let address = text.find("://")?;
    let open = address + text.get(address..)?.find('<')?;
    let close = open + text.get(open..)?.find('>')?;
    let inside = text.get(open + 1..close)?;
    let is_name = !inside.is_empty() && inside.chars().all(|c| c.is_alphanumeric() || "-_ ".contains(c));
    let is_link = !text.get(address..open)?.contains(char::is_whitespace);
    (is_name && is_link).then(|| text.get(open..=close).map(|part| (part, open)))?
}
