//! The same rule twice.

use std::collections::BTreeMap;

use crate::analysis::view::namesakes;
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run, View};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "duplicate-rule",
    severity: Severity::Warning,
    doc: "Two rules with the same name, labels and expression.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let named = view.rules().map(|rule| ((rule.rule.is_alert(), rule.rule.name.value.as_str()), rule));
    for rules in namesakes(named) {
        let mut before: Vec<RuleView<'_>> = Vec::new();
        for rule in rules {
            match before.iter().find(|first| same(first, &rule)) {
                Some(first) => out.push(finding(&rule, first)),
                None => before.push(rule),
            }
        }
    }
}

/// Two expressions may feed one alert, and record different series under one name.
fn same(first: &RuleView<'_>, second: &RuleView<'_>) -> bool {
    let words = |rule: &RuleView<'_>| rule.rule.expr.value.split_whitespace().collect::<String>();
    labels(first) == labels(second) && words(first) == words(second)
}

fn labels<'a>(rule: &RuleView<'a>) -> BTreeMap<&'a str, &'a str> {
    let all = rule.group.labels.iter().chain(rule.rule.labels.iter());
    all.map(|(label, value)| (label, value.value.as_str())).collect()
}

fn finding(rule: &RuleView<'_>, first: &RuleView<'_>) -> Finding {
    let name = &rule.rule.name.value;
    let where_ = format!("{}:{}", first.file.source.path, first.rule.name.place(&first.file.source).line);
    let message = format!(
        "`{name}` stands already at {where_} with the same labels and expression: only one of them counts"
    );
    rule.on_rule(&LINT, message).fix("remove one, or give them labels that differ")
}
