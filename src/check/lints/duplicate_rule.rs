//! The same rule twice.

use std::collections::BTreeMap;

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run, View};

pub(super) const LINT: Lint = Lint {
    id: "duplicate-rule",
    severity: Severity::Warning,
    doc: "Two rules with the same name, labels and expression.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let mut first: BTreeMap<Key<'_>, RuleView<'_>> = BTreeMap::new();
    for rule in view.rules() {
        match first.entry(key(&rule)) {
            std::collections::btree_map::Entry::Vacant(slot) => {
                slot.insert(rule);
            }
            std::collections::btree_map::Entry::Occupied(slot) => out.push(finding(&rule, slot.get())),
        }
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    alert: bool,
    name: &'a str,
    labels: Vec<(&'a str, &'a str)>,
    expr: String,
}

fn key<'a>(rule: &RuleView<'a>) -> Key<'a> {
    let (group, rule) = (rule.group, rule.rule);
    let mut labels: BTreeMap<&str, &str> = BTreeMap::new();
    for (label, value) in group.labels.iter().chain(&rule.labels) {
        labels.insert(label, &value.value);
    }
    // Two expressions may feed one alert, and record different series under one name.
    let expr = rule.expr.value.split_whitespace().collect();
    Key { alert: rule.is_alert(), name: &rule.name.value, labels: labels.into_iter().collect(), expr }
}

fn finding(rule: &RuleView<'_>, first: &RuleView<'_>) -> Finding {
    let name = &rule.rule.name.value;
    let where_ = format!("{}:{}", first.file.source.path, first.rule.name.place(&first.file.source).line);
    let message = format!(
        "`{name}` stands already at {where_} with the same labels and expression: only one of them counts"
    );
    rule.on_rule(&LINT, message).fix("remove one, or give them labels that differ")
}
