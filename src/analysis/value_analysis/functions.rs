//! What functions and aggregations can return, by what they are given.

use super::arithmetic::{minus_zero, plus_zero};
use super::interval::{Interval, ValueSet, highest, lowest};
use crate::formats::promql::Expr;

/// The values of a call, given those of its arguments. `rate` and its kin are not here: what they return
/// depends on where their samples are from.
pub(super) fn called(function: &str, args: &[Expr], of: &dyn Fn(&Expr) -> ValueSet) -> ValueSet {
    let arg = |index: usize| args.get(index).map_or(ValueSet::ANY, of);
    let vector = || args.iter().find(|arg| !arg.is_scalar()).map_or(ValueSet::ANY, of);
    match function {
        "absent" | "absent_over_time" | "present_over_time" => ValueSet::exactly(1.0),
        "count_over_time" => ValueSet::numbers(1.0, f64::INFINITY),
        "changes" | "resets" | "time" => ValueSet::numbers(0.0, f64::INFINITY),
        "pi" => ValueSet::exactly(std::f64::consts::PI),
        "day_of_month" => ValueSet::numbers(1.0, 31.0),
        "day_of_week" => ValueSet::numbers(0.0, 6.0),
        "day_of_year" => ValueSet::numbers(1.0, 366.0),
        "days_in_month" => ValueSet::numbers(28.0, 31.0),
        "hour" => ValueSet::numbers(0.0, 23.0),
        "minute" => ValueSet::numbers(0.0, 59.0),
        "month" => ValueSet::numbers(1.0, 12.0),
        "sqrt" | "exp" | "stddev_over_time" | "mad_over_time" => {
            ValueSet::numbers(-0.0, f64::INFINITY).or_odd()
        }
        "sin" | "cos" => ValueSet::numbers(-1.0, 1.0).or_odd(),
        "abs" => each(arg(0), absolute),
        "sgn" => each(arg(0), |span| Interval::closed(sign(span.lo), sign(span.hi))),
        "ceil" | "floor" => each(arg(0), whole),
        "round" => each(arg(0), if args.len() == 1 { whole } else { signed }),
        "clamp" => clamped(arg(0), arg(1), arg(2)),
        "clamp_max" => at_most(arg(0), arg(1)),
        "clamp_min" => at_least(arg(0), arg(1)),
        "avg_over_time" => each(vector(), rounded),
        "sum_over_time" => each(vector(), summed),
        "min_over_time" | "max_over_time" | "last_over_time" | "first_over_time" => vector(),
        "quantile_over_time" => quantile(args.first(), vector()),
        "label_replace" | "label_join" | "sort" | "sort_desc" | "sort_by_label" | "sort_by_label_desc" => {
            arg(0)
        }
        "vector" => arg(0),
        // NaN unless there is exactly one.
        "scalar" => arg(0).or_odd(),
        _ => ValueSet::ANY,
    }
}

/// The values of an aggregation, given those of what it aggregates.
pub(super) fn aggregated(op: &str, param: Option<&Expr>, inner: ValueSet) -> ValueSet {
    match op {
        "count" | "count_values" => ValueSet::numbers(1.0, f64::INFINITY),
        "group" => ValueSet::exactly(1.0),
        "sum" => each(inner, summed),
        "avg" => each(inner, rounded),
        "quantile" => quantile(param, inner),
        "stddev" => ValueSet::numbers(-0.0, f64::INFINITY).or_odd(),
        "min" | "max" | "topk" | "bottomk" | "limitk" | "limit_ratio" => inner,
        _ => ValueSet::ANY,
    }
}

fn each(values: ValueSet, change: fn(Interval) -> Interval) -> ValueSet {
    match values.span {
        Some(span) => ValueSet { span: Some(change(span)), ..values },
        None => ValueSet::ANY,
    }
}

fn absolute(span: Interval) -> Interval {
    let (lo, hi) = (span.lo.abs(), span.hi.abs());
    let most = highest(lo, hi);
    if span.lo > 0.0 || span.hi < 0.0 {
        Interval::closed(lowest(lo, hi), most)
    } else {
        Interval::closed(0.0, most)
    }
}

fn sign(bound: f64) -> f64 {
    if bound == 0.0 { bound } else { bound.signum() }
}

/// Rounding to whole numbers, whichever way.
fn whole(span: Interval) -> Interval {
    Interval::closed(minus_zero(span.lo.floor()), plus_zero(span.hi.ceil()))
}

/// Of the bounds only the sign is certain.
fn signed(span: Interval) -> Interval {
    let lo = if span.is_nonnegative() { -0.0 } else { f64::NEG_INFINITY };
    let hi = if span.hi <= 0.0 { 0.0 } else { f64::INFINITY };
    Interval::closed(lo, hi)
}

/// A sum of what is never negative is no less than any of it.
fn summed(span: Interval) -> Interval {
    let lo = if span.is_nonnegative() { span.lo } else { f64::NEG_INFINITY };
    let hi = if span.hi <= 0.0 { span.hi } else { f64::INFINITY };
    Interval::closed(lo, hi)
}

/// A mean lies between, up to the rounding of its sum and its division; whole bounds are kept by both.
fn rounded(span: Interval) -> Interval {
    Interval::closed(span.lo - slack(span.lo, 1e9), span.hi + slack(span.hi, 1e9))
}

/// How far rounding may miss a bound; never where it is a whole number up to `exact`.
fn slack(bound: f64, exact: f64) -> f64 {
    let keeps = bound.is_infinite() || bound.fract() == 0.0 && bound.abs() <= exact;
    if keeps { 0.0 } else { bound.abs() * 1e-9 }
}

/// Beyond 0 to 1 a quantile is infinite.
fn quantile(share: Option<&Expr>, values: ValueSet) -> ValueSet {
    match share.and_then(Expr::constant) {
        Some(share) if (0.0..=1.0).contains(&share) => each(values, interpolated).or_odd(),
        _ => ValueSet::ANY,
    }
}

/// As for a mean, but the two weights of a quantile are only exact for 0 and 1.
fn interpolated(span: Interval) -> Interval {
    Interval::closed(span.lo - slack(span.lo, 1.0), span.hi + slack(span.hi, 1.0))
}

fn at_most(values: ValueSet, most: ValueSet) -> ValueSet {
    let (Some(span), Some(bound)) = (values.span, most.span) else { return ValueSet::ANY };
    let span = Interval::closed(lowest(span.lo, bound.lo), plus_zero(lowest(span.hi, bound.hi)));
    ValueSet { span: Some(span), odd: values.odd || most.odd }
}

fn at_least(values: ValueSet, least: ValueSet) -> ValueSet {
    let (Some(span), Some(bound)) = (values.span, least.span) else { return ValueSet::ANY };
    let span = Interval::closed(highest(span.lo, bound.lo), plus_zero(highest(span.hi, bound.hi)));
    ValueSet { span: Some(span), odd: values.odd || least.odd }
}

/// Nothing is returned where the lower bound is above the upper one.
fn clamped(values: ValueSet, least: ValueSet, most: ValueSet) -> ValueSet {
    if least.narrowed(crate::formats::promql::Op::LessOrEqual, most).is_none() && !least.odd && !most.odd {
        return ValueSet::NONE;
    }
    at_least(at_most(values, most), least)
}
