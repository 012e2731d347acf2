//! Arithmetic on sets of values.
//!
//! The operations round to the nearest number, and rounding keeps the order: what is computed at the bounds
//! bounds everything between. It may reach an open bound, so results are closed.

use super::interval::{Interval, ValueSet, highest, lowest};
use crate::formats::promql::Op;

impl ValueSet {
    /// What `a OP b` can be for any of both.
    #[must_use]
    pub fn computed(self, op: Op, other: Self) -> Self {
        if self.is_none() || other.is_none() {
            return Self::NONE;
        }
        let (Some(a), Some(b)) = (self.span, other.span) else { return Self::ANY };
        let span = match op {
            Op::Add => hull(a, b, [(a.lo + b.lo), (a.hi + b.hi)], Op::Add),
            Op::Sub => hull(a, b, [(a.lo - b.hi), (a.hi - b.lo)], Op::Sub),
            Op::Mul => hull(a, b, corners(a, b, product), Op::Mul),
            Op::Div => quotient(a, b),
            Op::Mod => remainder(a, b),
            _ => None,
        };
        let exact = !self.odd && !other.odd && op != Op::Mod && is_finite(a) && is_finite(b) && b.lo != 0.0;
        Self {
            span: Some(span.unwrap_or(Interval::ALL)),
            odd: !exact || span.is_none_or(|span| !is_finite(span)),
        }
    }

    /// The values with the opposite sign.
    #[must_use]
    pub fn negated(self) -> Self {
        let negated = |span: Interval| Interval {
            lo: minus_zero(-span.hi),
            lo_open: span.hi_open,
            hi: plus_zero(-span.lo),
            hi_open: span.lo_open,
        };
        Self { span: self.span.map(negated), ..self }
    }
}

const fn is_finite(span: Interval) -> bool {
    span.lo.is_finite() && span.hi.is_finite()
}

/// A product at the bounds: 0 times anything stays 0, however large it gets.
fn product(a: f64, b: f64) -> f64 {
    if a == 0.0 && b.is_infinite() || a.is_infinite() && b == 0.0 { 0.0 } else { a * b }
}

fn corners(a: Interval, b: Interval, operation: fn(f64, f64) -> f64) -> [f64; 4] {
    [operation(a.lo, b.lo), operation(a.lo, b.hi), operation(a.hi, b.lo), operation(a.hi, b.hi)]
}

/// From the lowest to the highest of these; `None` when infinities met.
fn hull<const N: usize>(a: Interval, b: Interval, ends: [f64; N], op: Op) -> Option<Interval> {
    if ends.iter().any(|end| end.is_nan()) {
        return None;
    }
    let lo = ends.into_iter().reduce(lowest)?;
    let hi = ends.into_iter().reduce(highest)?;
    // 0 less 0 is +0, but a product or a difference of others may be -0.
    let positive = op != Op::Sub && a.lo.is_sign_positive() && b.lo.is_sign_positive();
    Some(Interval::closed(if positive { lo } else { minus_zero(lo) }, plus_zero(hi)))
}

fn quotient(a: Interval, b: Interval) -> Option<Interval> {
    if b.lo > 0.0 || b.hi < 0.0 {
        let ends = corners(a, b, |a, b| if a.is_infinite() && b.is_infinite() { f64::NAN } else { a / b });
        // Infinity by infinity is NaN; large by large is anywhere between what the other corners give.
        let known: Vec<_> = ends.into_iter().filter(|end| !end.is_nan()).collect();
        let lo = known.iter().copied().reduce(lowest)?;
        let hi = known.iter().copied().reduce(highest)?;
        let positive = a.lo.is_sign_positive() && b.lo.is_sign_positive();
        return Some(Interval::closed(if positive { lo } else { minus_zero(lo) }, plus_zero(hi)));
    }
    // By +0 it is infinity or NaN; by -0 it would be negative.
    (a.is_nonnegative() && b.lo.is_sign_positive())
        .then(|| Interval::closed(if a.lo.is_sign_positive() { 0.0 } else { -0.0 }, f64::INFINITY))
}

/// The sign is that of the dividend, the size below that of the divisor.
fn remainder(a: Interval, b: Interval) -> Option<Interval> {
    let size = b.only().filter(|size| size.is_finite() && *size != 0.0)?.abs();
    Some(Interval {
        lo: if a.is_nonnegative() { minus_zero(0.0) } else { -size },
        lo_open: !a.is_nonnegative(),
        hi: if a.hi <= 0.0 { 0.0 } else { size },
        hi_open: a.hi > 0.0,
    })
}

/// A low bound where -0 cannot be ruled out.
pub(super) fn minus_zero(bound: f64) -> f64 {
    if bound == 0.0 { -0.0 } else { bound }
}

/// A high bound is never -0.
pub(super) fn plus_zero(bound: f64) -> f64 {
    if bound == 0.0 { 0.0 } else { bound }
}
