//! A small evaluator, to hold claims against: one instant, a handful of series, no histograms.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};

use super::matchers::readable;
use crate::formats::promql::{Binary, Cardinality, Expr, Grouping, Kind, MatchOp, Matching, Op, Selector};

pub(super) type Labels = BTreeMap<String, String>;

#[derive(Clone, Debug)]
pub(super) struct Element {
    /// `__name__` included.
    pub labels: Labels,
    pub value: f64,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    Scalar(f64),
    Vector(Vec<Element>),
}

/// `None` where Prometheus would report an error, or where this evaluator is too small.
pub(super) fn evaluate(data: &[Element], expr: &Expr) -> Option<Value> {
    let of = |inner: &Expr| evaluate(data, inner);
    match &expr.kind {
        Kind::Number(number) => Some(Value::Scalar(*number)),
        Kind::Selector(selector) => Some(Value::Vector(selected(data, selector))),
        Kind::Negate(inner) => Some(match of(inner)? {
            Value::Scalar(number) => Value::Scalar(-number),
            Value::Vector(elements) => Value::Vector(each(elements, |value| -value)),
        }),
        Kind::Call { function: "absent", args } => {
            let is_empty = vector(of(args.first()?)?)?.is_empty();
            let made = Element { labels: absent_labels(args.first()?), value: 1.0 };
            Some(Value::Vector(if is_empty { vec![made] } else { Vec::new() }))
        }
        Kind::Call { function, args } => {
            let args = args.iter().map(of).collect::<Option<Vec<_>>>()?;
            called(function, &args)
        }
        Kind::Aggregate { op, inner, grouping, .. } => aggregated(op, grouping, vector(of(inner)?)?),
        Kind::Binary(binary) => match (of(&binary.lhs)?, of(&binary.rhs)?) {
            (Value::Scalar(a), Value::Scalar(b)) => computed(binary, a, b).map(Value::Scalar),
            (Value::Vector(a), Value::Scalar(b)) => with_scalar(binary, a, |a| (a, b)),
            (Value::Scalar(a), Value::Vector(b)) => with_scalar(binary, b, |b| (a, b)),
            (Value::Vector(a), Value::Vector(b)) if binary.op.is_set() => Some(set(binary, a, b)),
            (Value::Vector(a), Value::Vector(b)) => joined(binary, a, b),
        },
        Kind::Text(_) | Kind::Subquery { .. } => None,
    }
}

/// Labels with one matcher only, which asks for equality.
fn absent_labels(arg: &Expr) -> Labels {
    let matchers = arg.as_selector().map_or(&[][..], |selector| &selector.matchers);
    let alone = |label: &str| matchers.iter().filter(|m| m.label == label).count() == 1;
    let kept = matchers.iter().filter(|m| m.op == MatchOp::Equal && !m.value.is_empty() && alone(&m.label));
    kept.map(|m| (m.label.clone(), m.value.clone())).collect()
}

fn vector(value: Value) -> Option<Vec<Element>> {
    match value {
        Value::Vector(elements) => Some(elements),
        Value::Scalar(_) => None,
    }
}

fn scalar(value: &Value) -> Option<f64> {
    match value {
        Value::Scalar(number) => Some(*number),
        Value::Vector(_) => None,
    }
}

fn selected(data: &[Element], selector: &Selector) -> Vec<Element> {
    let label = |element: &Element, name: &str| element.labels.get(name).cloned().unwrap_or_default();
    let named =
        |element: &Element| selector.name.as_ref().is_none_or(|name| label(element, "__name__") == *name);
    let matchers: Vec<_> = selector.matchers.iter().map(readable).collect();
    let matched = |element: &Element| {
        matchers.iter().all(|matcher| matcher.matches(&label(element, &matcher.label)).unwrap())
    };
    data.iter().filter(|element| named(element) && matched(element)).cloned().collect()
}

fn nameless(mut labels: Labels) -> Labels {
    labels.remove("__name__");
    labels
}

