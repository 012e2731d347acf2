//! The label sets of a result in the contract's own data: an example that is known to exist.

use std::collections::{BTreeMap, BTreeSet};

use crate::analysis::view::View;
use crate::formats::alertmanager;
use crate::formats::anchored_regex;
use crate::formats::promql::{Binary, Cardinality, Expr, Grouping, Kind, Matching, Op, Selector};

/// The labels of one element.
pub type Element = BTreeMap<String, String>;

/// What would come out if every filter let everything pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elements {
    pub sets: BTreeSet<Element>,
    /// Some may be taken out by a comparison or by what is matched.
    pub filtered: bool,
}

/// More are not looked at.
const MOST: usize = 500;

/// The elements of a result, where every series that it reads is in the contract.
pub fn elements(view: &View<'_>, expr: &Expr) -> Option<Elements> {
    let of = |inner: &Expr| elements(view, inner);
    match &expr.kind {
        Kind::Number(_) | Kind::Text(_) => None,
        Kind::Selector(selector) => selected(view, selector),
        Kind::Negate(inner) | Kind::Subquery { inner, .. } => of(inner),
        Kind::Aggregate { op, inner, grouping, .. } => aggregated(op, grouping, of(inner)?),
        Kind::Call { function, args } => called(function, args, &of),
        Kind::Binary(binary) if binary.lhs.is_scalar() || binary.rhs.is_scalar() => {
            let found = of(if binary.lhs.is_scalar() { &binary.rhs } else { &binary.lhs })?;
            Some(Elements { filtered: found.filtered || is_filter(binary), ..found })
        }
        Kind::Binary(binary) => joined(binary, of(&binary.lhs)?, of(&binary.rhs)?),
    }
}

fn is_filter(binary: &Binary) -> bool {
    binary.op.is_comparison() && !binary.returns_bool
}

fn selected(view: &View<'_>, selector: &Selector) -> Option<Elements> {
    let series = view.known(selector)?;
    let target_labels = view.facts.target_labels.as_ref()?;
    let of_contract = selector.matchers.iter().filter(|matcher| !target_labels.contains(&matcher.label));
    let matchers: Vec<_> = of_contract
        .map(|matcher| alertmanager::Matcher::new(matcher.label.as_str(), matcher.op, matcher.value.as_str()))
        .collect();
    let passes = |labels: &Element| {
        matchers.iter().all(|matcher| {
            matcher.matches(labels.get(&matcher.label).map_or("", String::as_str)) == Some(true)
        })
    };
    // One target stands for all: what tells several of them apart is not in the contract.
    let scraped = |labels: &Element| {
        let own = labels.iter().filter(|(label, _)| !target_labels.contains(*label));
        let own = own.map(|(label, value)| (label.clone(), value.clone()));
        let job = selector.pinned("job").or(view.facts.backend_jobs.iter().next().map(String::as_str));
        let target = [("job", job.unwrap_or("…")), ("instance", "…")];
        own.chain(target.map(|(label, value)| (label.to_owned(), value.to_owned()))).collect()
    };
    let found: BTreeSet<Element> =
        series.label_sets().filter(|labels| passes(labels)).take(MOST).map(scraped).collect();
    (!found.is_empty()).then_some(Elements { sets: found, filtered: false })
}

fn each(found: Elements, change: impl FnMut(Element) -> Element) -> Elements {
    Elements { sets: found.sets.into_iter().map(change).collect(), ..found }
}

fn aggregated(op: &str, grouping: &Grouping, found: Elements) -> Option<Elements> {
    match op {
        "topk" | "bottomk" | "limitk" | "limit_ratio" => return Some(Elements { filtered: true, ..found }),
        "count_values" => return None,
        _ => {}
    }
    Some(each(found, |mut labels| {
        match grouping {
            Grouping::By(kept) => labels.retain(|label, _| kept.contains(label)),
            Grouping::Without(dropped) => labels.retain(|label, _| !dropped.contains(label)),
        }
        labels
    }))
}

