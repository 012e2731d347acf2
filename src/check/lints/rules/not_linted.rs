//! An expression that our parser cannot read may still be valid: only Prometheus knows.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "not-linted",
    severity: Severity::Info,
    doc: "An expression is newer than our parser, so it was not checked; promtool decides whether it is valid.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    for file in &view.facts.rule_files {
        for (_, rule) in file.rules() {
            let Err(unread) = &rule.tree else { continue };
            let place = rule.expr.place_of(&file.source, unread.at);
            let finding = LINT.at(&file.source, place, format!("this expression was not linted: {unread}"));
            out.push(if rule.is_alert() { finding.alert(&rule.name.value) } else { finding });
        }
    }
}
