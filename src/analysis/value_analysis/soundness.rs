//! Whatever is claimed holds for any data.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::evaluate::{Element, Labels, Value, evaluate};
use super::{ValueSet, never, values};
use crate::analysis::facts::Facts;
use crate::analysis::labels::{LabelSet, ResultLabels, result_labels};
use crate::analysis::view::View;
use crate::formats::promql::{Expr, parse};

fn number() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["0", "1", "2", "-1", "0.5"])
}

fn sample() -> impl Strategy<Value = f64> {
    let special = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0];
    prop_oneof![4 => prop::sample::select(vec![-1.0, 0.0, 0.5, 1.0, 2.0]), 1 => prop::sample::select(special.to_vec())]
}

fn selector() -> impl Strategy<Value = String> {
    let matchers = [
        "",
        "",
        "",
        "{job=\"a\"}",
        "{job!=\"a\"}",
        "{job=~\"a|b\"}",
        "{job=\"b\",job!=\"b\"}",
        "{env=\"\"}",
        "{env=~\".+\"}",
    ];
    let names = vec!["x", "x", "y", "up", "{__name__=~\"x|y\"}"];
    (prop::sample::select(names), prop::sample::select(matchers.to_vec())).prop_map(|(name, matchers)| {
        if name.starts_with('{') { name.to_owned() } else { format!("{name}{matchers}") }
    })
}

fn comparison() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["==", "!=", "<", "<=", ">", ">="])
}

fn matching() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "", "", "on (job)", "on ()", "ignoring (job)", "ignoring (env)"])
}

fn vector() -> impl Strategy<Value = String> {
    let call = (prop::sample::select(vec!["rate", "increase"]), selector())
        .prop_map(|(function, of)| format!("{function}({of}[5m])"));
    let constant = number().prop_map(|n| format!("vector({n})"));
    let date = prop::sample::select(vec!["hour()", "day_of_week()"]).prop_map(ToOwned::to_owned);
    let leaf = prop_oneof![6 => selector(), 2 => call, 1 => constant, 1 => date];
    leaf.prop_recursive(5, 24, 3, |inner| {
        let function =
            prop::sample::select(vec!["abs", "ceil", "floor", "round", "sqrt", "sgn", "sort", "absent"]);
        let aggregate = prop::sample::select(vec!["sum", "avg", "min", "max", "count", "group"]);
        let grouping =
            prop::sample::select(vec!["", "by (job)", "without (job)", "by (job, env)", "by (__name__)"]);
        let arithmetic = prop::sample::select(vec!["+", "-", "*", "/", "%"]);
        let bool = prop::sample::select(vec!["", "", "bool"]);
        let set = prop::sample::select(vec!["and", "and", "or", "unless"]);
        let group = prop::sample::select(vec![
            "",
            "",
            "group_left ()",
            "group_right ()",
            "group_left (env)",
            "group_right (env)",
        ]);
        prop_oneof![
            (inner.clone(), comparison(), bool.clone(), number())
                .prop_map(|(a, op, bool, n)| format!("({a} {op} {bool} {n})")),
            (inner.clone(), comparison(), number()).prop_map(|(a, op, n)| format!("({a} {op} {n})")),
            (inner.clone(), comparison(), number(), comparison(), number(), set.clone())
                .prop_map(|(a, op, n, other, m, set)| format!("({a} {op} {n} {set} {a} {other} {m})")),
            (number(), comparison(), inner.clone()).prop_map(|(n, op, a)| format!("({n} {op} {a})")),
            (inner.clone(), set, matching(), inner.clone())
                .prop_map(|(a, op, on, b)| format!("({a} {op} {on} {b})")),
            (inner.clone(), prop_oneof![comparison(), arithmetic.clone()], matching(), group, inner.clone())
                .prop_map(|(a, op, on, group, b)| {
                    let group = if on.is_empty() { "" } else { group };
                    format!("({a} {op} {on} {group} {b})")
                }),
            (inner.clone(), comparison(), matching(), inner.clone())
                .prop_map(|(a, op, on, b)| format!("({a} {op} bool {on} {b})")),
            (inner.clone(), arithmetic.clone(), number()).prop_map(|(a, op, n)| format!("({a} {op} {n})")),
            (number(), arithmetic, inner.clone()).prop_map(|(n, op, a)| format!("({n} {op} {a})")),
            (function, inner.clone()).prop_map(|(f, a)| format!("{f}({a})")),
            (inner.clone(), number()).prop_map(|(a, n)| format!("clamp_min({a}, {n})")),
            (inner.clone(), number()).prop_map(|(a, n)| format!("clamp_max({a}, {n})")),
            (inner.clone(), number(), number()).prop_map(|(a, n, m)| format!("clamp({a}, {n}, {m})")),
            (inner.clone(), number()).prop_map(|(a, n)| format!("(scalar({a}) * {n} + {a})")),
            (aggregate, grouping, inner.clone()).prop_map(|(op, by, a)| format!("{op} {by} ({a})")),
            inner.prop_map(|a| format!("-({a})")),
        ]
    })
}