fn each(elements: Vec<Element>, change: impl Fn(f64) -> f64) -> Vec<Element> {
    let change = |e: Element| Element { labels: nameless(e.labels), value: change(e.value) };
    elements.into_iter().map(change).collect()
}

fn called(function: &str, args: &[Value]) -> Option<Value> {
    let number = |index: usize| args.get(index).and_then(scalar);
    let single = |value| Some(Value::Vector(vec![Element { labels: Labels::new(), value }]));
    if matches!(function, "hour" | "day_of_week") && args.is_empty() {
        return single(if function == "hour" { 13.0 } else { 6.0 });
    }
    if function == "vector" {
        return single(number(0)?);
    }
    let elements = vector(args.first()?.clone())?;
    let result = match function {
        "abs" => each(elements, f64::abs),
        "ceil" => each(elements, f64::ceil),
        "floor" => each(elements, f64::floor),
        "round" => each(elements, |v| (v + 0.5).floor()),
        "sqrt" => each(elements, f64::sqrt),
        "sgn" => each(elements, |v| {
            if v > 0.0 {
                1.0
            } else if v < 0.0 {
                -1.0
            } else {
                v
            }
        }),
        "clamp_max" => number(1).map(|most| each(elements, |v| least(v, most)))?,
        "clamp_min" => number(1).map(|lowest| each(elements, |v| most(v, lowest)))?,
        "clamp" => {
            let (low, high) = (number(1)?, number(2)?);
            if high < low { Vec::new() } else { each(elements, |v| most(low, least(high, v))) }
        }
        // Stands for what the samples of a counter could be.
        "rate" | "increase" => each(elements.into_iter().filter(|e| e.value.is_finite()).collect(), f64::abs),
        "sort" => elements,
        "scalar" => {
            return Some(Value::Scalar(match &elements[..] {
                [only] => only.value,
                _ => f64::NAN,
            }));
        }
        _ => return None,
    };
    Some(Value::Vector(result))
}

/// As in Go: NaN stays, and -0 is below 0.
fn least(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { super::interval::lowest(a, b) }
}

fn most(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { super::interval::highest(a, b) }
}

fn aggregated(op: &str, grouping: &Grouping, elements: Vec<Element>) -> Option<Value> {
    let mut groups: BTreeMap<Labels, Vec<f64>> = BTreeMap::new();
    for element in elements {
        let mut labels = nameless(element.labels);
        match grouping {
            Grouping::By(kept) => labels.retain(|label, _| kept.contains(label)),
            Grouping::Without(dropped) => labels.retain(|label, _| !dropped.contains(label)),
        }
        groups.entry(labels).or_default().push(element.value);
    }
    let one = |values: &[f64]| -> Option<f64> {
        let count = f64::from(u8::try_from(values.len()).unwrap());
        let numbers = || values.iter().copied().filter(|value| !value.is_nan());
        Some(match op {
            "count" => count,
            "group" => 1.0,
            "sum" => values.iter().copied().reduce(|a, b| a + b)?,
            "avg" => values.iter().sum::<f64>() / count,
            "min" => numbers().reduce(f64::min).unwrap_or(f64::NAN),
            "max" => numbers().reduce(f64::max).unwrap_or(f64::NAN),
            _ => return None,
        })
    };
    let elements = groups.into_iter().map(|(labels, values)| Some(Element { labels, value: one(&values)? }));
    elements.collect::<Option<Vec<_>>>().map(Value::Vector)
}

#[expect(clippy::float_cmp, reason = "what PromQL does")]
fn holds(op: Op, a: f64, b: f64) -> bool {
    match op {
        Op::Equal => a == b,
        Op::NotEqual => a != b,
        Op::Less => a < b,
        Op::LessOrEqual => a <= b,
        Op::Greater => a > b,
        _ => a >= b,
    }
}

