//! `rate(x{status="failed"}[5m]) / rate(x[5m])`: without a `sum` on both sides every series is divided
//! by itself, so the result is 1, or NaN at 0/0, whatever the true share.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::check::promql::{Binary, Expr, Kind, LabelSet, MatchOp, Matching, Op, Selector};
use crate::check::shape;

pub(super) const LINT: Lint = Lint {
    id: "ratio-without-sum",
    severity: Severity::Bug,
    doc: "A share whose sides are matched series by series, so that it is always 1 or always empty.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    rule.tree.walk(&mut |node| {
        let Kind::Binary(binary) = &node.kind else { return };
        if binary.op != Op::Div || binary.lhs.is_scalar() || binary.rhs.is_scalar() {
            return;
        }
        if let Some((message, fix)) =
            itself(binary).or_else(|| one_sided(rule, binary)).or_else(|| disjoint(binary))
        {
            out.push(rule.in_expr(&LINT, node.at, message).fix(fix));
        }
    });
}

/// The selector behind functions only, and the outermost function; nothing that merges series.
fn plain(expr: &Expr) -> Option<(&Selector, &str)> {
    match &expr.kind {
        Kind::Selector(selector) => Some((selector, "")),
        Kind::Call { function, args } => {
            let inner = args.iter().find(|arg| !arg.is_scalar())?;
            matches!(
                *function,
                "rate"
                    | "irate"
                    | "increase"
                    | "delta"
                    | "idelta"
                    | "avg_over_time"
                    | "max_over_time"
                    | "sum_over_time"
                    | "last_over_time"
            )
            .then(|| plain(inner).map(|(selector, _)| (selector, *function)))?
        }
        Kind::Binary(binary) if binary.op == Op::Mul && binary.lhs.constant().is_some() => plain(&binary.rhs),
        Kind::Binary(binary) if binary.op == Op::Mul && binary.rhs.constant().is_some() => plain(&binary.lhs),
        _ => None,
    }
}

fn matched(binary: &Binary, label: &str) -> bool {
    match &binary.matching {
        Matching::All => true,
        Matching::On(labels) => labels.iter().any(|on| on == label),
        Matching::Ignoring(labels) => !labels.iter().any(|ignored| ignored == label),
    }
}

/// Part and whole are the same series.
fn itself(binary: &Binary) -> Option<(String, String)> {
    let ((part, left), (whole, right)) = (plain(&binary.lhs)?, plain(&binary.rhs)?);
    let same = left == right && part.range == whole.range && !part.shifted && !whole.shifted;
    if !same || part.name.is_none() || !shape::part_of(part, whole) {
        return None;
    }
    let extra: Vec<_> = part.matchers.iter().filter(|m| !whole.matchers.contains_matcher(m)).collect();
    if !extra.iter().all(|matcher| matched(binary, &matcher.label)) {
        return None;
    }
    let filters: Vec<_> =
        extra.iter().map(|m| format!("{}{}\"{}\"", m.label, symbol(m.op), m.value)).collect();
    let which =
        if filters.is_empty() { "series".to_owned() } else { format!("series with {}", filters.join(", ")) };
    let name = part.name.as_deref().unwrap_or_default();
    Some((
        format!(
            "each {which} of `{name}` is divided by itself, because `/` matches series by all of their labels: the result is always 1 (NaN when nothing happens), whatever the true share"
        ),
        format!(
            "aggregate both sides: `sum by (job, instance) ({0}) / sum by (job, instance) ({0})`",
            call(left)
        ),
    ))
}

fn call(function: &str) -> String {
    if function.is_empty() { "…".to_owned() } else { format!("{function}(…)") }
}

const fn symbol(op: MatchOp) -> &'static str {
    match op {
        MatchOp::Equal => "=",
        MatchOp::NotEqual => "!=",
        MatchOp::Matches => "=~",
        MatchOp::MatchesNot => "!~",
    }
}

/// One side is aggregated, the other one keeps all of its labels: nothing matches.
fn one_sided(rule: &RuleView<'_>, binary: &Binary) -> Option<(String, String)> {
    if binary.matching != Matching::All {
        return None;
    }
    let aggregated =
        |expr: &Expr| matches!(&expr.kind, Kind::Aggregate { op, .. } if matches!(*op, "sum" | "count"));
    let (sum, bare, side) =
        match (aggregated(&binary.lhs), plain(&binary.rhs), plain(&binary.lhs), aggregated(&binary.rhs)) {
            (true, Some((bare, _)), _, _) => (&binary.lhs, bare, "right"),
            (_, _, Some((bare, _)), true) => (&binary.rhs, bare, "left"),
            _ => return None,
        };
    let LabelSet::Only(kept) = rule.view.labels_of(sum) else { return None };
    let same_metric =
        sum.selectors().iter().all(|(_, selector)| selector.name == bare.name && bare.name.is_some());
    let recorded = bare.name.as_deref().is_some_and(|name| rule.view.recorded.contains_key(name));
    // Every scraped series has an `instance`, so these two label sets cannot be equal.
    if kept.contains("instance") || !same_metric || recorded {
        return None;
    }
    let kept: Vec<_> = kept.iter().map(String::as_str).collect();
    Some((
        format!(
            "the {side} side keeps all labels of `{}`, the other side only ({}): no series match, so the result is always empty",
            bare.name.as_deref().unwrap_or_default(),
            kept.join(", ")
        ),
        "aggregate both sides by the same labels".to_owned(),
    ))
}

/// Both sides pin a matched label to different values.
fn disjoint(binary: &Binary) -> Option<(String, String)> {
    let ((part, _), (whole, _)) = (plain(&binary.lhs)?, plain(&binary.rhs)?);
    let differs = |m: &&crate::check::promql::Matcher| {
        m.op == MatchOp::Equal
            && matched(binary, &m.label)
            && whole.pinned(&m.label).is_some_and(|other| other != m.value)
    };
    let matcher = part.matchers.iter().find(differs)?;
    let other = whole.pinned(&matcher.label)?;
    Some((
        format!(
            "the left side has {0}=\"{1}\", the right side {0}=\"{other}\": no series match, so the result is always empty",
            matcher.label, matcher.value
        ),
        format!("write `/ ignoring ({}) `, or aggregate both sides", matcher.label),
    ))
}

/// Equality of matchers without their places.
trait ContainsMatcher {
    fn contains_matcher(&self, wanted: &crate::check::promql::Matcher) -> bool;
}

impl ContainsMatcher for Vec<crate::check::promql::Matcher> {
    fn contains_matcher(&self, wanted: &crate::check::promql::Matcher) -> bool {
        self.iter().any(|m| m.label == wanted.label && m.op == wanted.op && m.value == wanted.value)
    }
}
