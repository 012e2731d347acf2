//! How the two sides of an operator find each other, where that is not as it was meant:
//! `rate(x{status="failed"}[5m]) / rate(x[5m])` divides every series by itself, so the result is 1, or NaN at
//! 0/0, whatever the true share.

use std::collections::BTreeSet;

use crate::analysis::conditions;
use crate::analysis::labels::{LabelSet, Presence, elements};
use crate::analysis::view::View;
use crate::formats::promql::{Binary, Expr, Grouping, Kind, MatchOp, Matching, Op, Selector};

/// What is wrong with how the two sides of an operator find each other, and what to write.
pub fn mistake(view: &View<'_>, node: &Expr) -> Option<(String, String)> {
    let Kind::Binary(binary) = &node.kind else { return None };
    if !(binary.op.is_arithmetic() || binary.op.is_comparison())
        || binary.fills
        || binary.lhs.is_scalar()
        || binary.rhs.is_scalar()
    {
        return None;
    }
    let divided = || {
        let of_series = || itself(view, binary).or_else(|| one_sided(view, binary));
        of_series().or_else(|| kept_on_both(binary)).or_else(|| several(view, binary))
    };
    (binary.op == Op::Div)
        .then(divided)
        .flatten()
        .or_else(|| disjoint(binary))
        .or_else(|| other_groups(view, binary))
}

/// The selector behind functions only, and the outermost function; nothing that merges series.
fn plain(expr: &Expr) -> Option<(&Selector, &str)> {
    match &expr.kind {
        Kind::Selector(selector) => Some((selector, "")),
        Kind::Call { function, args } => {
            let inner = args.iter().find(|arg| !arg.is_scalar())?;
            match *function {
                "clamp" | "clamp_min" | "clamp_max" | "round" | "abs" => plain(inner),
                "rate" | "irate" | "increase" | "delta" | "idelta" | "avg_over_time" | "max_over_time"
                | "sum_over_time" | "last_over_time" => {
                    plain(inner).map(|(selector, _)| (selector, *function))
                }
                _ => None,
            }
        }
        Kind::Binary(binary) => plain(wrapped(binary)?),
        _ => None,
    }
}

/// The operand whose series and labels the result has, for operators that only scale, filter or fill up:
/// `x * 100`, `x > 0` and `x or vector(0)`.
fn wrapped(binary: &Binary) -> Option<&Expr> {
    let (left, right) = (binary.lhs.constant().is_some(), binary.rhs.constant().is_some());
    let keeps = binary.op == Op::Mul || binary.op.is_comparison() && !binary.returns_bool;
    match (left, right) {
        (false, true) if keeps || binary.op == Op::Div => Some(&binary.lhs),
        (true, false) if keeps => Some(&binary.rhs),
        (false, false) if binary.op == Op::Or => {
            binary.rhs.as_call().filter(|(function, _)| *function == "vector").map(|_| &binary.lhs)
        }
        _ => None,
    }
}

/// The aggregation behind what only scales, filters or fills up.
fn aggregation(expr: &Expr) -> Option<&Expr> {
    match &expr.kind {
        Kind::Aggregate { .. } => Some(expr),
        Kind::Call { function, args }
            if matches!(*function, "clamp" | "clamp_min" | "clamp_max" | "round" | "abs") =>
        {
            aggregation(args.first()?)
        }
        Kind::Binary(binary) => aggregation(wrapped(binary)?),
        _ => None,
    }
}

/// Part and whole are the same series.
fn itself(view: &View<'_>, binary: &Binary) -> Option<(String, String)> {
    let ((part, left), (whole, right)) = (plain(&binary.lhs)?, plain(&binary.rhs)?);
    let same = left == right && part.range == whole.range && !part.is_shifted() && !whole.is_shifted();
    if !same || part.name.is_none() || !conditions::part_of(part, whole) {
        return None;
    }
    let extra: Vec<_> =
        part.matchers.iter().filter(|m| !whole.matchers.iter().any(|other| other.same(m))).collect();
    if !extra.iter().all(|matcher| binary.matches_by(&matcher.label)) {
        return None;
    }
    let by = reaching_itself(view, binary)?;
    let filters: Vec<_> =
        extra.iter().map(|m| format!("{}{}\"{}\"", m.label, symbol(m.op), m.value)).collect();
    let which =
        if filters.is_empty() { "series".to_owned() } else { format!("series with {}", filters.join(", ")) };
    let name = part.name.as_deref().unwrap_or_default();
    Some((
        format!(
            "each {which} of `{name}` is divided by itself, because `/` matches series by {by}: the result is always 1 (NaN when nothing happens), whatever the true share"
        ),
        format!(
            "aggregate both sides: `sum by (job, instance) ({0}) / sum by (job, instance) ({0})`",
            call(left)
        ),
    ))
}

