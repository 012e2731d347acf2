//! `a / on (service) b` with several `b` for a service: Prometheus refuses to evaluate that.

use super::elements::{self, Element, Elements};
use crate::analysis::value_analysis::symbol;
use crate::analysis::view::View;
use crate::formats::promql::{Binary, Cardinality, Matching, Op};

/// With all labels matched there is never more than one.
fn needs_one(binary: &Binary) -> bool {
    (binary.op.is_arithmetic() || binary.op.is_comparison())
        && binary.op != Op::Trim
        && binary.matching != Matching::All
        && !binary.lhs.is_scalar()
        && !binary.rhs.is_scalar()
}

/// Why Prometheus refuses to evaluate an operator on the contract's own series, and what to write instead.
pub fn refused(view: &View<'_>, binary: &Binary) -> Option<(String, String)> {
    if !needs_one(binary) {
        return None;
    }
    let of = |side| elements::elements(view, side);
    let (left, right) = (of(&binary.lhs), of(&binary.rhs));
    let several = |side: &Option<Elements>| side.as_ref().and_then(|side| several(binary, side));
    let op = symbol(binary.op);
    let group = group(binary);
    match (&binary.cardinality, several(&left), several(&right)) {
        (Cardinality::GroupLeft(_), left, Some(pair)) => {
            let turn =
                if left.is_none() { "write `group_right` if the right side is the many, or " } else { "" };
            Some((
                reason(binary, "right", &pair),
                format!("{turn}aggregate the right side: `sum by ({group}) (…)`"),
            ))
        }
        (Cardinality::GroupRight(_), Some(pair), right) => {
            let turn =
                if right.is_none() { "write `group_left` if the left side is the many, or " } else { "" };
            Some((
                reason(binary, "left", &pair),
                format!("{turn}aggregate the left side: `sum by ({group}) (…)`"),
            ))
        }
        (Cardinality::OneToOne, Some(_), Some(pair)) => Some((
            reason(binary, "right", &pair),
            format!("aggregate both sides by what they are matched by: `sum by ({group}) (…)`"),
        )),
        (Cardinality::OneToOne, None, Some(pair)) if left.is_some() => Some((
            reason(binary, "right", &pair),
            format!("write `{op} {} group_right …`, or aggregate the right side", modifier(binary)),
        )),
        (Cardinality::OneToOne, Some(pair), None) if right.is_some() => Some((
            reason(binary, "left", &pair),
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

fn reason(binary: &Binary, side: &str, (one, other): &(Element, Element)) -> String {
    let differing = elements::differing(one, other);
    let text = |labels: &Element| {
        let shown = differing.iter().filter_map(|label| Some((label, labels.get(label)?)));
        let shown: Vec<_> = shown.map(|(label, value)| format!("{label}={value:?}")).collect();
        if shown.is_empty() { "the one without".to_owned() } else { shown.join(", ") }
    };
    format!(
        "`{} {}` needs one series per group on the {side} side, and there are several, such as {} and {}: Prometheus refuses to evaluate that",
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