fn called(function: &str, args: &[Expr], of: &dyn Fn(&Expr) -> Option<Elements>) -> Option<Elements> {
    let vector = || of(args.iter().find(|arg| !arg.is_scalar())?);
    match function {
        "absent" | "absent_over_time" | "info" | "histogram_quantiles" | "label_join" => None,
        "vector" => Some(Elements { sets: [Element::new()].into(), filtered: false }),
        "label_replace" => replaced(args, vector()?),
        "histogram_quantile" | "histogram_fraction" => Some(each(vector()?, |mut labels| {
            labels.remove("le");
            labels
        })),
        _ => vector(),
    }
}

fn replaced(args: &[Expr], found: Elements) -> Option<Elements> {
    let [_, target, replacement, source, pattern] = args else { return None };
    let (Kind::Text(target), Kind::Text(replacement), Kind::Text(source), Kind::Text(pattern)) =
        (&target.kind, &replacement.kind, &source.kind, &pattern.kind)
    else {
        return None;
    };
    let pattern = anchored_regex::anchored(pattern)?;
    Some(each(found, |mut labels| {
        let value = labels.get(source).cloned().unwrap_or_default();
        if let Some(groups) = pattern.captures(&value) {
            let mut made = String::new();
            groups.expand(replacement, &mut made);
            if made.is_empty() {
                labels.remove(target)
            } else {
                labels.insert(target.clone(), made)
            };
        }
        labels
    }))
}

/// What an element is matched by.
pub fn signature(binary: &Binary, labels: &Element) -> Element {
    let matched = labels.iter().filter(|(label, _)| binary.matches_by(label));
    matched.map(|(label, value)| (label.clone(), value.clone())).collect()
}

fn joined(binary: &Binary, lhs: Elements, rhs: Elements) -> Option<Elements> {
    let both = Elements { sets: BTreeSet::new(), filtered: true };
    if binary.fills {
        return None;
    }
    match binary.op {
        Op::And | Op::Unless => return Some(Elements { filtered: true, ..lhs }),
        Op::Or => return Some(Elements { sets: lhs.sets.into_iter().chain(rhs.sets).collect(), ..both }),
        Op::Trim => return None,
        _ => {}
    }
    let (many, one, copied) = match &binary.cardinality {
        Cardinality::OneToOne => (lhs, rhs, None),
        Cardinality::GroupLeft(copied) => (lhs, rhs, Some(copied)),
        Cardinality::GroupRight(copied) => (rhs, lhs, Some(copied)),
    };
    let filtered = many.filtered || one.filtered || is_filter(binary);
    let partners: BTreeMap<Element, &Element> =
        one.sets.iter().map(|labels| (signature(binary, labels), labels)).collect();
    let pair = |mut labels: Element| {
        let key = signature(binary, &labels);
        let partner = partners.get(&key)?;
        let Some(copied) = copied else {
            return Some(if binary.matching == Matching::All { labels } else { key });
        };
        for label in copied {
            match partner.get(label) {
                Some(value) => labels.insert(label.clone(), value.clone()),
                None => labels.remove(label),
            };
        }
        Some(labels)
    };
    let sets: BTreeSet<Element> = many.sets.into_iter().filter_map(pair).collect();
    (!sets.is_empty()).then_some(Elements { sets, filtered })
}

/// Two elements that look the same once `key` is all that is left of them.
pub fn collision<'e>(
    elements: &'e Elements,
    key: &dyn Fn(&Element) -> Element,
) -> Option<(&'e Element, &'e Element)> {
    let mut seen = BTreeMap::new();
    elements.sets.iter().find_map(|labels| seen.insert(key(labels), labels).map(|first| (first, labels)))
}

/// The labels in which two elements differ, as `code="200"`.
pub fn differing(one: &Element, other: &Element) -> Vec<String> {
    let names: BTreeSet<_> = one.keys().chain(other.keys()).collect();
    let differs = names.into_iter().filter(|label| one.get(*label) != other.get(*label));
    differs.cloned().collect()
}
