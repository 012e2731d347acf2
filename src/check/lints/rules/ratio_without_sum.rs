//! `rate(x{status="failed"}[5m]) / rate(x[5m])`: without a `sum` on both sides every series is divided
//! by itself, so the result is 1, or NaN at 0/0, whatever the true share.

use crate::analysis::one_sided_match;
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "ratio-without-sum",
    severity: Severity::Bug,
    doc: "A share whose sides are matched series by series, so that it is always 1 or always empty.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    rule.tree.walk(&mut |node| {
        if let Some((message, fix)) = one_sided_match::mistake(rule.view, node) {
            out.push(rule.in_expr(&LINT, node.at, message).fix(fix));
        }
    });
}
