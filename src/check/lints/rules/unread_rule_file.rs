//! A file of rules that Prometheus is not given: its alerts can never fire, and nothing says so.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::yaml::source::Position;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "unread-rule-file",
    severity: Severity::Bug,
    doc: "A file under rules/ that holds rules and is not loaded: in a folder of its own, or with another ending.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    for file in &view.facts.unread_rule_files {
        let count = file.rules().count();
        let what = if count == 1 { "its rule is".to_owned() } else { format!("its {count} rules are") };
        let message = format!("this file is not loaded, so {what} not in force");
        let finding = LINT.at(&file.source, Position::default(), message);
        out.push(finding.fix("move it right into rules/, with a name that ends in .yml or .yaml"));
    }
}