/// The number that an operation returns; a comparison says 0 or 1.
fn computed(binary: &Binary, a: f64, b: f64) -> Option<f64> {
    Some(match binary.op {
        Op::Add => a + b,
        Op::Sub => a - b,
        Op::Mul => a * b,
        Op::Div => a / b,
        Op::Mod => a % b,
        op if op.is_comparison() => f64::from(u8::from(holds(op, a, b))),
        _ => return None,
    })
}

/// What becomes of a pair: nothing where a filter takes it out.
fn pair(binary: &Binary, labels: Labels, kept: f64, (a, b): (f64, f64)) -> Option<Vec<Element>> {
    if binary.op.is_comparison() && !binary.returns_bool {
        let passes = holds(binary.op, a, b);
        return Some(passes.then_some(Element { labels, value: kept }).into_iter().collect());
    }
    Some(vec![Element { labels: nameless(labels), value: computed(binary, a, b)? }])
}

fn with_scalar(binary: &Binary, elements: Vec<Element>, sides: impl Fn(f64) -> (f64, f64)) -> Option<Value> {
    let one = |element: Element| pair(binary, element.labels, element.value, sides(element.value));
    elements.into_iter().map(one).collect::<Option<Vec<_>>>().map(|found| Value::Vector(found.concat()))
}

fn signature(binary: &Binary, labels: &Labels) -> Labels {
    let mut labels = nameless(labels.clone());
    match &binary.matching {
        Matching::All => {}
        Matching::On(on) => labels.retain(|label, _| on.contains(label)),
        Matching::Ignoring(ignored) => labels.retain(|label, _| !ignored.contains(label)),
    }
    labels
}

fn set(binary: &Binary, lhs: Vec<Element>, rhs: Vec<Element>) -> Value {
    let signatures = |elements: &[Element]| -> BTreeSet<_> {
        elements.iter().map(|element| signature(binary, &element.labels)).collect()
    };
    let (left, right) = (signatures(&lhs), signatures(&rhs));
    let is_right = |element: &Element| right.contains(&signature(binary, &element.labels));
    Value::Vector(match binary.op {
        Op::And => lhs.into_iter().filter(is_right).collect(),
        Op::Unless => lhs.into_iter().filter(|element| !is_right(element)).collect(),
        _ => {
            let new = |element: &Element| !left.contains(&signature(binary, &element.labels));
            let more: Vec<_> = rhs.into_iter().filter(new).collect();
            lhs.into_iter().chain(more).collect()
        }
    })
}

fn joined(binary: &Binary, lhs: Vec<Element>, rhs: Vec<Element>) -> Option<Value> {
    let one_to_one = binary.cardinality == Cardinality::OneToOne;
    let (many_left, copied) = match &binary.cardinality {
        Cardinality::OneToOne => (true, &[][..]),
        Cardinality::GroupLeft(copied) => (true, copied.as_slice()),
        Cardinality::GroupRight(copied) => (false, copied.as_slice()),
    };
    let (many, one) = if many_left { (lhs, rhs) } else { (rhs, lhs) };
    let mut partners = BTreeMap::new();
    for element in &one {
        if partners.insert(signature(binary, &element.labels), element).is_some() {
            return None;
        }
    }
    let mut seen = BTreeSet::new();
    let mut results = Vec::new();
    for element in many {
        let key = signature(binary, &element.labels);
        let Some(partner) = partners.get(&key) else { continue };
        if one_to_one && !seen.insert(key.clone()) {
            return None;
        }
        let mut labels = if one_to_one && binary.matching != Matching::All { key } else { element.labels };
        for label in copied {
            match partner.labels.get(label) {
                Some(value) => labels.insert(label.clone(), value.clone()),
                None => labels.remove(label),
            };
        }
        let (a, b) = if many_left { (element.value, partner.value) } else { (partner.value, element.value) };
        results.extend(pair(binary, labels, a, (a, b))?);
    }
    Some(Value::Vector(results))
}
