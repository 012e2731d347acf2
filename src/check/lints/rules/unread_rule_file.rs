//! A file of rules that Prometheus is not given: its alerts can never fire, and nothing says so.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::rule_file::RuleFile;
use crate::formats::yaml::source::Position;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "unread-rule-file",
    severity: Severity::Bug,
    doc: "A file under rules/ that holds rules and is not loaded: in a folder of its own, or with another ending.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    out.extend(view.facts.unread_rule_files.iter().map(finding));
}

/// What is said of such a file, by `check` and by the commands that put rules into force.
pub(in crate::check) fn finding(file: &RuleFile) -> Finding {
    let count = file.rules().count();
    let what = if count == 1 { "its rule is".to_owned() } else { format!("its {count} rules are") };
    let message = format!("this file is not loaded, so {what} not in force");
    LINT.at(&file.source, Position::default(), message)
        .fix("move it right into rules/, with a name that ends in .yml or .yaml")
}
