//! `histogram_quantile` needs the label `le`.

use crate::analysis::quantiles;
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "quantile-without-le",
    severity: Severity::Bug,
    doc: "`histogram_quantile` over series from which the label `le` was aggregated away.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    rule.tree.walk(&mut |node| {
        if let Some((at, message, fix)) = quantiles::without_le(rule.view, node) {
            out.push(rule.in_expr(&LINT, at, message).fix(fix));
        }
    });
}
