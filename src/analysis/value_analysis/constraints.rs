//! What is certain of one element of a result: which expressions have an element with its labels, and what
//! was asked of their values.

use super::equivalence::{is_unique, matches_exactly, same};
use super::infer::values;
use super::interval::ValueSet;
use crate::analysis::view::View;
use crate::formats::promql::{Binary, Cardinality, Expr, Kind, Op};

/// Expressions that ask for more are not looked at: every pair is compared.
const MOST: usize = 64;

/// `base` has an element with the labels of the result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim<'a> {
    pub base: &'a Expr,
    /// What its value satisfies.
    pub condition: Option<Condition<'a>>,
}

/// `base OP other`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Condition<'a> {
    pub op: Op,
    pub other: &'a Expr,
    /// The other side is one number, or the element of the same labels.
    pub paired: bool,
    /// Offset of the operator.
    pub at: usize,
}

/// Every claim of an expression; none when they are too many.
pub(super) fn constraints(expr: &Expr) -> Vec<Claim<'_>> {
    let mut found = Vec::new();
    collect(expr, &mut found);
    if found.len() > MOST {
        return Vec::new();
    }
    found.retain(|claim| is_unique(claim.base));
    found
}

fn collect<'a>(expr: &'a Expr, found: &mut Vec<Claim<'a>>) {
    if found.len() > MOST {
        return;
    }
    if let Kind::Binary(binary) = &expr.kind
        && passes_on(binary)
    {
        found.extend(conditions(binary, expr.at));
    } else {
        found.push(Claim { base: expr, condition: None });
    }
    match &expr.kind {
        Kind::Binary(binary) => match sides(binary) {
            Sides::Left => collect(&binary.lhs, found),
            Sides::Right => collect(&binary.rhs, found),
            Sides::Both => {
                collect(&binary.lhs, found);
                collect(&binary.rhs, found);
            }
            Sides::Neither => {}
        },
        Kind::Negate(inner) => collect(inner, found),
        Kind::Call { function, args } if is_elementwise(function) => {
            args.first().into_iter().for_each(|arg| collect(arg, found));
        }
        Kind::Aggregate { op, inner, .. } => {
            let op: &str = op;
            if matches!(op, "topk" | "bottomk" | "limitk" | "limit_ratio") {
                collect(inner, found);
            }
        }
        _ => {}
    }
}

/// The expression whose value an element has: what filters it is taken off.
pub(super) fn base(expr: &Expr) -> &Expr {
    match &expr.kind {
        Kind::Binary(binary) if passes_on(binary) => base(value_side(binary)),
        _ => expr,
    }
}

/// A filter, whose elements keep the labels and the value of one side.
fn passes_on(binary: &Binary) -> bool {
    match binary.op {
        Op::And | Op::Unless => true,
        op if op.is_comparison() && !binary.returns_bool => {
            matches!(sides(binary), Sides::Left | Sides::Both)
                || binary.lhs.is_scalar() && !binary.rhs.is_scalar()
        }
        _ => false,
    }
}

fn value_side(binary: &Binary) -> &Expr {
    if binary.op.is_comparison() && binary.lhs.is_scalar() { &binary.rhs } else { &binary.lhs }
}

/// The sides that have an element with the labels of the result.
enum Sides {
    Left,
    Right,
    Both,
    Neither,
}

fn sides(binary: &Binary) -> Sides {
    match binary.op {
        Op::Or => Sides::Neither,
        Op::Unless => Sides::Left,
        _ if binary.lhs.is_scalar() && binary.rhs.is_scalar() => Sides::Neither,
        _ if binary.lhs.is_scalar() => Sides::Right,
        _ if binary.rhs.is_scalar() => Sides::Left,
        _ if matches_exactly(binary) => Sides::Both,
        Op::And => Sides::Left,
        // Nothing is copied, so the labels are those of the side that is "many".
        _ => match &binary.cardinality {
            Cardinality::GroupLeft(copied) if copied.is_empty() => Sides::Left,
            Cardinality::GroupRight(copied) if copied.is_empty() && !is_filter(binary) => Sides::Right,
            _ => Sides::Neither,
        },
    }
}

