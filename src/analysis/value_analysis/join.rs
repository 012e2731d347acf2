//! Sides that never find each other, in words.

use super::describe::symbol;
use super::labels::{self, Conflict};
use super::unsatisfiable::Never;
use crate::analysis::labels::{LabelSet, Presence, ResultLabels, output_labels};
use crate::analysis::routing::LabelDomain;
use crate::analysis::view::View;
use crate::formats::promql::{Binary, Expr, Grouping, Kind, Matching, Op, Selector};

/// Nobody writes an expression with more parts.
const MOST_NODES: usize = 150;

/// Both sides have series, but none of the same labels.
pub(super) fn unmatched(view: &View<'_>, binary: &Binary, at: usize) -> Option<Never> {
    if binary.lhs.is_scalar() || binary.rhs.is_scalar() || matches!(binary.op, Op::Or | Op::Unless | Op::Trim)
    {
        return None;
    }
    other_values(view, binary, at).or_else(|| other_names(view, binary, at))
}

/// A label has other values on the one side than on the other.
fn other_values(view: &View<'_>, binary: &Binary, at: usize) -> Option<Never> {
    let Conflict { label, left, right } = labels::conflict(view, binary)?;
    let op = symbol(binary.op);
    let fix =
        format!("say which labels are to be matched: `{op} {} …`", matching(binary, &label, &left, &right));
    Some(Never {
        at,
        why: format!(
            "`{op}` matches series by their labels, and `{label}` never agrees: the left side has {}, the right side {}",
            holds(&label, &left),
            holds(&label, &right)
        ),
        fix,
    })
}

/// One side always has a label that the other one never has.
fn other_names(view: &View<'_>, binary: &Binary, at: usize) -> Option<Never> {
    if is_generated(binary) || are_alike(binary) {
        return None;
    }
    let (left, right) = (view.result_labels(&binary.lhs), view.result_labels(&binary.rhs));
    let [missing_right, missing_left] = [lacking(binary, &left, &right), lacking(binary, &right, &left)];
    if missing_left.is_empty() && missing_right.is_empty() {
        return None;
    }
    let lack = |side: &str, missing: &[&str]| match missing {
        [] => None,
        labels => Some(format!("the {side} side lacks {}", listed(labels))),
    };
    let lacks: Vec<_> =
        lack("right", &missing_right).into_iter().chain(lack("left", &missing_left)).collect();
    let by = match &binary.matching {
        Matching::All => "all of their labels".to_owned(),
        Matching::On(labels) => listed(labels),
        Matching::Ignoring(labels) => format!("all of their labels but {}", listed(labels)),
    };
    let op = symbol(binary.op);
    let why = format!("`{op}` matches series by {by}, and {}, so none match", lacks.join(", "));
    let common: Vec<_> = left.always().intersection(right.always()).map(String::as_str).collect();
    let fix = if binary.op.is_set() {
        format!("match by what both sides have: `{op} on ({}) …`", common.join(", "))
    } else {
        "give both sides the same labels: `sum by (…)` on both, or `label_replace` where one name stands for the other".to_owned()
    };
    Some(Never { at, why, fix })
}

/// Both sides group the same metric by the same labels, as most shares do: what one has, the other has.
fn are_alike(binary: &Binary) -> bool {
    let (
        Kind::Aggregate { op, inner: left, grouping: Grouping::By(by), .. },
        Kind::Aggregate { op: other, inner: right, grouping: Grouping::By(same), .. },
    ) = (&binary.lhs.kind, &binary.rhs.kind)
    else {
        return false;
    };
    let (Some(left), Some(right)) = (read_by(left), read_by(right)) else { return false };
    // What a matcher asks for, only its own side certainly has.
    let asks = |selector: &Selector| selector.matchers.iter().any(|matcher| by.contains(&matcher.label));
    op == other
        && *op == "sum"
        && by == same
        && left.name.is_some()
        && left.name == right.name
        && !asks(left)
        && !asks(right)
}

/// The selector behind at most one function.
fn read_by(expr: &Expr) -> Option<&Selector> {
    match &expr.kind {
        Kind::Selector(selector) => Some(selector),
        Kind::Call { function: "rate" | "increase" | "irate", args } => args.first()?.as_selector(),
        _ => None,
    }
}

/// A generated expression would be walked through again at each of its operators.
fn is_generated(binary: &Binary) -> bool {
    let mut nodes = 0;
    for side in [&binary.lhs, &binary.rhs] {
        side.walk(&mut |_| nodes += 1);
    }
    nodes > MOST_NODES
}

/// The matched labels that each element of one side has and no element of the other.
fn lacking<'l>(binary: &Binary, one: &'l ResultLabels, other: &ResultLabels) -> Vec<&'l str> {
    let labels = one.always().iter().filter(|label| binary.matches_by(label));
    labels.filter(|label| other.presence(label) == Presence::Never).map(String::as_str).collect()
}

/// `` `a` and `b` ``.
fn listed<S: AsRef<str>>(labels: &[S]) -> String {
    let labels: Vec<_> = labels.iter().map(|label| format!("`{}`", label.as_ref())).collect();
    labels.join(" and ")
}

/// A match that leaves the label out.
fn matching(binary: &Binary, label: &str, left: &LabelDomain, right: &LabelDomain) -> String {
    let bare = |side| output_labels(side) == LabelSet::none();
    let labels = if bare(&binary.lhs) || bare(&binary.rhs) {
        "on ()".to_owned()
    } else {
        format!("ignoring ({label})")
    };
    // Many of one side then meet one of the side that has fewer labels.
    match (binary.op.is_set(), left.is_absent(), right.is_absent()) {
        (false, true, _) => format!("{labels} group_right ()"),
        (false, _, true) => format!("{labels} group_left ()"),
        _ => labels,
    }
}

fn holds(label: &str, known: &LabelDomain) -> String {
    match known {
        _ if known.is_absent() => format!("no `{label}`"),
        LabelDomain::OneOf(values) => {
            let values: Vec<_> = values.iter().map(|value| format!("{label}=\"{value}\"")).collect();
            values.join(" or ")
        }
        LabelDomain::NoneOf(values) if values.iter().all(str::is_empty) => format!("a `{label}`"),
        LabelDomain::NoneOf(values) => {
            let values: Vec<_> = values.iter().map(|value| format!("{label}=\"{value}\"")).collect();
            format!("anything but {}", values.join(" and "))
        }
    }
}