/// By what each series meets itself; `None` where it may meet another one as well.
fn reaching_itself(view: &View<'_>, binary: &Binary) -> Option<String> {
    let list = |labels: &[String]| labels.iter().map(|l| format!("`{l}`")).collect::<Vec<_>>().join(", ");
    let whole = view.result_labels(&binary.rhs);
    match &binary.matching {
        Matching::All => Some("all of their labels".to_owned()),
        Matching::On(labels) => {
            let matches_all =
                matches!(&whole.possible, LabelSet::Only(own) if own.iter().all(|own| labels.contains(own)));
            // Where nothing is known, whoever names the labels knows that they tell the series apart.
            let unknown = matches!(whole.possible, LabelSet::AllBut(_));
            (matches_all || unknown || is_told_apart(view, binary)).then(|| list(labels))
        }
        Matching::Ignoring(labels) => {
            let nothing_ignored = labels.iter().all(|label| whole.presence(label) == Presence::Never);
            (nothing_ignored || is_told_apart(view, binary))
                .then(|| format!("all of their labels but {}", list(labels)))
        }
    }
}

/// In the contract's data no two series of the whole look the same to the operator.
fn is_told_apart(view: &View<'_>, binary: &Binary) -> bool {
    elements::elements(view, &binary.rhs).is_some_and(|found| {
        elements::collision(&found, &|labels| elements::signature(binary, labels)).is_none()
    })
}

fn call(function: &str) -> String {
    if function.is_empty() { "…".to_owned() } else { format!("{function}(…)") }
}

const fn symbol_of(op: Op) -> &'static str {
    match op {
        Op::Div => "/",
        Op::Mul => "*",
        Op::Add => "+",
        Op::Sub => "-",
        Op::Less => "<",
        Op::LessOrEqual => "<=",
        Op::Greater => ">",
        Op::GreaterOrEqual => ">=",
        Op::Equal => "==",
        Op::NotEqual => "!=",
        _ => "…",
    }
}

const fn symbol(op: MatchOp) -> &'static str {
    match op {
        MatchOp::Equal => "=",
        MatchOp::NotEqual => "!=",
        MatchOp::Matches => "=~",
        MatchOp::MatchesNot => "!~",
    }
}

/// One side is aggregated, the other one keeps all of its labels: nothing matches.
fn one_sided(view: &View<'_>, binary: &Binary) -> Option<(String, String)> {
    if binary.matching != Matching::All {
        return None;
    }
    let aggregated = |expr: &Expr| {
        let merges = |op: &str| op == "sum" || op == "count";
        aggregation(expr).is_some_and(|one| matches!(&one.kind, Kind::Aggregate { op, .. } if merges(op)))
    };
    let (sum, bare, side) =
        match (aggregated(&binary.lhs), plain(&binary.rhs), plain(&binary.lhs), aggregated(&binary.rhs)) {
            (true, Some((bare, _)), _, _) => (&binary.lhs, bare, "right"),
            (_, _, Some((bare, _)), true) => (&binary.rhs, bare, "left"),
            _ => return None,
        };
    let LabelSet::Only(kept) = view.labels_of(sum) else { return None };
    let same_metric =
        sum.selectors().iter().all(|(_, selector)| selector.name == bare.name && bare.name.is_some());
    let recorded = bare.name.as_deref().is_some_and(|name| view.recorded.contains_key(name));
    // Every scraped series has an `instance`, and those of the backend all labels of their family: two
    // different sets of labels cannot be equal.
    let has_more = || {
        view.known(bare).is_some_and(|series| {
            series.family.samples > 0 && series.label_names().any(|label| !kept.contains(label))
        })
    };
    if !same_metric || recorded || kept.contains("instance") && !has_more() {
        return None;
    }
    Some((
        format!(
            "the {side} side keeps all labels of `{}`, the other side {}: no series match, so the result is always empty",
            bare.name.as_deref().unwrap_or_default(),
            only(kept.iter().map(String::as_str))
        ),
        "aggregate both sides by the same labels".to_owned(),
    ))
}

/// `only a and b`, or `none`.
fn only<'l>(labels: impl IntoIterator<Item = &'l str>) -> String {
    let labels: Vec<_> = labels.into_iter().map(|label| format!("`{label}`")).collect();
    if labels.is_empty() { "none".to_owned() } else { format!("only {}", labels.join(", ")) }
}

/// `sum by (path) (…) / sum(…)`: the sides group by different labels, and nothing says which to compare.
fn other_groups(view: &View<'_>, binary: &Binary) -> Option<(String, String)> {
    if binary.matching != Matching::All {
        return None;
    }
    let (lhs, rhs) = (aggregation(&binary.lhs)?, aggregation(&binary.rhs)?);
    let (left, right) = (groups(view, lhs)?, groups(view, rhs)?);
    if left == right {
        return None;
    }
    Some((
        format!(
            "the left side has {}, the right side {}: no series match, so the result is always empty",
            names(&left),
            names(&right)
        ),
        format!(
            "group both sides by the same labels, or say which to compare: `{} on (…) group_left`",
            symbol_of(binary.op)
        ),
    ))
}

