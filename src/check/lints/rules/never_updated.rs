//! A metric that was declared and never given a value looks alive to every other check.

use crate::analysis::contract::MetricType;
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "never-updated",
    severity: Severity::Bug,
    doc: "A rule uses a metric that the backend declares but never gives a value.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    let mut seen: Vec<&str> = Vec::new();
    for (node, selector) in rule.tree.selectors() {
        let Some(series) = rule.view.known(selector).filter(|series| !seen.contains(&series.family_name))
        else {
            continue;
        };
        seen.push(series.family_name);
        let name = series.family_name;
        if series.family.samples == 0 {
            let message = format!(
                "the backend declares `{name}` (# TYPE) but exports no sample of it: nothing that needs it can ever fire"
            );
            let fix =
                format!("make the backend update `{name}`, or save the contract again while it has a value");
            out.push(rule.in_expr(&LINT, node.at, message).fix(fix));
        } else if series.family.all_zero && series.family.kind == MetricType::Histogram {
            let message = format!(
                "every sample of `{name}` in the contract is 0: perhaps the backend never counts there"
            );
            out.push(rule.in_expr(&LINT, node.at, message).severity(Severity::Info));
        }
    }
}
