//! A pattern that matches no file loads zero rules, and every validator says that all is well.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::yaml::source::Position;
use crate::model::Place;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "no-rules",
    severity: Severity::Bug,
    doc: "A rule file, or a pattern of rule files, that holds no rule.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    for pattern in &view.facts.empty_rule_patterns {
        let message = format!(
            "`{pattern}` matches no rule file: Prometheus loads zero rules from it and reports success"
        );
        let finding = Finding::new(LINT.id, LINT.severity, Place::file(pattern.as_str()), message);
        out.push(finding.fix("correct the path, or remove it"));
    }
    // A collection that is looked through has empty files now and then.
    let facts = view.facts;
    let is_collection = !facts.is_complete_rule_set && facts.rule_files.len() > 1;
    let severity = if is_collection { Severity::Info } else { LINT.severity };
    for file in &facts.rule_files {
        if file.problem.is_none() && file.rules().next().is_none() {
            let message = "this file holds no rule: Prometheus loads it without a word".to_owned();
            let finding = LINT.at(&file.source, Position::default(), message).severity(severity);
            out.push(finding.fix("add rules, or remove the file"));
        }
    }
}
