//! `for: 0m` is the default; written down, it says that one bad sample is meant to notify.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::formats::promql::{Expr, Kind, Op};
use crate::model::PromDuration;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "zero-for",
    severity: Severity::Warning,
    doc: "`for: 0m`, or none: a single sample notifies.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    let Some(hold) = &rule.rule.hold else { return no_hold(rule, out) };
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

/// Nothing said at all is worth a word where one scrape decides about a measured value. A state (`== -1`), an absence
/// and an event over a range are rightly told at once.
fn no_hold(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    let severity = rule.rule.labels.get("severity").or_else(|| rule.group.labels.get("severity"));
    let is_for_people = severity.is_some_and(|severity| !matches!(severity.value.as_str(), "none" | "info"));
    let measured = |node: &Expr| {
        matches!(&node.kind, Kind::Binary(binary)
            if matches!(binary.op, Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual))
    };
    let told_at_once = |node: &Expr| match &node.kind {
        Kind::Selector(selector) => selector.range.is_some(),
        Kind::Call { function, .. } => function.starts_with("absent") || *function == "time",
        Kind::Subquery { .. } => true,
        _ => false,
    };
    if !rule.rule.is_alert() || !is_for_people || !rule.tree.any(&measured) || rule.tree.any(&told_at_once) {
        return;
    }
    let message = "without `for` a single sample notifies somebody".to_owned();
    let finding = rule.on_rule(&LINT, message).severity(Severity::Info);
    out.push(finding.fix("hold it for some evaluations, such as `for: 2m`"));
}