/// Some of the series that there could be; `up` is scraped, so it has a job and an instance.
fn data() -> impl Strategy<Value = Vec<Element>> {
    let mut candidates = Vec::new();
    for name in ["x", "y", "up"] {
        for job in ["a", "b", ""] {
            for env in ["", "e"] {
                let instance = if name == "up" { "i" } else { "" };
                if name == "up" && job.is_empty() {
                    continue;
                }
                let labels = [("__name__", name), ("job", job), ("env", env), ("instance", instance)];
                let labels = labels.into_iter().filter(|(_, value)| !value.is_empty());
                candidates.push(labels.map(|(l, v)| (l.to_owned(), v.to_owned())).collect::<Labels>());
            }
        }
    }
    let one = |labels: Labels| {
        let value = if labels["__name__"] == "up" {
            prop::sample::select(vec![0.0, 1.0]).boxed()
        } else {
            sample().boxed()
        };
        prop::option::weighted(0.6, value.prop_map(move |value| Element { labels: labels.clone(), value }))
    };
    candidates
        .into_iter()
        .map(one)
        .collect::<Vec<_>>()
        .prop_map(|found| found.into_iter().flatten().collect())
}

fn contains(values: ValueSet, value: f64) -> bool {
    if value.is_nan() {
        return values.odd;
    }
    values.span.is_some_and(|span| {
        let above = if span.lo_open { value > span.lo } else { value >= span.lo };
        let below = if span.hi_open { value < span.hi } else { value <= span.hi };
        let negative_zero = value == 0.0 && value.is_sign_negative();
        above && below && !(negative_zero && span.lo == 0.0 && span.lo.is_sign_positive())
    })
}

/// All of the certain labels, and none but the possible ones.
fn has_those(labels: &ResultLabels, element: &Element) -> bool {
    let own = || element.labels.keys().filter(|label| *label != "__name__");
    own().all(|label| labels.possible.may_have(label))
        && labels.always().iter().all(|label| element.labels.contains_key(label))
}

/// What a node returns for any of the data is what is claimed of it.
fn check(view: &View<'_>, expr: &Expr, several: &[Vec<Element>]) -> Result<(), String> {
    let (claimed, never) = (values(view, expr), never(view, expr));
    let labels = result_labels(expr, &|selector| match selector.name.as_deref() {
        Some("up") => ResultLabels::exactly(["instance", "job"]).with_possible("env"),
        Some(_) => ResultLabels::maybe(LabelSet::only(["env", "job"])),
        None => ResultLabels::unknown(),
    });
    for data in several {
        let found = match evaluate(data, expr) {
            None => continue,
            Some(Value::Scalar(number)) => vec![number],
            Some(Value::Vector(elements)) => {
                if let Some(element) = elements.iter().find(|element| !has_those(&labels, element)) {
                    return Err(format!("{element:?} has not the labels {labels:?}: {data:?}"));
                }
                elements.into_iter().map(|element| element.value).collect()
            }
        };
        if let (Some(never), false) = (&never, found.is_empty()) {
            return Err(format!("{never:?}, but {found:?} of {data:?}"));
        }
        if let Some(value) = found.iter().find(|value| !contains(claimed, **value)) {
            return Err(format!("{value} is not in {claimed:?}: {data:?}"));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn what_never_happens_does_not(text in vector(), several in prop::collection::vec(data(), 6)) {
        let Ok(expr) = parse(&text) else { return Ok(()) };
        let facts = Facts::default();
        let view = crate::analysis::view::view(&facts);
        let mut wrong = None;
        expr.walk(&mut |node| {
            if let Err(error) = check(&view, node, &several) {
                wrong = Some(format!("{error}: {node:?}"));
            }
        });
        prop_assert!(wrong.is_none(), "{text}: {wrong:?}");
    }
}
