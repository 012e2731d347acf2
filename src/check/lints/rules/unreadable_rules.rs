//! A file that is no YAML, or no rule file, is not checked at all.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "unreadable-rules",
    severity: Severity::Bug,
    doc: "A rule file or a rule test cannot be read.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let rules = view.facts.rule_files.iter().map(|file| (&file.source, &file.problem));
    let tests = view.facts.rule_tests.iter().map(|file| (&file.source, &file.problem));
    for (source, problem) in rules.chain(tests) {
        if let Some((place, reason)) = problem {
            out.push(LINT.at(source, *place, format!("cannot be read: {reason}")));
        }
    }
}