fn is_filter(binary: &Binary) -> bool {
    binary.op.is_comparison() && !binary.returns_bool
}

/// What a filter asks of each of its sides.
fn conditions(binary: &Binary, at: usize) -> Vec<Claim<'_>> {
    let (lhs, rhs, op) = (&binary.lhs, &binary.rhs, binary.op);
    if !op.is_comparison() {
        return Vec::new();
    }
    let claim = |side, op, other, paired| Claim {
        base: base(side),
        condition: Some(Condition { op, other, paired, at }),
    };
    if lhs.is_scalar() {
        return vec![claim(rhs, op.mirrored(), lhs, true)];
    }
    if rhs.is_scalar() {
        return vec![claim(lhs, op, rhs, true)];
    }
    match sides(binary) {
        Sides::Both => vec![claim(lhs, op, rhs, true), claim(rhs, op.mirrored(), lhs, true)],
        _ => vec![claim(lhs, op, rhs, false)],
    }
}

/// Each element of the result is computed from the one of the same labels.
fn is_elementwise(function: &str) -> bool {
    matches!(
        function,
        "abs"
            | "ceil"
            | "floor"
            | "round"
            | "clamp"
            | "clamp_max"
            | "clamp_min"
            | "sgn"
            | "sqrt"
            | "exp"
            | "ln"
            | "log2"
            | "log10"
            | "sort"
            | "sort_desc"
            | "timestamp"
    )
}

/// The values that `base` can still have when all of these hold.
pub(super) fn left_over(view: &View<'_>, base: &Expr, conditions: &[Condition<'_>]) -> ValueSet {
    let others: Vec<_> = conditions.iter().map(|found| (found.op, values(view, found.other))).collect();
    // Twice: `!=` takes a number out only once the others have made it a bound.
    others.iter().chain(&others).fold(values(view, base), |left, (op, other)| left.narrowed(*op, *other))
}

/// The conditions of each expression that something is asked of.
pub(super) fn by_base<'a>(claims: &[Claim<'a>]) -> Vec<(&'a Expr, Vec<Condition<'a>>)> {
    let mut groups: Vec<(&Expr, Vec<Condition<'_>>)> = Vec::new();
    for claim in claims {
        match groups.iter_mut().find(|(base, _)| same(base, claim.base)) {
            Some((_, conditions)) => conditions.extend(claim.condition),
            None => groups.push((claim.base, claim.condition.into_iter().collect())),
        }
    }
    groups
}

/// Whether the first expression certainly has an element wherever the claims hold, with what they say of
/// its value.
pub(super) fn certainly_returns(view: &View<'_>, expr: &Expr, known: &[(&Expr, Vec<Condition<'_>>)]) -> bool {
    let of = |inner: &Expr| certainly_returns(view, inner, known);
    let value = |expr: &Expr| {
        let wanted = base(expr);
        known.iter().find(|(base, _)| same(base, wanted)).map(|(base, found)| left_over(view, base, found))
    };
    if known.iter().any(|(base, _)| same(base, expr)) {
        return true;
    }
    let Kind::Binary(binary) = &expr.kind else { return false };
    let (lhs, rhs) = (&binary.lhs, &binary.rhs);
    match binary.op {
        Op::Or => of(lhs) || of(rhs),
        Op::And => of(lhs) && of(rhs),
        op if is_filter(binary) && rhs.is_scalar() => {
            of(lhs) && value(lhs).is_some_and(|value| value.always(op, values(view, rhs)))
        }
        op if is_filter(binary) && lhs.is_scalar() => {
            of(rhs) && value(rhs).is_some_and(|value| value.always(op.mirrored(), values(view, lhs)))
        }
        _ => false,
    }
}
