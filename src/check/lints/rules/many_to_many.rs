//! `a / on (service) b` with several `b` for a service: Prometheus refuses to evaluate that, so nothing fires.

use crate::analysis::labels::elements::{self, Element, Elements};
use crate::analysis::value_analysis::symbol;
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::formats::promql::{Binary, Cardinality, Matching, Op};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "many-to-many",
    severity: Severity::Bug,
    doc: "Several series stand where an operator needs one for each group: the rule fails to evaluate.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    rule.tree.walk(&mut |node| {
        let Some(binary) = node.as_binary().filter(|binary| needs_one(binary)) else { return };
        if let Some((message, fix)) = mistake(rule, binary) {
            out.push(rule.in_expr(&LINT, node.at, message).fix(fix));
        }
    });
}

/// With all labels matched there is never more than one.
fn needs_one(binary: &Binary) -> bool {
    (binary.op.is_arithmetic() || binary.op.is_comparison())
        && binary.op != Op::Trim
        && binary.matching != Matching::All
        && !binary.lhs.is_scalar()
        && !binary.rhs.is_scalar()
}

/// What the contract's own series do to it.
fn mistake(rule: &RuleView<'_>, binary: &Binary) -> Option<(String, String)> {
    let of = |side| elements::elements(rule.view, side);
    let (left, right) = (of(&binary.lhs), of(&binary.rhs));
    let several = |side: &Option<Elements>| side.as_ref().and_then(|side| several(binary, side));
    let op = symbol(binary.op);
    let group = group(binary);
    match (&binary.cardinality, several(&left), several(&right)) {
        (Cardinality::GroupLeft(_), left, Some(pair)) => {
            let turn =
                if left.is_none() { "write `group_right` if the right side is the many, or " } else { "" };
            Some((
                refused(binary, "right", &pair),
                format!("{turn}aggregate the right side: `sum by ({group}) (…)`"),
            ))
        }
        (Cardinality::GroupRight(_), Some(pair), right) => {
            let turn =
                if right.is_none() { "write `group_left` if the left side is the many, or " } else { "" };
            Some((
                refused(binary, "left", &pair),
                format!("{turn}aggregate the left side: `sum by ({group}) (…)`"),
            ))
        }
        (Cardinality::OneToOne, Some(_), Some(pair)) => Some((
            refused(binary, "right", &pair),
            format!("aggregate both sides by what they are matched by: `sum by ({group}) (…)`"),
        )),
        (Cardinality::OneToOne, None, Some(pair)) if left.is_some() => Some((
            refused(binary, "right", &pair),
            format!("write `{op} {} group_right …`, or aggregate the right side", modifier(binary)),
        )),
        (Cardinality::OneToOne, Some(pair), None) if right.is_some() => Some((
            refused(binary, "left", &pair),
            format!("write `{op} {} group_left …`, or aggregate the left side", modifier(binary)),
        )),
        _ => None,
    }
}

/// Two elements of one group; of what is filtered only one may be left.
fn several(binary: &Binary, side: &Elements) -> Option<(Element, Element)> {
    let pair = elements::collision(side, &|labels| elements::signature(binary, labels));
    pair.filter(|_| !side.filtered).map(|(one, other)| (one.clone(), other.clone()))
}

fn refused(binary: &Binary, side: &str, (one, other): &(Element, Element)) -> String {
    let differing = elements::differing(one, other);
    let text = |labels: &Element| {
        let shown = differing.iter().filter_map(|label| Some((label, labels.get(label)?)));
        let shown: Vec<_> = shown.map(|(label, value)| format!("{label}={value:?}")).collect();
        if shown.is_empty() { "the one without".to_owned() } else { shown.join(", ") }
    };
    format!(
        "`{} {}` needs one series per group on the {side} side, and there are several, such as {} and {}: Prometheus refuses to evaluate that, so the rule does nothing",
        symbol(binary.op),
        modifier(binary),
        text(one),
        text(other)
    )
}

fn modifier(binary: &Binary) -> String {
    match &binary.matching {
        Matching::All => String::new(),
        Matching::On(labels) => format!("on ({})", labels.join(", ")),
        Matching::Ignoring(labels) => format!("ignoring ({})", labels.join(", ")),
    }
}

/// What both sides would be grouped by.
fn group(binary: &Binary) -> String {
    match &binary.matching {
        Matching::On(labels) if !labels.is_empty() => labels.join(", "),
        _ => "…".to_owned(),
    }
}
