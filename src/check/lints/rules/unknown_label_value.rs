//! A label value that the backend was never seen to produce.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use std::collections::BTreeSet;

use crate::formats::anchored_regex;
use crate::formats::promql::{MatchOp, Matcher};
use crate::model::closest_name;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "unknown-label-value",
    severity: Severity::Warning,
    doc: "A rule selects a label value that the contract does not show.",
    run: Run::Rule(check),
};

/// A label with more values than this is open-ended: the contract cannot show all of them.
const MOST_WORDS: usize = 12;

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    for (_, selector) in rule.tree.selectors() {
        let Some(series) = rule.view.known(selector).filter(|series| series.family.samples > 0) else {
            continue;
        };
        for matcher in &selector.matchers {
            let target =
                rule.facts().target_labels.as_ref().is_some_and(|labels| labels.contains(&matcher.label));
            let Some(seen) = series.family.labels.get(&matcher.label).filter(|_| !target) else { continue };
            if let Some(severity) = verdict(matcher, seen) {
                // One value alone says little about which others there are.
                let few = severity == Severity::Warning && seen.len() < 2;
                let severity = if few { Severity::Info } else { severity };
                out.push(finding(rule, matcher, series.family_name, seen, severity));
            }
        }
    }
}

/// How sure it is that the value never appears; `None` when the contract cannot tell.
fn verdict(matcher: &Matcher, seen: &BTreeSet<String>) -> Option<Severity> {
    // Most matchers are settled before these are asked for.
    let numbers = || seen.iter().all(|value| value.parse::<f64>().is_ok());
    let words = || seen.len() <= MOST_WORDS && seen.iter().all(|value| is_word(value));
    match matcher.op {
        MatchOp::Equal if matcher.value.is_empty() || seen.contains(&matcher.value) => None,
        MatchOp::Equal if matcher.label == "le" => {
            Some(Severity::Bug).filter(|_| !same_number(&matcher.value, seen))
        }
        // A status that has not happened yet is still a number; a word among numbers never comes.
        MatchOp::Equal if numbers() => matcher.value.parse::<f64>().is_err().then_some(Severity::Bug),
        MatchOp::Equal if is_word(&matcher.value) && words() => Some(Severity::Warning),
        MatchOp::Matches if alternatives(&matcher.value).is_none() => {
            unmatched(&matcher.value, seen, &numbers, &words)
        }
        // What is left out does not exist; told when it looks like a slip.
        MatchOp::NotEqual if is_word(&matcher.value) && !seen.contains(&matcher.value) && words() => {
            closest_name(&matcher.value, seen).map(|_| Severity::Warning)
        }
        MatchOp::Matches => alternatives(&matcher.value)
            .filter(|wanted| !wanted.iter().any(|value| seen.contains(*value)))
            .and_then(|wanted| match (numbers(), words()) {
                (true, _) => {
                    wanted.iter().all(|value| value.parse::<f64>().is_err()).then_some(Severity::Bug)
                }
                (_, true) => Some(Severity::Warning),
                _ => None,
            }),
        _ => None,
    }
}

/// A pattern that takes none of the values. Of numbers it must take none of three digits, which is how
/// statuses are written: one that has not happened yet may still come.
fn unmatched(
    text: &str,
    seen: &BTreeSet<String>,
    numbers: &dyn Fn() -> bool,
    words: &dyn Fn() -> bool,
) -> Option<Severity> {
    let pattern = anchored_regex::anchored(text)?;
    if pattern.is_match("") || seen.iter().any(|value| pattern.is_match(value)) {
        return None;
    }
    // `5..` takes a round one; all of them are asked only where none of those will do.
    let mut numbers_to_try = (100..1000).step_by(100).chain(100..1000);
    let mut never = || !numbers_to_try.any(|number: u32| pattern.is_match(&number.to_string()));
    match (numbers(), words()) {
        (true, _) => (seen.iter().all(|value| value.len() == 3) && never()).then_some(Severity::Bug),
        (_, true) => Some(Severity::Warning),
        _ => None,
    }
}

fn is_word(value: &str) -> bool {
    !value.is_empty()
        && value.parse::<f64>().is_err()
        && value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

/// `a|b|c` without any other pattern; `None` for real patterns.
fn alternatives(pattern: &str) -> Option<Vec<&str>> {
    let inner = pattern.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(pattern);
    let parts: Vec<_> = inner.split('|').collect();
    parts.iter().all(|part| is_word(part)).then_some(parts)
}

/// Prometheus 3 writes `le="1.0"` where the exposition says `le="1"`.
fn same_number(value: &str, seen: &BTreeSet<String>) -> bool {
    let Ok(number) = value.parse::<f64>() else { return false };
    seen.iter().filter_map(|other| other.parse::<f64>().ok()).any(|other| other.total_cmp(&number).is_eq())
}

fn finding(
    rule: &RuleView<'_>,
    matcher: &Matcher,
    name: &str,
    seen: &BTreeSet<String>,
    severity: Severity,
) -> Finding {
    let shown: Vec<_> = seen.iter().take(MOST_WORDS).map(String::as_str).collect();
    let op = match matcher.op {
        MatchOp::Equal | MatchOp::NotEqual => "=",
        MatchOp::Matches | MatchOp::MatchesNot => "=~",
    };
    let effect = if matcher.op == MatchOp::NotEqual { ", so this leaves nothing out" } else { "" };
    let message = format!(
        "`{name}` was never seen with {}{op}\"{}\"{effect}; the contract shows {}",
        matcher.label,
        matcher.value,
        shown.join(", ")
    );
    let finding = rule.in_expr(&LINT, matcher.at, message).severity(severity);
    match closest_name(&matcher.value, seen) {
        Some(near) => finding.fix(format!(
            "did you mean \"{near}\"? If the value is real, save the contract again while it shows"
        )),
        None => finding.fix("if the value is real, save the contract again while it shows"),
    }
}
