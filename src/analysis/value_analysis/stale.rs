//! Series that are not there while the other side is: a target's own while it is down, and a metric's while
//! `absent` returns something.

use super::describe::{named, symbol};
use super::unsatisfiable::Never;
use crate::analysis::conditions;
use crate::analysis::view::View;
use crate::formats::promql::{Binary, Expr, Kind, Op, Selector};

/// `up == 0 and m > 3`, `absent(m) and m`.
pub(super) fn gone(view: &View<'_>, binary: &Binary, at: usize) -> Option<Never> {
    if matches!(binary.op, Op::Or | Op::Unless | Op::Trim) || binary.fills {
        return None;
    }
    let sides = [(&binary.lhs, &binary.rhs), (&binary.rhs, &binary.lhs)];
    let found = |(one, other): (&Expr, &Expr)| {
        while_down(view, binary, one, other).or_else(|| while_absent(one, other))
    };
    let (why, fix) = sides.into_iter().find_map(found)?;
    Some(Never { at, why, fix })
}

/// Prometheus marks every series of a target as stale at the first scrape that fails.
fn while_down(view: &View<'_>, binary: &Binary, one: &Expr, other: &Expr) -> Option<(String, String)> {
    let up = asks_for_down(one)?;
    let own = |selector: &&Selector| is_of_the_same_target(view, binary, up, selector);
    let metric = needed(other).into_iter().find(own)?.name.as_deref()?;
    let op = symbol(binary.op);
    Some((
        format!(
            "while `up` is 0 the target's own series are stale, `{metric}` among them, so `{op}` never finds both"
        ),
        format!(
            "ask for the time before: `{op} on (job, instance) last_over_time({metric}[10m]) …`, or alert on one of the two"
        ),
    ))
}

/// `up == 0`, however it is written, with filters around it.
fn asks_for_down(expr: &Expr) -> Option<&Selector> {
    let binary = expr.as_binary()?;
    if binary.op == Op::And {
        return asks_for_down(&binary.lhs);
    }
    let conditions = conditions::conditions(expr);
    let [condition] = conditions.as_slice() else { return None };
    let up =
        condition.value.as_selector().filter(|up| up.name.as_deref() == Some("up") && !up.is_shifted())?;
    let holds = |value: f64| match condition.op {
        Op::Equal => value.total_cmp(&condition.threshold).is_eq(),
        Op::NotEqual => value.total_cmp(&condition.threshold).is_ne(),
        Op::Less => value < condition.threshold,
        Op::LessOrEqual => value <= condition.threshold,
        _ => false,
    };
    (holds(0.0) && !holds(1.0)).then_some(up)
}

/// The selectors that read now, and without which the expression returns nothing.
fn needed(expr: &Expr) -> Vec<&Selector> {
    let mut found = Vec::new();
    collect(expr, &mut found);
    found
}

fn collect<'e>(expr: &'e Expr, found: &mut Vec<&'e Selector>) {
    match &expr.kind {
        Kind::Selector(selector) if selector.range.is_none() && !selector.is_shifted() => {
            found.push(selector);
        }
        Kind::Call { function, args } if !matches!(*function, "absent" | "scalar" | "vector") => {
            for arg in args {
                collect(arg, found);
            }
        }
        Kind::Selector(_) | Kind::Number(_) | Kind::Text(_) | Kind::Subquery { .. } | Kind::Call { .. } => {}
        Kind::Negate(inner) | Kind::Aggregate { inner, .. } => collect(inner, found),
        Kind::Binary(binary) => match binary.op {
            Op::Or => {}
            Op::Unless => collect(&binary.lhs, found),
            _ if binary.fills => {}
            _ => {
                collect(&binary.lhs, found);
                collect(&binary.rhs, found);
            }
        },
    }
}

/// Matched series of the same job and instance come from one scrape; what Prometheus writes itself, or a rule
/// records, is there all the same.
fn is_of_the_same_target(view: &View<'_>, binary: &Binary, up: &Selector, selector: &Selector) -> bool {
    let Some(name) = selector.name.as_deref() else { return false };
    let made_here = name == "up" || name.starts_with("scrape_") || name.starts_with("ALERTS");
    if made_here || name.contains(':') || view.recorded.contains_key(name) || !binary.matches_by("instance") {
        return false;
    }
    let job = |selector: &Selector| selector.pinned("job").map(ToOwned::to_owned);
    let ours = || view.known(selector).and_then(|_| view.facts.backend_jobs.iter().next().cloned());
    match (job(up), job(selector).or_else(ours)) {
        (Some(up), Some(own)) => up == own,
        _ => binary.matches_by("job"),
    }
}

/// `absent` returns something only while the series are not there.
fn while_absent(one: &Expr, other: &Expr) -> Option<(String, String)> {
    let asked = asks_for_absence(one)?;
    let present = needed(other).into_iter().find(|selector| conditions::part_of(selector, asked))?;
    let name = present.name.as_deref()?;
    Some((
        format!(
            "`{}` returns something only while `{name}` has no series, and the other side needs one",
            named_absent(one)
        ),
        "write `or` between them if either is meant".to_owned(),
    ))
}

fn asks_for_absence(expr: &Expr) -> Option<&Selector> {
    match &expr.kind {
        Kind::Call { function: "absent" | "absent_over_time", args } => {
            args.first()?.as_selector().filter(|selector| !selector.is_shifted() && selector.name.is_some())
        }
        Kind::Binary(binary) if binary.op == Op::And || binary.rhs.is_scalar() => {
            asks_for_absence(&binary.lhs)
        }
        _ => None,
    }
}

fn named_absent(expr: &Expr) -> String {
    match &expr.kind {
        Kind::Binary(binary) => named_absent(&binary.lhs),
        _ => named(expr),
    }
}
