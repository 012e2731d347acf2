//! The metrics that the alert rules read.

use std::collections::BTreeSet;

use crate::formats::promql;
use crate::formats::rule_file::RuleFile;
use crate::formats::yaml::first_document;
use crate::model::ServiceKind;
use crate::services::Desired;

/// Names that the rules select, but for those that other rules record and Prometheus's own.
pub(super) fn of(desired: &Desired) -> Vec<String> {
    let Some(prometheus) = desired.services.get(&ServiceKind::Prometheus) else { return Vec::new() };
    let mut names = BTreeSet::new();
    let mut recorded = BTreeSet::new();
    for (path, file) in prometheus.files.files.iter().filter(|(path, _)| path.contains("/rules/")) {
        let text = String::from_utf8_lossy(file.bytes());
        let read = RuleFile::parse(path.as_str(), first_document(&text));
        for rule in read.groups.into_iter().flat_map(|group| group.rules) {
            if !rule.is_alert() {
                recorded.insert(rule.name.value.clone());
            }
            names.extend(in_expression(&rule.expr.value));
        }
    }
    let own = |name: &String| name.starts_with("ALERTS") || name == "up";
    names.into_iter().filter(|name| !recorded.contains(name) && !own(name)).collect()
}

/// The metric names of an expression; none when it cannot be read.
pub(super) fn in_expression(expr: &str) -> Vec<String> {
    let Ok(tree) = promql::parse(expr) else { return Vec::new() };
    let names = tree.selectors().into_iter().filter_map(|(_, selector)| selector.name.clone());
    names.collect()
}