/// The labels that an aggregation groups by, if its series surely have them.
fn groups<'e>(view: &View<'_>, expr: &'e Expr) -> Option<BTreeSet<&'e str>> {
    let Kind::Aggregate { op, inner, grouping: Grouping::By(labels), .. } = &expr.kind else { return None };
    let merges =
        matches!(*op, "sum" | "avg" | "min" | "max" | "count" | "group" | "stddev" | "stdvar" | "quantile");
    let kept = view.labels_of(inner);
    let exists = |label: &str| match &kept {
        LabelSet::Only(known) => known.contains(label),
        // Of series that we know nothing of, the author knows the labels.
        LabelSet::AllBut(gone) => !gone.contains(label),
    };
    (merges && labels.iter().all(|label| exists(label))).then(|| labels.iter().map(String::as_str).collect())
}

fn names(labels: &BTreeSet<&str>) -> String {
    let names: Vec<_> = labels.iter().map(|label| format!("`{label}`")).collect();
    match names.as_slice() {
        [] => "no labels".to_owned(),
        [one] => format!("only the label {one}"),
        _ => format!("only the labels {}", names.join(", ")),
    }
}

/// `sum by (status) (rate(x{status="failed"}[5m])) / sum by (status) (rate(x[5m]))`: the aggregation keeps
/// what the part is chosen by.
fn kept_on_both(binary: &Binary) -> Option<(String, String)> {
    let (lhs, rhs) = (aggregation(&binary.lhs)?, aggregation(&binary.rhs)?);
    let (
        Kind::Aggregate { op, inner: part, grouping, .. },
        Kind::Aggregate { op: other, inner: whole, grouping: same, .. },
    ) = (&lhs.kind, &rhs.kind)
    else {
        return None;
    };
    let ((part, left), (whole, right)) = (plain(part)?, plain(whole)?);
    let alike = op == other && grouping == same && left == right && part.range == whole.range;
    if !alike
        || part.is_shifted()
        || whole.is_shifted()
        || part.name.is_none()
        || !conditions::part_of(part, whole)
    {
        return None;
    }
    let extra: Vec<_> =
        part.matchers.iter().filter(|m| !whole.matchers.iter().any(|other| other.same(m))).collect();
    let kept = |label: &str| match grouping {
        Grouping::By(labels) => labels.iter().any(|kept| kept == label),
        Grouping::Without(labels) => !labels.iter().any(|gone| gone == label),
    };
    if extra.is_empty() || !extra.iter().all(|m| kept(&m.label) && binary.matches_by(&m.label)) {
        return None;
    }
    let labels: Vec<_> = extra.iter().map(|m| format!("`{}`", m.label)).collect();
    let labels = labels.join(", ");
    Some((
        format!(
            "both sides keep {labels}, by which the part was chosen, so each part is divided by itself: the result is always 1 (NaN when nothing happens), whatever the true share"
        ),
        format!("aggregate {labels} away on both sides"),
    ))
}

/// `rate(x{status="failed"}[5m]) / ignoring (status) rate(x[5m])`: one on the left meets several.
fn several(view: &View<'_>, binary: &Binary) -> Option<(String, String)> {
    let ((part, left), (whole, right)) = (plain(&binary.lhs)?, plain(&binary.rhs)?);
    let recorded = part.name.as_deref().is_none_or(|name| view.recorded.contains_key(name));
    if left != right || recorded || !conditions::part_of(part, whole) {
        return None;
    }
    let mut extra = part.matchers.iter().filter(|m| !whole.matchers.iter().any(|other| other.same(m)));
    let label = &extra.find(|m| !binary.matches_by(&m.label))?.label;
    Some((
        format!(
            "the right side has one series for each `{label}`, so one on the left meets several: Prometheus refuses that with `multiple matches for labels`, and the alert never fires"
        ),
        format!(
            "add them up: `/ ignoring ({label}) group_left sum without ({label}) (…)`, or aggregate both sides"
        ),
    ))
}

/// Both sides pin a matched label to different values.
fn disjoint(binary: &Binary) -> Option<(String, String)> {
    let ((part, _), (whole, _)) = (plain(&binary.lhs)?, plain(&binary.rhs)?);
    let differs = |m: &&crate::formats::promql::Matcher| {
        m.op == MatchOp::Equal
            && binary.matches_by(&m.label)
            && whole.pinned(&m.label).is_some_and(|other| other != m.value)
    };
    let matcher = part.matchers.iter().find(differs)?;
    let other = whole.pinned(&matcher.label)?;
    Some((
        format!(
            "the left side has {0}=\"{1}\", the right side {0}=\"{other}\": no series match, so the result is always empty",
            matcher.label, matcher.value
        ),
        format!("write `{} ignoring ({})`, or aggregate both sides", symbol_of(binary.op), matcher.label),
    ))
}
