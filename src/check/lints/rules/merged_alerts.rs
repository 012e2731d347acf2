//! A static label of the rule that overwrites the label which tells its series apart: two alerts then have
//! the same labels, and Prometheus fails the whole rule.

use crate::analysis::labels::elements::{self, Element};
use crate::analysis::labels::explicit_grouping;
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::formats::promql::Expr;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "merged-alerts",
    severity: Severity::Bug,
    doc: "A label of the rule overwrites the one that tells its series apart: two that fire fail the rule.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    // What a template makes may differ where the label did.
    let group = rule.group.labels.iter().filter(|(label, _)| !rule.rule.labels.contains_key(label));
    let fixed: Vec<_> =
        rule.rule.labels.iter().chain(group).filter(|(_, value)| !value.value.contains("{{")).collect();
    if fixed.is_empty() {
        return;
    }
    let labels: Vec<&str> = fixed.iter().map(|(label, _)| *label).collect();
    let Some((label, evidence)) = merged(rule, &labels) else { return };
    let Some((_, value)) = fixed.iter().find(|(own, _)| *own == label) else { return };
    let message = format!(
        "`{label}: {}` overwrites the label that tells the series apart ({evidence}): as soon as two of them are returned, Prometheus fails the rule with \"vector contains metrics with the same labelset\"",
        value.value
    );
    let fix = "give the rule's label another name, or leave it out";
    out.push(rule.in_scalar(&LINT, value, 0, message).fix(fix));
}

/// A label that is overwritten, and what shows that it matters.
fn merged<'l>(rule: &RuleView<'_>, fixed: &[&'l str]) -> Option<(&'l str, String)> {
    let grouped = explicit_grouping(rule.tree);
    let overwritten: Vec<&str> = fixed
        .iter()
        .copied()
        .filter(|label| grouped.is_none_or(|by| by.iter().any(|own| own == label)))
        .collect();
    if overwritten.is_empty() {
        return None;
    }
    let possible = rule.view.labels_of(rule.tree);
    if overwritten.iter().all(|label| !possible.may_have(label)) {
        return None;
    }
    if let Some(found) = elements::elements(rule.view, rule.tree) {
        let left = |labels: &Element| {
            labels
                .iter()
                .filter(|(own, _)| !fixed.contains(&own.as_str()))
                .map(|(l, v)| (l.clone(), v.clone()))
                .collect()
        };
        let (one, other) = elements::collision(&found, &left)?;
        let differing = elements::differing(one, other);
        let label = overwritten.iter().find(|label| differing.iter().any(|own| own == **label))?;
        let value = |labels: &Element| labels.get(*label).map_or("none", String::as_str).to_owned();
        return Some((label, format!("{:?} and {:?} in the contract", value(one), value(other))));
    }
    // Whoever groups by a label expects more than one value of it.
    let grouped = grouped?;
    let label = overwritten.into_iter().find(|label| !is_pinned(rule.tree, label))?;
    Some((label, format!("the expression groups by {}", grouped.join(", "))))
}

/// One value is asked for, so there is nothing to tell apart.
fn is_pinned(expr: &Expr, label: &str) -> bool {
    expr.selectors().iter().any(|(_, selector)| selector.pinned(label).is_some())
}
