//! A job that nothing scrapes has no series, not even `up`.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::formats::anchored_regex;
use crate::formats::promql::MatchOp;
use crate::model::closest_name;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "unknown-job",
    severity: Severity::Bug,
    doc: "A rule selects a scrape job that the configuration does not have.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    let Some(jobs) = &rule.facts().jobs else { return };
    if rule.view.is_foreign(&rule.file.source) {
        return;
    }
    for (_, selector) in rule.tree.selectors() {
        // What rules record or alerts carry may have any `job`.
        let made_here = selector
            .name
            .as_deref()
            .is_none_or(|name| name.starts_with("ALERTS") || rule.view.recorded.contains_key(name));
        for matcher in selector.matchers.iter().filter(|matcher| matcher.label == "job" && !made_here) {
            let exists = match matcher.op {
                MatchOp::Equal => matcher.value.is_empty() || jobs.contains(&matcher.value),
                MatchOp::Matches => anchored_regex::anchored(&matcher.value).is_none_or(|pattern| {
                    pattern.is_match("") || jobs.iter().any(|job| pattern.is_match(job))
                }),
                MatchOp::NotEqual | MatchOp::MatchesNot => true,
            };
            if exists {
                continue;
            }
            let known: Vec<_> = jobs.iter().map(String::as_str).collect();
            let message = format!(
                "nothing scrapes a job \"{}\" (jobs: {}): this selects nothing",
                matcher.value,
                known.join(", ")
            );
            let finding = rule.in_expr(&LINT, matcher.at, message);
            out.push(match closest_name(&matcher.value, jobs) {
                Some(near) => finding.fix(format!("did you mean \"{near}\"?")),
                None => finding.fix("add the target to the settings, or remove the rule"),
            });
        }
    }
}
