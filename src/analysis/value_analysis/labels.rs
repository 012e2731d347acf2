//! Sides that cannot find each other: the labels that they are matched by differ.

use std::collections::BTreeSet;

use super::matchers::readable;
use crate::analysis::routing::{LabelDomain, Tristate};
use crate::analysis::view::View;
use crate::formats::alertmanager::plain_list;
use crate::formats::promql::{
    Binary, Cardinality, Expr, Grouping, Kind, MatchOp, Matcher, Matching, Op, Selector,
};

/// A label that has no common value on both sides, with what each side has.
pub(super) struct Conflict {
    pub label: String,
    pub left: LabelDomain,
    pub right: LabelDomain,
}

/// Nobody writes an expression with more labels; a generated one would be walked through for each of them
/// at each of its operators.
const MOST: usize = 32;

/// The first label, by name, that keeps every element of one side from every element of the other.
pub(super) fn conflict(view: &View<'_>, binary: &Binary) -> Option<Conflict> {
    let mut labels = BTreeSet::new();
    mentioned(&binary.lhs, &mut labels);
    mentioned(&binary.rhs, &mut labels);
    if labels.len() > MOST {
        return None;
    }
    labels.into_iter().filter(|label| binary.matches_by(label)).find_map(|label| {
        let mut sides = known_sides(view, binary, label, Patterns::Lists);
        // Compiling a pattern takes longer than all the rest: only where an empty value would decide.
        if sides.0.is_absent() != sides.1.is_absent() {
            sides = known_sides(view, binary, label, Patterns::All);
        }
        let (left, right) = sides;
        (left.equals(&right) == Tristate::Never).then(|| Conflict { label: label.to_owned(), left, right })
    })
}

/// Which patterns are looked into.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Patterns {
    /// Lists of values, such as `a|b`.
    Lists,
    All,
}

/// What is asked for everywhere in an expression.
#[derive(Clone, Copy)]
struct Ask<'q> {
    view: &'q View<'q>,
    label: &'q str,
    patterns: Patterns,
}

fn known_sides(
    view: &View<'_>,
    binary: &Binary,
    label: &str,
    patterns: Patterns,
) -> (LabelDomain, LabelDomain) {
    let ask = Ask { view, label, patterns };
    (known(ask, &binary.lhs), known(ask, &binary.rhs))
}

/// Labels of which something may be known.
fn mentioned<'a>(expr: &'a Expr, labels: &mut BTreeSet<&'a str>) {
    labels.extend(["job", "instance"]);
    expr.walk(&mut |node| {
        if let Kind::Selector(selector) = &node.kind {
            labels.extend(selector.matchers.iter().map(|matcher| matcher.label.as_str()));
        }
    });
}

/// What is known of a label of the result.
fn known(ask: Ask<'_>, expr: &Expr) -> LabelDomain {
    let of = |inner: &Expr| known(ask, inner);
    let label = ask.label;
    match &expr.kind {
        Kind::Number(_) | Kind::Text(_) => LabelDomain::unknown(),
        Kind::Selector(selector) => of_selector(ask, selector),
        Kind::Negate(inner) | Kind::Subquery { inner, .. } => of(inner),
        Kind::Aggregate { op, inner, grouping, .. } => {
            let keeps = match grouping {
                Grouping::By(labels) => labels.iter().any(|kept| kept == label),
                Grouping::Without(labels) => labels.iter().all(|dropped| dropped != label),
            };
            let op: &str = op;
            match op {
                "topk" | "bottomk" | "limitk" | "limit_ratio" => of(inner),
                // Its own label may be any.
                "count_values" => LabelDomain::unknown(),
                _ if keeps => of(inner),
                _ => LabelDomain::absent(),
            }
        }
        Kind::Call { function, args } => called(function, args, label, &of),
        Kind::Binary(binary) if binary.lhs.is_scalar() => of(&binary.rhs),
        Kind::Binary(binary) if binary.rhs.is_scalar() => of(&binary.lhs),
        Kind::Binary(binary) => joined(binary, label, &of),
    }
}

fn of_selector(ask: Ask<'_>, selector: &Selector) -> LabelDomain {
    // Only what is scraped certainly has them, and only where no rule records the same name.
    let name = selector.name.as_deref().unwrap_or_default();
    let scraped = matches!(ask.label, "job" | "instance")
        && (name == "up" || ask.view.known(selector).is_some())
        && !ask.view.recorded.contains_key(name);
    let first = if scraped { LabelDomain::present() } else { LabelDomain::unknown() };
    let matchers = selector.matchers.iter().filter(|matcher| matcher.label == ask.label);
    matchers.fold(first, |sum, matcher| sum.and(allowed(matcher, ask.patterns)))
}

fn allowed(matcher: &Matcher, patterns: Patterns) -> LabelDomain {
    let value = &matcher.value;
    let list = || plain_list(value).map(|values| values.into_iter().collect());
    let listed = match matcher.op {
        MatchOp::Equal => Some(LabelDomain::exactly(value.as_str())),
        MatchOp::NotEqual => Some(LabelDomain::NoneOf([value.as_str()].into_iter().collect())),
        MatchOp::Matches => list().map(LabelDomain::OneOf),
        MatchOp::MatchesNot => list().map(LabelDomain::NoneOf),
    };
    listed.unwrap_or_else(|| {
        let refuses_empty = patterns == Patterns::All && readable(matcher).matches("") == Some(false);
        if refuses_empty { LabelDomain::present() } else { LabelDomain::unknown() }
    })
}

fn called(function: &str, args: &[Expr], label: &str, of: &dyn Fn(&Expr) -> LabelDomain) -> LabelDomain {
    let vector = || args.iter().find(|arg| !arg.is_scalar()).map_or_else(LabelDomain::unknown, of);
    match function {
        // One element without labels.
        "vector" => LabelDomain::absent(),
        "day_of_month" | "day_of_week" | "day_of_year" | "days_in_month" | "hour" | "minute" | "month"
        | "year"
            if args.is_empty() =>
        {
            LabelDomain::absent()
        }
        "absent" | "absent_over_time" | "info" | "histogram_quantiles" | "histogram_quantile" => {
            LabelDomain::unknown()
        }
        "label_replace" | "label_join" => match args.get(1).map(|arg| &arg.kind) {
            Some(Kind::Text(made)) if made != label => vector(),
            _ => LabelDomain::unknown(),
        },
        _ => vector(),
    }
}

fn joined(binary: &Binary, label: &str, of: &dyn Fn(&Expr) -> LabelDomain) -> LabelDomain {
    let named = |labels: &[String]| labels.iter().any(|name| name == label);
    match binary.op {
        Op::Or => return of(&binary.lhs).or(of(&binary.rhs)),
        Op::And | Op::Unless => return of(&binary.lhs),
        op if !op.is_comparison() && !op.is_arithmetic() => return LabelDomain::unknown(),
        _ => {}
    }
    match (&binary.cardinality, &binary.matching) {
        (Cardinality::GroupLeft(copied), _) => of(if named(copied) { &binary.rhs } else { &binary.lhs }),
        (Cardinality::GroupRight(copied), _) => of(if named(copied) { &binary.lhs } else { &binary.rhs }),
        (Cardinality::OneToOne, Matching::On(labels)) if !named(labels) => LabelDomain::absent(),
        (Cardinality::OneToOne, Matching::Ignoring(labels)) if named(labels) => LabelDomain::absent(),
        (Cardinality::OneToOne, _) => of(&binary.lhs),
    }
}
