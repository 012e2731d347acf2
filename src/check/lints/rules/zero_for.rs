//! `for: 0m` is the default; written down, it says that one bad sample is meant to notify.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::formats::promql::Kind;
use crate::model::PromDuration;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "zero-for",
    severity: Severity::Warning,
    doc: "`for: 0m`: a single sample notifies.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    let Some(hold) = &rule.rule.hold else { return };
    if !PromDuration::parse(&hold.value).is_some_and(|duration| duration.length().is_zero()) {
        return;
    }
    // A range already averages over time, so there the zero is merely redundant.
    let smoothed = rule.tree.any(&|node| matches!(&node.kind, Kind::Selector(s) if s.range.is_some()));
    let (severity, effect) = if smoothed {
        (Severity::Info, "is the default and says nothing")
    } else {
        (Severity::Warning, "lets a single sample notify somebody")
    };
    let message = format!("`for: {}` {effect}", hold.value);
    let finding = rule.in_scalar(&LINT, hold, 0, message).severity(severity);
    out.push(
        finding.fix(
            "hold it for some evaluations, such as `for: 2m`; or leave `for` out and say why in a comment",
        ),
    );
}
