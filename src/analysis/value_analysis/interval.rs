//! A set of numbers: everything between two bounds, and perhaps what is no number.

use crate::formats::promql::Op;

/// The numbers between two bounds; a bound that is open does not belong to it.
///
/// A low bound of -0 says that -0 is among them, one of +0 that it is not: dividing by it tells them apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub lo: f64,
    pub lo_open: bool,
    pub hi: f64,
    pub hi_open: bool,
}

/// The values that the elements of an expression can have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValueSet {
    /// The numbers; `None` when there are none.
    pub span: Option<Interval>,
    /// NaN or a native histogram may be among them.
    pub odd: bool,
}

impl Interval {
    /// Every number.
    pub const ALL: Self = Self::closed(f64::NEG_INFINITY, f64::INFINITY);

    /// The numbers from `lo` to `hi`, both included.
    pub const fn closed(lo: f64, hi: f64) -> Self {
        Self { lo, lo_open: false, hi, hi_open: false }
    }

    /// The only number, if there is but one.
    #[expect(clippy::float_cmp, reason = "exactly one number is meant")]
    pub fn only(self) -> Option<f64> {
        (self.lo == self.hi).then_some(self.hi)
    }

    /// True when it holds no number below 0.
    pub fn is_nonnegative(self) -> bool {
        self.lo >= 0.0
    }

    /// `None` when no number is in both.
    pub fn and(self, other: Self) -> Option<Self> {
        let (lo, lo_open) = match self.lo.partial_cmp(&other.lo)? {
            std::cmp::Ordering::Less => (other.lo, other.lo_open),
            std::cmp::Ordering::Greater => (self.lo, self.lo_open),
            std::cmp::Ordering::Equal => (highest(self.lo, other.lo), self.lo_open || other.lo_open),
        };
        let (hi, hi_open) = match self.hi.partial_cmp(&other.hi)? {
            std::cmp::Ordering::Less => (self.hi, self.hi_open),
            std::cmp::Ordering::Greater => (other.hi, other.hi_open),
            std::cmp::Ordering::Equal => (self.hi, self.hi_open || other.hi_open),
        };
        Self { lo, lo_open, hi, hi_open }.unless_empty()
    }

    /// The smallest span that has everything of both.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let (lo, lo_open) = match self.lo.partial_cmp(&other.lo) {
            Some(std::cmp::Ordering::Less) => (self.lo, self.lo_open),
            Some(std::cmp::Ordering::Greater) => (other.lo, other.lo_open),
            _ => (lowest(self.lo, other.lo), self.lo_open && other.lo_open),
        };
        let (hi, hi_open) = match self.hi.partial_cmp(&other.hi) {
            Some(std::cmp::Ordering::Less) => (other.hi, other.hi_open),
            Some(std::cmp::Ordering::Greater) => (self.hi, self.hi_open),
            _ => (self.hi, self.hi_open && other.hi_open),
        };
        Self { lo, lo_open, hi, hi_open }
    }

    /// Without one number; only at a bound does that leave a span.
    #[expect(clippy::float_cmp, reason = "exactly this number is taken out")]
    fn without(self, number: f64) -> Option<Self> {
        Self {
            lo_open: self.lo_open || self.lo == number,
            hi_open: self.hi_open || self.hi == number,
            ..self
        }
        .unless_empty()
    }

    fn unless_empty(self) -> Option<Self> {
        let open = self.lo_open || self.hi_open;
        (if open { self.lo < self.hi } else { self.lo <= self.hi }).then_some(self)
    }

    /// Everything that `number OP this` can be true for; `!=` is not a span.
    fn satisfying(self, op: Op) -> Self {
        // A comparison cannot tell the two zeros apart.
        let lo = if self.lo == 0.0 { -0.0 } else { self.lo };
        match op {
            Op::Equal => Self { lo, ..self },
            Op::Less => Self { lo: f64::NEG_INFINITY, lo_open: false, hi_open: true, ..self },
            Op::LessOrEqual => Self { lo: f64::NEG_INFINITY, lo_open: false, ..self },
            Op::Greater => Self { lo, lo_open: true, hi: f64::INFINITY, hi_open: false },
            Op::GreaterOrEqual => Self { lo, lo_open: self.lo_open, hi: f64::INFINITY, hi_open: false },
            _ => Self::ALL,
        }
    }
}

impl ValueSet {
    /// Anything: nothing is known.
    pub const ANY: Self = Self { span: Some(Interval::ALL), odd: true };
    /// There is no element.
    pub const NONE: Self = Self { span: None, odd: false };

    /// Only numbers.
    pub const fn numbers(lo: f64, hi: f64) -> Self {
        Self { span: Some(Interval::closed(lo, hi)), odd: false }
    }

    /// This one number.
    pub fn exactly(number: f64) -> Self {
        // Adding 0 takes the sign off a zero: a high bound has none.
        if number.is_nan() { Self { span: None, odd: true } } else { Self::numbers(number, number + 0.0) }
    }

    /// The same, and NaN.
    #[must_use]
    pub const fn or_odd(self) -> Self {
        Self { odd: true, ..self }
    }

    /// True when it holds nothing at all.
    pub const fn is_none(self) -> bool {
        self.span.is_none() && !self.odd
    }

    /// What either of both may hold.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let span = match (self.span, other.span) {
            (Some(a), Some(b)) => Some(a.or(b)),
            (a, b) => a.or(b),
        };
        Self { span, odd: self.odd || other.odd }
    }

    /// Those for which `value OP other` can be true.
    #[must_use]
    pub fn narrowed(self, op: Op, other: Self) -> Self {
        if self.is_none() || other.is_none() {
            return Self::NONE;
        }
        if op == Op::NotEqual {
            return self.unequal(other);
        }
        let numbers = |(own, other): (Interval, Interval)| own.and(other.satisfying(op));
        // Two histograms can be equal; NaN satisfies no other comparison.
        let odd = op == Op::Equal && self.odd && other.odd;
        Self { span: self.span.zip(other.span).and_then(numbers), odd }
    }

    /// NaN is unequal to everything, itself included.
    fn unequal(self, other: Self) -> Self {
        match other.span.and_then(Interval::only).filter(|_| !other.odd) {
            Some(number) => Self { span: self.span.and_then(|span| span.without(number)), ..self },
            None => self,
        }
    }

    /// Whether `value OP other` is true for every pair.
    pub fn always(self, op: Op, other: Self) -> bool {
        let nan = (self.odd || other.odd) && op != Op::NotEqual;
        !nan && opposite(op).is_some_and(|opposite| self.narrowed(opposite, other).is_none())
    }
}

/// True of numbers exactly where the other one is not.
pub(super) const fn opposite(op: Op) -> Option<Op> {
    Some(match op {
        Op::Equal => Op::NotEqual,
        Op::NotEqual => Op::Equal,
        Op::Less => Op::GreaterOrEqual,
        Op::LessOrEqual => Op::Greater,
        Op::Greater => Op::LessOrEqual,
        Op::GreaterOrEqual => Op::Less,
        _ => return None,
    })
}

/// The lower one; -0 is below 0.
pub(super) fn lowest(a: f64, b: f64) -> f64 {
    if a.total_cmp(&b).is_le() { a } else { b }
}

/// The higher one; 0 is above -0.
pub(super) fn highest(a: f64, b: f64) -> f64 {
    if a.total_cmp(&b).is_ge() { a } else { b }
}
