//! What an expression means to its reader: its conditions, and whether it is a share.

use crate::formats::promql::{Binary, Expr, Kind, MatchOp, Matching, Op, Selector};

/// `value OP threshold`, with the number on the right whichever way it was written.
#[derive(Clone, Copy, Debug)]
pub struct Condition<'a> {
    pub value: &'a Expr,
    pub op: Op,
    pub threshold: f64,
    /// Offset of the threshold.
    pub threshold_at: usize,
    /// It only restricts something else: an operand of `and` or `unless`.
    pub guarded: bool,
}

/// Every comparison with a number that filters.
pub fn conditions(expr: &Expr) -> Vec<Condition<'_>> {
    let mut found = Vec::new();
    collect(expr, false, &mut found);
    found
}

fn collect<'a>(expr: &'a Expr, guarded: bool, found: &mut Vec<Condition<'a>>) {
    if let Kind::Binary(binary) = &expr.kind {
        found.extend(condition(binary, guarded));
        let guards = guarded || matches!(binary.op, Op::And | Op::Unless);
        collect(&binary.lhs, guards, found);
        collect(&binary.rhs, guards, found);
    } else {
        expr.children(&mut |child| collect(child, guarded, found));
    }
}

fn condition(binary: &Binary, guarded: bool) -> Option<Condition<'_>> {
    if !binary.op.is_comparison() || binary.returns_bool {
        return None;
    }
    if let Some(threshold) = binary.rhs.constant() {
        let threshold_at = first_offset(&binary.rhs);
        return Some(Condition { value: &binary.lhs, op: binary.op, threshold, threshold_at, guarded });
    }
    let threshold = binary.lhs.constant()?;
    let threshold_at = first_offset(&binary.lhs);
    Some(Condition { value: &binary.rhs, op: binary.op.mirrored(), threshold, threshold_at, guarded })
}

/// Where the text of an expression of numbers begins.
pub fn first_offset(expr: &Expr) -> usize {
    let mut first = expr.at;
    expr.walk(&mut |node| first = first.min(node.at));
    first
}

/// The node behind functions that leave the scale alone, and the factor it is multiplied with.
pub fn core(expr: &Expr) -> (&Expr, f64) {
    let through = |inner: &'_ Expr| -> bool { !inner.is_scalar() };
    match &expr.kind {
        Kind::Call { function, args } if keeps_scale(function) => {
            args.iter().find(|arg| through(arg)).map_or((expr, 1.0), core)
        }
        Kind::Aggregate { op, inner, .. } if matches!(*op, "max" | "min" | "avg" | "topk" | "bottomk") => {
            core(inner)
        }
        Kind::Binary(binary) => match (binary.op, binary.lhs.constant(), binary.rhs.constant()) {
            (Op::Mul, None, Some(factor)) => scaled(&binary.lhs, factor),
            (Op::Mul, Some(factor), None) => scaled(&binary.rhs, factor),
            (Op::Div, None, Some(divisor)) => scaled(&binary.lhs, 1.0 / divisor),
            _ => (expr, 1.0),
        },
        Kind::Subquery { inner, .. } => core(inner),
        _ => (expr, 1.0),
    }
}

fn scaled(expr: &Expr, factor: f64) -> (&Expr, f64) {
    let (inner, more) = core(expr);
    (inner, more * factor)
}

fn keeps_scale(function: &str) -> bool {
    matches!(
        function,
        "round"
            | "ceil"
            | "floor"
            | "abs"
            | "clamp"
            | "clamp_max"
            | "clamp_min"
            | "sort"
            | "sort_desc"
            | "label_replace"
            | "label_join"
            | "avg_over_time"
            | "max_over_time"
            | "min_over_time"
            | "last_over_time"
            | "quantile_over_time"
    )
}

/// The value that a firing alert carries: the left side of its conditions.
pub fn value(expr: &Expr) -> &Expr {
    match &expr.kind {
        Kind::Binary(binary) if binary.op.is_comparison() && !binary.returns_bool => {
            if binary.lhs.is_scalar() { value(&binary.rhs) } else { value(&binary.lhs) }
        }
        Kind::Binary(binary) if binary.op.is_set() => value(&binary.lhs),
        _ => expr,
    }
}

/// A share of a whole: 0 to 1, times `factor`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    pub factor: f64,
    /// Part and whole are one metric, so the share cannot pass 1.
    pub certain: bool,
    /// By their names, as with `used` and `total`, one is a part of the other.
    pub named: bool,
    pub at: usize,
}

