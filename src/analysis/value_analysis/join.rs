//! Sides that never find each other, in words.

use super::describe::symbol;
use super::labels::{self, Conflict};
use super::unsatisfiable::Never;
use crate::analysis::routing::LabelDomain;
use crate::analysis::view::View;
use crate::analysis::labels::{LabelSet, output_labels};
use crate::formats::promql::{Binary};

/// Both sides have series, but none of the same labels.
pub(super) fn unmatched(view: &View<'_>, binary: &Binary, at: usize) -> Option<Never> {
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
