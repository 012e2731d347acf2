//! What an expression says about the values of its labels.

use std::cell::Cell;
use std::collections::BTreeSet;

use crate::analysis::routing::label_domain::LabelDomain;
use crate::analysis::view::View;
use crate::formats::alertmanager::Matcher;
use crate::formats::promql::{Binary, Cardinality, Expr, Grouping, Kind, MatchOp, Matching, Op, Selector};
use crate::formats::rule_file::{Group, Rule};

/// Expressions with more alternatives than this are taken as one.
const MOST_VARIANTS: usize = 8;

/// The alternatives of an expression, each with labels of its own: the sides of `or`.
pub(super) fn variants(expr: &Expr) -> Vec<&Expr> {
    let mut found = Vec::new();
    split(expr, &mut found);
    if found.len() > MOST_VARIANTS { vec![expr] } else { found }
}

fn split<'a>(expr: &'a Expr, found: &mut Vec<&'a Expr>) {
    match &expr.kind {
        Kind::Binary(binary) if binary.op == Op::Or => {
            split(&binary.lhs, found);
            split(&binary.rhs, found);
        }
        Kind::Binary(binary) if matches!(binary.op, Op::And | Op::Unless) || binary.rhs.is_scalar() => {
            split(&binary.lhs, found);
        }
        Kind::Binary(binary) if binary.lhs.is_scalar() => split(&binary.rhs, found),
        Kind::Call { function, args } if keeps_labels(function) => {
            match args.iter().find(|arg| !arg.is_scalar()) {
                Some(vector) => split(vector, found),
                None => found.push(expr),
            }
        }
        _ => found.push(expr),
    }
}

fn keeps_labels(function: &str) -> bool {
    matches!(
        function,
        "round" | "abs" | "ceil" | "floor" | "clamp" | "clamp_min" | "clamp_max" | "sort" | "sort_desc"
    )
}

/// Recording rules that read each other are followed this far.
const DEEPEST: usize = 4;
/// Many that record one metric from many others would be looked into again and again.
const MOST_RULES: usize = 500;

/// What is asked: a label, and how many recording rules led here.
#[derive(Clone, Copy)]
struct Ask<'q> {
    view: &'q View<'q>,
    label: &'q str,
    depth: usize,
    /// Recording rules that may still be looked into, on whatever way.
    left: &'q Cell<usize>,
}

/// What is known of a label of the result.
pub(super) fn known(view: &View<'_>, expr: &Expr, label: &str) -> LabelDomain {
    of_expr(Ask { view, label, depth: 0, left: &Cell::new(MOST_RULES) }, expr)
}

fn of_expr(ask: Ask<'_>, expr: &Expr) -> LabelDomain {
    let of = |inner: &Expr| of_expr(ask, inner);
    match &expr.kind {
        Kind::Number(_) | Kind::Text(_) => LabelDomain::absent(),
        Kind::Selector(selector) => of_selector(ask, selector),
        Kind::Negate(inner) | Kind::Subquery { inner, .. } => of(inner),
        Kind::Aggregate { op, param, inner, grouping } => {
            aggregated(op, param.as_deref(), grouping, ask.label, || of(inner))
        }
        Kind::Call { function, args } => called(ask, function, args),
        Kind::Binary(binary) if binary.lhs.is_scalar() => of(&binary.rhs),
        Kind::Binary(binary) if binary.rhs.is_scalar() => of(&binary.lhs),
        Kind::Binary(binary) => joined(binary, ask.label, &of),
    }
}

fn of_selector(ask: Ask<'_>, selector: &Selector) -> LabelDomain {
    let pinned = selector.matchers.iter().filter(|matcher| matcher.label == ask.label).map(|found| {
        let matcher = Matcher::new(ask.label, found.op, found.value.as_str());
        let set = |values: Vec<&str>| values.into_iter().collect();
        match (matcher.values(), matcher.excluded()) {
            (Some(values), _) => LabelDomain::OneOf(set(values)),
            (_, Some(values)) => LabelDomain::NoneOf(set(values)),
            _ if matcher.matches("") == Some(false) => LabelDomain::present(),
            _ => LabelDomain::unknown(),
        }
    });
    pinned.fold(of_series(ask, selector), LabelDomain::and)
}

fn of_series(ask: Ask<'_>, selector: &Selector) -> LabelDomain {
    let Some(name) = selector.name.as_deref().filter(|name| !name.starts_with("ALERTS")) else {
        return LabelDomain::unknown();
    };
    if ask.view.recorded.contains_key(name) {
        return recorded(ask, name);
    }
    // Every scraped series has these two.
    match ask.label {
        "job" => job(ask.view, name).and(LabelDomain::present()),
        "instance" => LabelDomain::present(),
        _ => LabelDomain::unknown(),
    }
}

