//! A unit test of an alert that does not exist passes: it expects no alert and gets none.

use std::collections::BTreeSet;

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::model::closest_name;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "test-without-alert",
    severity: Severity::Bug,
    doc: "A unit test names an alert that no rule defines, and so proves nothing.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let rules = view.facts.rule_files.iter().flat_map(crate::formats::rule_file::RuleFile::rules);
    let known: BTreeSet<&str> =
        rules.filter(|(_, rule)| rule.is_alert()).map(|(_, rule)| rule.name.value.as_str()).collect();
    // What is missing may stand in a file that cannot be read, which is the one finding then.
    if known.is_empty() || view.facts.rule_files.iter().any(|file| file.problem.is_some()) {
        return;
    }
    for file in &view.facts.rule_tests {
        for case in file.cases.iter().filter(|case| !known.contains(case.alert.value.as_str())) {
            let name = &case.alert.value;
            let message = format!(
                "no rule defines the alert `{name}`: promtool passes this test, and it proves nothing"
            );
            let finding = LINT.at(&file.source, case.alert.place(&file.source), message).alert(name);
            out.push(match closest_name(name, &known) {
                Some(near) => finding.fix(format!("did you mean `{near}`?")),
                None => finding.fix("remove the test, or write the alert"),
            });
        }
    }
}