/// Whether an expression is a share of something.
pub fn share(expr: &Expr) -> Option<Share> {
    let (inner, factor) = core(expr);
    let scaled = |share: Share| Share { factor: share.factor * factor, ..share };
    match &inner.kind {
        Kind::Binary(binary) if binary.op == Op::Div => divided(binary, inner.at).map(scaled),
        // `1 - share` and `100 - percent`.
        Kind::Binary(binary) if binary.op == Op::Sub => {
            let whole = binary.lhs.constant()?;
            let rest = share(&binary.rhs)?;
            ((whole - rest.factor).abs() < 1e-9).then(|| scaled(rest))
        }
        Kind::Selector(selector) => {
            let name = selector.name.as_deref()?;
            let named = name.split([':', '_']).any(|word| word == "ratio");
            // An average of what is 0 or 1.
            let uptime = name == "up" && !std::ptr::eq(inner, expr);
            let share = Share { factor, certain: uptime, named: false, at: inner.at };
            (named || uptime).then_some(share)
        }
        _ => None,
    }
}

fn divided(binary: &Binary, at: usize) -> Option<Share> {
    if binary.lhs.is_scalar() || binary.rhs.is_scalar() {
        return None;
    }
    let parts = binary.lhs.selectors();
    let wholes = binary.rhs.selectors();
    let (part, whole) = (parts.first()?.1, wholes.first()?.1);
    let (part_name, whole_name) = (part.name.as_deref()?, whole.name.as_deref()?);
    // `_sum / _count` is a mean, in the unit of the sum.
    if part_name.ends_with("_sum") && whole_name.ends_with("_count") {
        return None;
    }
    // The factor may sit inside: `100 * a / b` reads as `(100 * a) / b`.
    let (factor, divisor) = (inner_factor(&binary.lhs), inner_factor(&binary.rhs));
    let same_names =
        parts.iter().chain(&wholes).all(|(_, selector)| selector.name.as_deref() == Some(part_name));
    let of_itself = same_names
        && parts.len() == 1
        && wholes.len() == 1
        && part_of(part, whole)
        && same_reading(&binary.lhs, &binary.rhs)
        && meets_its_whole(binary);
    let certain = of_itself || parts.len() == 1 && is_term(&binary.lhs, part, &binary.rhs);
    let named = parts.len() == 1 && wholes.len() == 1 && fills(part_name, whole_name);
    Some(Share { factor: factor / divisor, certain, named, at })
}

/// Each part is divided by what it is a part of: matched by some labels only, a series may meet another one.
fn meets_its_whole(binary: &Binary) -> bool {
    binary.matching == Matching::All || matches!(binary.rhs.kind, Kind::Aggregate { .. })
}

/// `a / (a + b)`: the part is one of the terms of the whole.
fn is_term(lhs: &Expr, part: &Selector, whole: &Expr) -> bool {
    let Kind::Binary(binary) = &whole.kind else { return false };
    let is_part = |term: &Expr| {
        let selectors = term.selectors();
        let [(_, selector)] = selectors.as_slice() else { return false };
        part_of(part, selector) && part_of(selector, part) && same_reading(lhs, term)
    };
    binary.op == Op::Add
        && [&binary.lhs, &binary.rhs].into_iter().any(|term| is_part(term) || is_term(lhs, part, term))
}

/// The names differ in one word only, and that says which is the part.
fn fills(part: &str, whole: &str) -> bool {
    const PARTS: [&str; 9] =
        ["active", "allocated", "avail", "available", "busy", "free", "open", "use", "used"];
    const WHOLES: [&str; 6] = ["capacity", "limit", "max", "quota", "size", "total"];
    let (a, b): (Vec<_>, Vec<_>) = (part.split('_').collect(), whole.split('_').collect());
    let mut differing = a.iter().zip(&b).filter(|(x, y)| x != y);
    let (Some((x, y)), None) = (differing.next(), differing.next()) else { return false };
    a.len() == b.len() && PARTS.contains(x) && WHOLES.contains(y)
}

fn inner_factor(expr: &Expr) -> f64 {
    match &expr.kind {
        Kind::Aggregate { inner, .. } => inner_factor(inner),
        _ => core(expr).1,
    }
}

