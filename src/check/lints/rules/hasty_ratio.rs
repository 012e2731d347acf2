//! A ratio of aggregations over different jobs, without `for`: after a restart one side is scraped first.

use std::collections::BTreeSet;

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::formats::promql::{Expr, Kind};
use crate::model::PromDuration;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "hasty-ratio",
    severity: Severity::Warning,
    doc: "An alert without `for` compares aggregations over different jobs, one of which is scraped first.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    let waits = |hold: &str| PromDuration::parse(hold).is_none_or(|hold| !hold.length().is_zero());
    if !rule.rule.is_alert() || rule.rule.hold.as_ref().is_some_and(|hold| waits(&hold.value)) {
        return;
    }
    rule.tree.walk(&mut |node| {
        let Some(binary) = node.as_binary().filter(|binary| binary.op.is_arithmetic()) else { return };
        let sides = (jobs(rule, &binary.lhs), jobs(rule, &binary.rhs));
        let (Some(left), Some(right)) = sides else { return };
        if left.is_disjoint(&right) {
            let list = |jobs: &BTreeSet<String>| jobs.iter().cloned().collect::<Vec<_>>().join(", ");
            let message = format!(
                "the sides come from different jobs ({}; {}): after a restart of Prometheus one is complete before the other, and without `for` that notifies at once",
                list(&left),
                list(&right)
            );
            out.push(rule.in_expr(&LINT, node.at, message).fix("add `for`, at least two scrape intervals long"));
        }
    });
}

/// The jobs that an aggregation reads, where all of them are known.
fn jobs(rule: &RuleView<'_>, expr: &Expr) -> Option<BTreeSet<String>> {
    if !matches!(expr.kind, Kind::Aggregate { .. }) {
        return None;
    }
    let selectors = expr.selectors();
    let job = |selector: &crate::formats::promql::Selector| {
        let ours =
            || rule.view.known(selector).and_then(|_| rule.facts().backend_jobs.iter().next().cloned());
        selector.pinned("job").map(ToOwned::to_owned).or_else(ours)
    };
    let jobs: Option<BTreeSet<_>> = selectors.iter().map(|(_, selector)| job(selector)).collect();
    jobs.filter(|jobs| !jobs.is_empty())
}
