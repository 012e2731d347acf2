//! What functions and aggregations can return, by what they are given.

use super::arithmetic::{minus_zero, plus_zero};
use super::span::{Span, Values, highest, lowest};
use crate::formats::promql::Expr;

/// The values of a call, given those of its arguments. `rate` and its kin are not here: what they return
/// depends on where their samples are from.
pub(super) fn called(function: &str, args: &[Expr], of: &dyn Fn(&Expr) -> Values) -> Values {
    let arg = |index: usize| args.get(index).map_or(Values::ANY, of);
    let vector = || args.iter().find(|arg| !arg.is_scalar()).map_or(Values::ANY, of);
    match function {
        "absent" | "absent_over_time" | "present_over_time" => Values::exactly(1.0),
        "count_over_time" => Values::numbers(1.0, f64::INFINITY),
        "changes" | "resets" | "time" => Values::numbers(0.0, f64::INFINITY),
        "pi" => Values::exactly(std::f64::consts::PI),
        "day_of_month" => Values::numbers(1.0, 31.0),
        "day_of_week" => Values::numbers(0.0, 6.0),
        "day_of_year" => Values::numbers(1.0, 366.0),
        "days_in_month" => Values::numbers(28.0, 31.0),
        "hour" => Values::numbers(0.0, 23.0),
        "minute" => Values::numbers(0.0, 59.0),
        "month" => Values::numbers(1.0, 12.0),
        "sqrt" | "exp" | "stddev_over_time" | "mad_over_time" => {
            Values::numbers(-0.0, f64::INFINITY).or_odd()
        }
        "sin" | "cos" => Values::numbers(-1.0, 1.0).or_odd(),
        "abs" => each(arg(0), absolute),
        "sgn" => each(arg(0), |span| Span::closed(sign(span.lo), sign(span.hi))),
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
        _ => Values::ANY,
    }
}

/// The values of an aggregation, given those of what it aggregates.
pub(super) fn aggregated(op: &str, param: Option<&Expr>, inner: Values) -> Values {
    match op {
        "count" | "count_values" => Values::numbers(1.0, f64::INFINITY),
        "group" => Values::exactly(1.0),
        "sum" => each(inner, summed),
        "avg" => each(inner, rounded),
        "quantile" => quantile(param, inner),
        "stddev" => Values::numbers(-0.0, f64::INFINITY).or_odd(),
        "min" | "max" | "topk" | "bottomk" | "limitk" | "limit_ratio" => inner,
        _ => Values::ANY,
    }
}

fn each(values: Values, change: fn(Span) -> Span) -> Values {
    match values.span {
        Some(span) => Values { span: Some(change(span)), ..values },
        None => Values::ANY,
    }
}

fn absolute(span: Span) -> Span {
    let (lo, hi) = (span.lo.abs(), span.hi.abs());
    let most = highest(lo, hi);
    if span.lo > 0.0 || span.hi < 0.0 { Span::closed(lowest(lo, hi), most) } else { Span::closed(0.0, most) }
}

fn sign(bound: f64) -> f64 {
    if bound == 0.0 { bound } else { bound.signum() }
}

/// Rounding to whole numbers, whichever way.
fn whole(span: Span) -> Span {
    Span::closed(minus_zero(span.lo.floor()), plus_zero(span.hi.ceil()))
}

/// Of the bounds only the sign is certain.
fn signed(span: Span) -> Span {
    let lo = if span.is_nonnegative() { -0.0 } else { f64::NEG_INFINITY };
    let hi = if span.hi <= 0.0 { 0.0 } else { f64::INFINITY };
    Span::closed(lo, hi)
}

/// A sum of what is never negative is no less than any of it.
fn summed(span: Span) -> Span {
    let lo = if span.is_nonnegative() { span.lo } else { f64::NEG_INFINITY };
    let hi = if span.hi <= 0.0 { span.hi } else { f64::INFINITY };
    Span::closed(lo, hi)
}

/// A mean lies between, up to the rounding of its sum and its division; whole bounds are kept by both.
fn rounded(span: Span) -> Span {
    Span::closed(span.lo - slack(span.lo, 1e9), span.hi + slack(span.hi, 1e9))
}

/// How far rounding may miss a bound; never where it is a whole number up to `exact`.
fn slack(bound: f64, exact: f64) -> f64 {
    let keeps = bound.is_infinite() || bound.fract() == 0.0 && bound.abs() <= exact;
    if keeps { 0.0 } else { bound.abs() * 1e-9 }
}

/// Beyond 0 to 1 a quantile is infinite.
fn quantile(share: Option<&Expr>, values: Values) -> Values {
    match share.and_then(Expr::constant) {
        Some(share) if (0.0..=1.0).contains(&share) => each(values, interpolated).or_odd(),
        _ => Values::ANY,
    }
}

/// As for a mean, but the two weights of a quantile are only exact for 0 and 1.
fn interpolated(span: Span) -> Span {
    Span::closed(span.lo - slack(span.lo, 1.0), span.hi + slack(span.hi, 1.0))
}

fn at_most(values: Values, most: Values) -> Values {
    let (Some(span), Some(bound)) = (values.span, most.span) else { return Values::ANY };
    let span = Span::closed(lowest(span.lo, bound.lo), plus_zero(lowest(span.hi, bound.hi)));
    Values { span: Some(span), odd: values.odd || most.odd }
}

fn at_least(values: Values, least: Values) -> Values {
    let (Some(span), Some(bound)) = (values.span, least.span) else { return Values::ANY };
    let span = Span::closed(highest(span.lo, bound.lo), plus_zero(highest(span.hi, bound.hi)));
    Values { span: Some(span), odd: values.odd || least.odd }
}

/// Nothing is returned where the lower bound is above the upper one.
fn clamped(values: Values, least: Values, most: Values) -> Values {
    if least.narrowed(crate::formats::promql::Op::LessOrEqual, most).is_none() && !least.odd && !most.odd {
        return Values::NONE;
    }
    at_least(at_most(values, most), least)
}
