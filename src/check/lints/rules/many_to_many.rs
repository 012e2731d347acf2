//! `a / on (service) b` with several `b` for a service: Prometheus refuses to evaluate that, so nothing fires.

use crate::analysis::labels::match_cardinality;
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "many-to-many",
    severity: Severity::Bug,
    doc: "Several series stand where an operator needs one for each group: the rule fails to evaluate.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    rule.tree.walk(&mut |node| {
        let Some(binary) = node.as_binary() else { return };
        if let Some((why, fix)) = match_cardinality::refused(rule.view, binary) {
            out.push(rule.in_expr(&LINT, node.at, format!("{why}, so the rule does nothing")).fix(fix));
        }
    });
}
