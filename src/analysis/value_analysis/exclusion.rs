//! Conditions that exclude each other, in words.

use super::advice::{because, instead, is_filter};
use super::constraints::{self, Condition};
use super::describe::{named, range, symbol};
use super::equivalence::same;
use super::infer::values;
use super::interval::Interval;
use super::unsatisfiable::Never;
use crate::analysis::conditions;
use crate::analysis::view::View;
use crate::formats::promql::{Binary, Expr, Op};

/// Conditions on one value that no number satisfies together.
pub(super) fn excluded(view: &View<'_>, expr: &Expr) -> Option<Never> {
    let claims = constraints::constraints(expr);
    // Arithmetic alone asks for nothing.
    let by_base = if claims.iter().all(|claim| claim.condition.is_none()) {
        Vec::new()
    } else {
        constraints::by_base(&claims)
    };
    by_base
        .iter()
        .find_map(|(base, found)| {
            alone(view, base, found)
                .or_else(|| opposed(view, base, found))
                .or_else(|| (found.len() > 2).then(|| together(view, base, found)).flatten())
        })
        // Where nothing is certain of one element, as in a comparison of sums with `on`, the ranges still are.
        .or_else(|| apart(view, expr))
}

/// One condition that the value cannot reach.
fn alone(view: &View<'_>, base: &Expr, found: &[Condition<'_>]) -> Option<Never> {
    let unreachable = |condition: &&Condition<'_>| {
        constraints::left_over(view, base, &[**condition]).is_none()
            || condition.paired && is_own(base, condition)
    };
    found
        .iter()
        .find(unreachable)
        .map(|condition| beyond(view, base, condition.op, condition.other, condition.at))
}

/// `x > x`: nothing is more than itself. NaN is unequal to itself.
fn is_own(base: &Expr, condition: &Condition<'_>) -> bool {
    matches!(condition.op, Op::Greater | Op::Less) && same(base, constraints::base(condition.other))
}

fn beyond(view: &View<'_>, base: &Expr, op: Op, other: &Expr, at: usize) -> Never {
    let (value, sign, wanted) = (named(base), symbol(op), named(other));
    let span = values(view, base).span.map_or_else(|| "is no number".to_owned(), range);
    let own = same(base, constraints::base(other));
    let why = if !own && values(view, base).span == Some(Interval::ALL) {
        format!("no value is `{sign} {wanted}`, so this is never true")
    } else if own {
        format!("both sides are `{value}`, so `{value} {sign} {wanted}` is never true")
    } else {
        format!("`{value}` {span}{}, so `{sign} {wanted}` is never true", because(base))
    };
    Never { at: if own { at } else { conditions::first_offset(other) }, why, fix: instead(base, op, other) }
}

/// Two conditions of which only one can hold.
fn opposed(view: &View<'_>, base: &Expr, found: &[Condition<'_>]) -> Option<Never> {
    let pairs = found
        .iter()
        .enumerate()
        .flat_map(|(index, later)| found.iter().take(index).map(move |earlier| (earlier, later)));
    let (a, b) = pairs.into_iter().find(|(a, b)| {
        constraints::left_over(view, base, &[**a, **b]).is_none() || a.paired && b.paired && are_opposed(a, b)
    })?;
    let (first, last) = if a.at <= b.at { (a, b) } else { (b, a) };
    let value = named(base);
    let text =
        |condition: &Condition<'_>| format!("`{value} {} {}`", symbol(condition.op), named(condition.other));
    Some(Never {
        at: last.at,
        why: format!("{} and {} exclude each other: no value is both", text(first), text(last)),
        fix: "write `or` between them if either is meant, else correct one of them".to_owned(),
    })
}

/// `x > y` and `x < y`.
fn are_opposed(a: &Condition<'_>, b: &Condition<'_>) -> bool {
    let exclude = |a: Op, b: Op| {
        matches!(
            (a, b),
            (Op::Greater, Op::Less | Op::LessOrEqual | Op::Equal)
                | (Op::Less, Op::GreaterOrEqual | Op::Equal)
                | (Op::Equal, Op::NotEqual)
        )
    };
    (exclude(a.op, b.op) || exclude(b.op, a.op))
        && same(constraints::base(a.other), constraints::base(b.other))
}

/// Three and more.
fn together(view: &View<'_>, base: &Expr, found: &[Condition<'_>]) -> Option<Never> {
    let last = found.last().filter(|_| constraints::left_over(view, base, found).is_none())?;
    let value = named(base);
    let texts: Vec<_> = found.iter().map(|c| format!("`{} {}`", symbol(c.op), named(c.other))).collect();
    Some(Never {
        at: last.at,
        why: format!("the conditions on `{value}` exclude each other: {}", texts.join(", ")),
        fix: "write `or` between them if either is meant, else correct one of them".to_owned(),
    })
}

/// A comparison whose sides have no values that satisfy it.
fn apart(view: &View<'_>, expr: &Expr) -> Option<Never> {
    let binary = expr.as_binary().filter(|_| is_filter(expr))?;
    let swapped = binary.lhs.is_scalar() && !binary.rhs.is_scalar();
    let (left, right) = if swapped { (&binary.rhs, &binary.lhs) } else { (&binary.lhs, &binary.rhs) };
    let op = if swapped { binary.op.mirrored() } else { binary.op };
    let possible = values(view, left).narrowed(op, values(view, right));
    possible.is_none().then(|| beyond(view, constraints::base(left), op, right, expr.at))
}

/// `unless` leaves nothing: the right side has whatever the left side has.
pub(super) fn taken_away(view: &View<'_>, binary: &Binary, at: usize) -> Option<Never> {
    let claims = constraints::constraints(&binary.lhs);
    let known = constraints::by_base(&claims);
    constraints::certainly_returns(view, &binary.rhs, &known).then(|| Never {
        at,
        why: format!(
            "`unless` takes away everything that the left side returns: `{}` returns it too",
            named(&binary.rhs)
        ),
        fix: "use `and` if both are meant, else a narrower condition on the right".to_owned(),
    })
}
