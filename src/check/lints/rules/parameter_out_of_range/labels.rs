//! `label_replace` and `label_join` from what is not there.

use super::Mistake;
use crate::analysis::labels::{LabelSet, Presence, ResultLabels};
use crate::analysis::view::View;
use crate::formats::anchored_regex::anchored;
use crate::formats::promql::{Expr, Kind};
use crate::model::closest_name;

pub(super) fn mistake(view: &View<'_>, node: &Expr) -> Option<Mistake> {
    match &node.kind {
        Kind::Call { function: "label_replace", args } => capture_group(args).or_else(|| source(view, args)),
        Kind::Call { function: "label_join", args } => sources(view, args),
        _ => None,
    }
}

fn text(expr: &Expr) -> Option<&str> {
    match &expr.kind {
        Kind::Text(text) => Some(text),
        _ => None,
    }
}

/// A group that is not there stands for nothing, and an empty label is none.
fn capture_group(args: &[Expr]) -> Option<Mistake> {
    let [_, label, replacement, _, pattern] = args else { return None };
    let (label, made, pattern) = (text(label)?, text(replacement)?, text(pattern)?);
    let groups = anchored(pattern)?.captures_len() - 1;
    let number = made.strip_prefix('$').map(|rest| rest.trim_start_matches('{').trim_end_matches('}'))?;
    let number: usize = number.parse().ok().filter(|number| *number > groups)?;
    let message = format!(
        "`{made}` is a group that the pattern `{pattern}` does not have, so the label `{label}` is always removed"
    );
    let fix = format!("put what group {number} should take in parentheses");
    Some(Mistake::new(replacement.at, message, fix).warning())
}

/// A constant is made without any source; with `$1` there is nothing to take.
fn source(view: &View<'_>, args: &[Expr]) -> Option<Mistake> {
    let [vector, target, replacement, source, pattern] = args else { return None };
    let (label, made, from) = (text(target)?, text(replacement)?, text(source)?);
    let takes_nothing = anchored(text(pattern)?)?.is_match("");
    if from.is_empty() || takes_nothing && !made.contains('$') {
        return None;
    }
    let own = view.result_labels(vector);
    if own.presence(from) != Presence::Never {
        return None;
    }
    let effect = if takes_nothing {
        format!("so `{label}` gets what the pattern makes of nothing")
    } else {
        "so the pattern never matches and nothing is replaced".to_owned()
    };
    let message = format!("none of the series has the label `{from}` ({}), {effect}", known(&own));
    Some(Mistake::new(source.at, message, instead(&own, from)).warning())
}

fn sources(view: &View<'_>, args: &[Expr]) -> Option<Mistake> {
    let own = view.result_labels(args.first()?);
    let missing = args.iter().skip(3).find(|arg| {
        text(arg).is_some_and(|label| !label.is_empty() && own.presence(label) == Presence::Never)
    })?;
    let from = text(missing)?;
    let message = format!(
        "none of the series has the label `{from}` ({}), so its part of the joined label is always empty",
        known(&own)
    );
    Some(Mistake::new(missing.at, message, instead(&own, from)).warning())
}

fn known(own: &ResultLabels) -> String {
    match &own.possible {
        LabelSet::Only(labels) if labels.is_empty() => "they have none at all".to_owned(),
        LabelSet::Only(labels) => {
            format!("only {}", labels.iter().map(String::as_str).collect::<Vec<_>>().join(", "))
        }
        LabelSet::AllBut(_) => "the expression drops it".to_owned(),
    }
}

fn instead(own: &ResultLabels, from: &str) -> String {
    let near = match &own.possible {
        LabelSet::Only(labels) => closest_name(from, labels.iter().map(String::as_str)),
        LabelSet::AllBut(_) => None,
    };
    near.map_or_else(
        || "name a label that the series have".to_owned(),
        |near| format!("did you mean `{near}`?"),
    )
}
