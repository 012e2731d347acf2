//! An inhibition rule that mutes everything, or by its own guard nothing.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::alertmanager::{InhibitRule, Matcher, Placed};
use crate::formats::promql::MatchOp;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "inhibit-too-wide",
    severity: Severity::Bug,
    doc: "An inhibition rule mutes every alert, or has the same source and target and so mutes none.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let Some(file) = view.alertmanager else { return };
    for rule in &file.inhibit_rules {
        let Some((severity, message, fix)) = assess(rule) else { continue };
        let at = rule.target.first().map_or(rule.at, |placed| placed.at);
        out.push(file.finding(&LINT, at, message.to_owned()).severity(severity).fix(fix));
    }
}

fn assess(rule: &InhibitRule) -> Option<(Severity, &'static str, &'static str)> {
    let inside = |a: &[Placed], b: &[Placed]| {
        a.iter().all(|placed| b.iter().any(|other| is_same(&placed.matcher, &other.matcher)))
    };
    if !rule.source.is_empty() && inside(&rule.source, &rule.target) && inside(&rule.target, &rule.source) {
        return Some((
            Severity::Bug,
            "source and target are the same: alerts that match both sides never inhibit each other, so this does nothing",
            "make the target those alerts that are the consequence",
        ));
    }
    if rule.source.is_empty() {
        return Some((
            Severity::Warning,
            "no source is named, so every firing alert is one: whatever fires mutes these targets",
            "add `source_matchers: [alertname=\"…\"]`",
        ));
    }
    if !rule.equal.is_empty() {
        return None;
    }
    if rule.target.iter().all(|placed| placed.matcher.matches_everything()) {
        return Some((
            Severity::Bug,
            "every alert is a target and nothing must be equal: one firing source mutes all of the others",
            "name the target's labels, and add `equal: [job, instance]`",
        ));
    }
    let only_excludes = rule.target.iter().all(|placed| {
        placed.matcher.matches_everything()
            || matches!(placed.matcher.op, MatchOp::NotEqual | MatchOp::MatchesNot)
            || placed.matcher.matches_any_value()
    });
    if only_excludes {
        return Some((
            Severity::Warning,
            "the target only leaves some alerts out and nothing must be equal: one firing source mutes almost everything",
            "add `equal: [job, instance]`, or name what is to be muted",
        ));
    }
    let names_severity = |side: &[Placed]| side.iter().all(|placed| placed.matcher.label == "severity");
    (names_severity(&rule.source) && names_severity(&rule.target)).then_some((
        Severity::Warning,
        "nothing must be equal, so one alert of the source's severity mutes all of the target's, whatever they are about",
        "add `equal: [job, instance]`",
    ))
}

/// Written alike, or taking the same values: `a="x"` and `a=~"x"`, `a=~"x|y"` and `a=~"y|x"`.
fn is_same(a: &Matcher, b: &Matcher) -> bool {
    let values = |matcher: &Matcher| -> Option<Vec<String>> {
        let mut values: Vec<_> = matcher.values()?.into_iter().map(str::to_owned).collect();
        values.sort();
        values.dedup();
        Some(values)
    };
    a == b || a.label == b.label && values(a).is_some_and(|values_of_a| Some(values_of_a) == values(b))
}