/// What the rules that record a metric give it.
fn recorded(ask: Ask<'_>, name: &str) -> LabelDomain {
    if ask.depth >= DEEPEST {
        return LabelDomain::unknown();
    }
    let ask = Ask { depth: ask.depth + 1, ..ask };
    let of_rule = |(group, rule): &(&Group, &Rule)| {
        let own = rule.labels.get(ask.label).or_else(|| group.labels.get(ask.label));
        match (own, &rule.tree) {
            (Some(value), _) if value.value.contains("{{") => LabelDomain::unknown(),
            (Some(value), _) => LabelDomain::exactly(value.value.as_str()),
            (None, Ok(tree)) if ask.left.get() > 0 => {
                ask.left.update(|left| left - 1);
                of_expr(ask, tree)
            }
            (None, _) => LabelDomain::unknown(),
        }
    };
    let rules = ask.view.recordings.get(name).into_iter().flatten();
    rules.map(of_rule).reduce(LabelDomain::or).unwrap_or_else(LabelDomain::unknown)
}

/// The jobs that can have a metric: the backend's for what its contract has, else the others.
fn job(view: &View<'_>, metric: &str) -> LabelDomain {
    let (Some(jobs), Some(contract)) = (&view.facts.jobs, view.contract()) else {
        return LabelDomain::unknown();
    };
    let backend = &view.facts.backend_jobs;
    let possible: BTreeSet<String> = if metric == "up" || metric.starts_with("scrape_") {
        jobs.clone()
    } else if contract.series(metric).is_some() {
        backend.clone()
    } else {
        jobs - backend
    };
    if possible.is_empty() {
        LabelDomain::unknown()
    } else {
        LabelDomain::OneOf(possible.into_iter().collect())
    }
}

fn aggregated(
    op: &str,
    param: Option<&Expr>,
    grouping: &Grouping,
    label: &str,
    inner: impl Fn() -> LabelDomain,
) -> LabelDomain {
    if matches!(op, "topk" | "bottomk" | "limitk" | "limit_ratio") {
        return inner();
    }
    if op == "count_values"
        && matches!(param.map(|param| &param.kind), Some(Kind::Text(made)) if made == label)
    {
        return LabelDomain::present();
    }
    let keeps = match grouping {
        Grouping::By(labels) => labels.iter().any(|kept| kept == label),
        Grouping::Without(labels) => labels.iter().all(|dropped| dropped != label),
    };
    if keeps { inner() } else { LabelDomain::absent() }
}

fn called(ask: Ask<'_>, function: &str, args: &[Expr]) -> LabelDomain {
    let vector =
        || args.iter().find(|arg| !arg.is_scalar()).map_or_else(LabelDomain::absent, |arg| of_expr(ask, arg));
    match function {
        "absent" | "absent_over_time" => {
            args.first().map_or_else(LabelDomain::absent, |arg| absent(arg, ask.label))
        }
        "label_replace" | "label_join" => match args.get(1).map(|arg| &arg.kind) {
            Some(Kind::Text(made)) if made != ask.label => vector(),
            _ => LabelDomain::unknown(),
        },
        "scalar" | "vector" => LabelDomain::absent(),
        "info" | "histogram_quantiles" => LabelDomain::unknown(),
        _ => vector(),
    }
}

/// `absent` invents a series from the equality matchers of its selector.
fn absent(arg: &Expr, label: &str) -> LabelDomain {
    let Some(selector) = arg.as_selector() else { return LabelDomain::absent() };
    let mut pinned = selector.matchers.iter().filter(|matcher| matcher.label == label);
    match (pinned.next(), pinned.next()) {
        (Some(only), None) if only.op == MatchOp::Equal => LabelDomain::exactly(only.value.as_str()),
        _ => LabelDomain::absent(),
    }
}

fn joined(binary: &Binary, label: &str, of: &dyn Fn(&Expr) -> LabelDomain) -> LabelDomain {
    match binary.op {
        Op::Or => return of(&binary.lhs).or(of(&binary.rhs)),
        Op::And | Op::Unless => return of(&binary.lhs),
        Op::Trim => return LabelDomain::unknown(),
        _ => {}
    }
    let copied = |extra: &[String]| extra.iter().any(|name| name == label);
    match (&binary.cardinality, &binary.matching) {
        (Cardinality::GroupLeft(extra), _) => of(if copied(extra) { &binary.rhs } else { &binary.lhs }),
        (Cardinality::GroupRight(extra), _) => of(if copied(extra) { &binary.lhs } else { &binary.rhs }),
        (Cardinality::OneToOne, Matching::On(labels)) if !copied(labels) => LabelDomain::absent(),
        (Cardinality::OneToOne, Matching::Ignoring(labels)) if copied(labels) => LabelDomain::absent(),
        // Both sides have the same value, so what either side says holds.
        (Cardinality::OneToOne, _) => of(&binary.lhs).and(of(&binary.rhs)),
    }
}
