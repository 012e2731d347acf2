//! The values that an expression can have.

use std::cell::Cell;

use super::equivalence;
use super::functions::{aggregated, called};
use super::interval::ValueSet;
use crate::analysis::contract::{MetricType, Part};
use crate::analysis::view::View;
use crate::formats::promql::{Binary, Expr, Kind, Op, Selector};
use crate::formats::rule_file::Rule;

/// Recording rules that read each other are followed this far.
const DEEPEST: usize = 3;
/// Many that record one metric from many others would be looked into again and again.
const MOST_RULES: usize = 500;

/// The values that the elements of an expression can have.
pub fn values(view: &View<'_>, expr: &Expr) -> ValueSet {
    infer(view, expr, Reach { depth: 0, left: &Cell::new(MOST_RULES) })
}

/// How far recording rules were followed, and how many may still be, on whatever way.
#[derive(Clone, Copy)]
struct Reach<'r> {
    depth: usize,
    left: &'r Cell<usize>,
}

fn infer(view: &View<'_>, expr: &Expr, reach: Reach<'_>) -> ValueSet {
    let of = |inner: &Expr| infer(view, inner, reach);
    if let Some(number) = expr.constant() {
        return ValueSet::exactly(number);
    }
    match &expr.kind {
        Kind::Number(number) => ValueSet::exactly(*number),
        Kind::Text(_) => ValueSet::ANY,
        Kind::Selector(selector) => of_selector(view, selector, reach),
        Kind::Call { function, args } => {
            let function: &str = function;
            match function {
                "rate" | "increase" | "irate" => counted(view, args, reach),
                _ => called(function, args, &of),
            }
        }
        Kind::Aggregate { op, param, inner, .. } => aggregated(op, param.as_deref(), of(inner)),
        Kind::Binary(binary) => of_binary(binary, &of),
        Kind::Subquery { inner, .. } => of(inner),
        Kind::Negate(inner) => of(inner).negated(),
    }
}

fn of_selector(view: &View<'_>, selector: &Selector, reach: Reach<'_>) -> ValueSet {
    let Some(name) = selector.name.as_deref() else { return ValueSet::ANY };
    if let Some(recorded) = recorded(view, name, reach) {
        return recorded;
    }
    match name {
        "up" => ValueSet::numbers(0.0, 1.0),
        "ALERTS" => ValueSet::exactly(1.0),
        _ if is_counter(view, selector) => ValueSet::numbers(0.0, f64::INFINITY).or_odd(),
        _ => ValueSet::ANY,
    }
}

/// The sum of a histogram counts only while nothing negative is observed.
fn is_counter(view: &View<'_>, selector: &Selector) -> bool {
    view.known(selector)
        .is_some_and(|series| series.kind() == MetricType::Counter && series.part != Part::Sum)
}

/// What the rules that record a metric can return; `None` when there are no such rules.
fn recorded(view: &View<'_>, name: &str, reach: Reach<'_>) -> Option<ValueSet> {
    let rules = view.recordings.get(name)?;
    if reach.depth >= DEEPEST {
        return Some(ValueSet::ANY);
    }
    let reach = Reach { depth: reach.depth + 1, ..reach };
    let of_rule = |rule: &Rule| match &rule.tree {
        Ok(tree) if !fills(tree) && reach.left.get() > 0 => {
            reach.left.update(|left| left - 1);
            infer(view, tree, reach)
        }
        _ => ValueSet::ANY,
    };
    rules.iter().map(|(_, rule)| of_rule(rule)).reduce(ValueSet::or)
}

/// Whether partners that are missing are made up: nothing that is said here of two sides is true then.
pub fn fills(expr: &Expr) -> bool {
    expr.any(&|node| node.as_binary().is_some_and(|binary| binary.fills))
}

/// How fast something grows; a counter never falls, and what it falls by is a reset.
fn counted(view: &View<'_>, args: &[Expr], reach: Reach<'_>) -> ValueSet {
    let grows = args.first().is_some_and(|arg| match &arg.kind {
        // What is interpolated beyond the range is not only counted.
        Kind::Selector(selector) if selector.extended => false,
        Kind::Selector(selector) => {
            let recorded = selector.name.as_deref().and_then(|name| recorded(view, name, reach));
            let gauge = view.known(selector).is_some_and(|series| series.kind() == MetricType::Gauge);
            recorded.map_or(!gauge, is_nonnegative)
        }
        Kind::Subquery { inner, .. } => is_nonnegative(infer(view, inner, reach)),
        _ => false,
    });
    if grows { ValueSet::numbers(0.0, f64::INFINITY) } else { ValueSet::ANY }
}

fn is_nonnegative(values: ValueSet) -> bool {
    values.span.is_some_and(super::interval::Interval::is_nonnegative)
}

fn of_binary(binary: &Binary, of: &dyn Fn(&Expr) -> ValueSet) -> ValueSet {
    let (lhs, rhs) = (of(&binary.lhs), of(&binary.rhs));
    match binary.op {
        Op::And | Op::Unless => lhs,
        Op::Or => lhs.or(rhs),
        op if op.is_comparison() && binary.returns_bool => truth(lhs, op, rhs),
        op if op.is_comparison() && binary.lhs.is_scalar() && !binary.rhs.is_scalar() => {
            rhs.narrowed(op.mirrored(), lhs)
        }
        op if op.is_comparison() => lhs.narrowed(op, rhs),
        // Every series less itself.
        Op::Sub if equivalence::pairs_with_itself(binary) => ValueSet::exactly(0.0).or_odd(),
        op => lhs.computed(op, rhs),
    }
}

fn truth(lhs: ValueSet, op: Op, rhs: ValueSet) -> ValueSet {
    match (lhs.narrowed(op, rhs).is_none(), lhs.always(op, rhs)) {
        _ if lhs.is_none() || rhs.is_none() => ValueSet::NONE,
        (true, _) => ValueSet::exactly(0.0),
        (_, true) => ValueSet::exactly(1.0),
        _ => ValueSet::numbers(0.0, 1.0),
    }
}