/// Both sides read their series in the same way, so that a part cannot outgrow its whole.
fn same_reading(lhs: &Expr, rhs: &Expr) -> bool {
    match (&lhs.kind, &rhs.kind) {
        (Kind::Aggregate { op: a, inner: x, .. }, Kind::Aggregate { op: b, inner: y, .. }) => {
            a == b && matches!(*a, "sum" | "count") && same_reading(x, y)
        }
        (Kind::Call { function: a, args: x }, Kind::Call { function: b, args: y }) => {
            a == b && x.len() == y.len() && x.iter().zip(y).all(|(x, y)| same_reading(x, y))
        }
        (Kind::Selector(a), Kind::Selector(b)) => a.range == b.range && !a.is_shifted() && !b.is_shifted(),
        (Kind::Binary(a), _) if a.op == Op::Mul && a.lhs.constant().is_some() => same_reading(&a.rhs, rhs),
        (Kind::Binary(a), _) if a.op == Op::Mul && a.rhs.constant().is_some() => same_reading(&a.lhs, rhs),
        (Kind::Number(a), Kind::Number(b)) => a.to_bits() == b.to_bits(),
        // One series of those that are added up.
        (_, Kind::Aggregate { op, inner, .. }) if *op == "sum" => same_reading(lhs, inner),
        _ => false,
    }
}

/// Every series of `part` is also one of `whole`: it has all of its matchers.
pub fn part_of(part: &Selector, whole: &Selector) -> bool {
    let has = |wanted: &crate::formats::promql::Matcher| {
        part.matchers.iter().any(|m| m.same(wanted)) || excluded(part, wanted)
    };
    part.name == whole.name && whole.matchers.iter().all(has)
}

/// `status="failed"` is within `status!="skipped"`.
fn excluded(part: &Selector, wanted: &crate::formats::promql::Matcher) -> bool {
    wanted.op == MatchOp::NotEqual && part.pinned(&wanted.label).is_some_and(|value| value != wanted.value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::float_cmp)]
    use super::*;
    use crate::formats::promql::parse;

    #[test]
    fn knows_shares() {
        let cases = [
            ("rate(x{a=\"b\"}[5m]) / rate(x[5m])", Some((1.0, true))),
            ("100 * sum(rate(x{a=\"b\"}[5m])) / sum(rate(x[5m]))", Some((100.0, true))),
            ("sum(rate(x{a=\"b\"}[5m])) / sum(rate(x[5m])) * 100", Some((100.0, true))),
            ("round(sum(rate(x{s=\"f\"}[1m])) / sum(rate(x{s!=\"k\"}[1m])), 0.1)", Some((1.0, true))),
            ("1 - a / b", Some((1.0, false))),
            ("100 - 100 * a / b", Some((100.0, false))),
            ("rate(x{a=\"b\"}[5m]) / on (c) rate(x[5m])", Some((1.0, false))),
            ("rate(x_sum[5m]) / rate(x_count[5m])", None),
            ("x / 1024", None),
            ("rate(x[5m]) / rate(x[1h])", Some((1.0, false))),
            ("avg_over_time(up[5m])", Some((1.0, true))),
            ("sum(hits) / (sum(hits) + sum(misses))", Some((1.0, true))),
            ("sum(hits) / (sum(hits offset 1h) + sum(misses))", Some((1.0, false))),
            ("x{a=\"b\"} / ignoring (a) group_left sum without (a) (x)", Some((1.0, true))),
            ("x:failure_ratio:rate5m", Some((1.0, false))),
            ("up", None),
            ("job:errors:ratio_rate5m", Some((1.0, false))),
        ];
        for (text, expected) in cases {
            let found = share(&parse(text).unwrap());
            assert_eq!(found.map(|s| (s.factor, s.certain)), expected, "{text}");
        }
    }

    #[test]
    fn knows_parts_by_their_names() {
        let named = |text: &str| share(&parse(text).unwrap()).unwrap().named;
        assert!(named("a_size_used_bytes / a_size_total_bytes"));
        assert!(named("process_open_fds / process_max_fds"));
        assert!(!named("a_used_bytes / b_total_bytes"));
        assert!(!named("a_total_bytes / a_used_bytes"));
    }

    #[test]
    fn finds_conditions_and_what_they_guard() {
        let expr = parse("(0.5 < x or y == -1) and z > 2 * 3").unwrap();
        let found: Vec<_> = conditions(&expr).iter().map(|c| (c.op, c.threshold, c.guarded)).collect();
        assert_eq!(found, [(Op::Greater, 0.5, true), (Op::Equal, -1.0, true), (Op::Greater, 6.0, true)]);
        assert!(!conditions(&parse("x > 1 or y > 1").unwrap())[1].guarded);
    }
}
