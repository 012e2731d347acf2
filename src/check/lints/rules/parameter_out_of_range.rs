//! A literal parameter with which a function has one answer only, whatever the data.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::formats::anchored_regex::anchored;
use crate::formats::promql::{Expr, Kind};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "parameter-out-of-range",
    severity: Severity::Bug,
    doc: "A quantile outside 0 to 1, the top 0 series, or a capture group that the pattern does not have.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    rule.tree.walk(&mut |node| {
        if let Some((at, message, fix)) = mistake(node) {
            out.push(rule.in_expr(&LINT, at, message).fix(fix));
        }
    });
}

/// Where it is, what is wrong and what to write.
fn mistake(node: &Expr) -> Option<(usize, String, String)> {
    match &node.kind {
        Kind::Aggregate { op: op @ "quantile", param, .. } => quantile(op, param.as_deref()?),
        Kind::Aggregate { op: op @ ("topk" | "bottomk" | "limitk"), param, .. } => {
            series(op, param.as_deref()?)
        }
        Kind::Call { function: function @ ("histogram_quantile" | "quantile_over_time"), args } => {
            quantile(function, args.first()?)
        }
        Kind::Call { function: "label_replace", args } => capture_group(args),
        _ => None,
    }
}

/// Prometheus answers a quantile below 0 with -Inf and one above 1 with +Inf.
fn quantile(function: &str, param: &Expr) -> Option<(usize, String, String)> {
    let value = literal(param).filter(|value| !(0.0..=1.0).contains(value))?;
    let answer = if value > 1.0 { "+Inf" } else { "-Inf" };
    let fix = if value > 1.0 && value <= 100.0 {
        format!("a quantile is a share: write `{}`", value / 100.0)
    } else {
        "a quantile lies between 0 and 1, such as `0.95`".to_owned()
    };
    Some((param.at, format!("`{function}({value}, …)` is always {answer}, whatever the data"), fix))
}

fn series(op: &str, param: &Expr) -> Option<(usize, String, String)> {
    let value = literal(param).filter(|value| *value < 1.0)?;
    let message = format!("`{op}({value}, …)` keeps no series: the result is always empty");
    Some((param.at, message, format!("name how many series to keep, such as `{op}(5, …)`")))
}

/// A group that is not there stands for nothing, and an empty label is none.
fn capture_group(args: &[Expr]) -> Option<(usize, String, String)> {
    let [_, label, replacement, _, pattern] = args else { return None };
    let (Kind::Text(label), Kind::Text(text), Kind::Text(pattern)) =
        (&label.kind, &replacement.kind, &pattern.kind)
    else {
        return None;
    };
    let groups = anchored(pattern)?.captures_len() - 1;
    let number = text.strip_prefix('$').map(|rest| rest.trim_start_matches('{').trim_end_matches('}'))?;
    let number: usize = number.parse().ok().filter(|number| *number > groups)?;
    let message = format!(
        "`{text}` is a group that the pattern `{pattern}` does not have, so the label `{label}` is always removed"
    );
    Some((replacement.at, message, format!("put what group {number} should take in parentheses")))
}

fn literal(expr: &Expr) -> Option<f64> {
    match &expr.kind {
        Kind::Number(value) => Some(*value),
        Kind::Negate(inner) => literal(inner).map(|value| -value),
        _ => None,
    }
}
