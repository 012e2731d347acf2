//! A literal parameter with which a function has one answer only, whatever the data.

mod labels;
mod times;

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use crate::formats::promql::{Expr, Kind};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "parameter-out-of-range",
    severity: Severity::Bug,
    doc: "A parameter that makes a function pointless: a quantile above 1, a label that is not there, an offset into the future.",
    run: Run::Rule(check),
};

/// Where it is, what is wrong, what to write, and how bad it is.
struct Mistake {
    at: usize,
    message: String,
    fix: String,
    severity: Severity,
}

impl Mistake {
    fn new(at: usize, message: String, fix: impl Into<String>) -> Self {
        Self { at, message, fix: fix.into(), severity: Severity::Bug }
    }

    fn warning(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }
}

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    rule.tree.walk(&mut |node| {
        let found = of_numbers(node)
            .or_else(|| labels::mistake(rule.view, node))
            .or_else(|| times::mistake(rule, node));
        if let Some(Mistake { at, message, fix, severity }) = found {
            out.push(rule.in_expr(&LINT, at, message).severity(severity).fix(fix));
        }
    });
}

fn of_numbers(node: &Expr) -> Option<Mistake> {
    match &node.kind {
        Kind::Aggregate { op: op @ "quantile", param, .. } => quantile(op, param.as_deref()?),
        Kind::Aggregate { op: op @ ("topk" | "bottomk" | "limitk"), param, .. } => {
            series(op, param.as_deref()?)
        }
        Kind::Call { function: function @ ("histogram_quantile" | "quantile_over_time"), args } => {
            quantile(function, args.first()?)
        }
        Kind::Call { function: "round", args } => nearest(args.get(1)?),
        Kind::Call { function: "clamp", args } => bounds(args),
        Kind::Call { function: function @ ("double_exponential_smoothing" | "holt_winters"), args } => {
            args.iter().skip(1).find_map(|factor| smoothing(function, factor))
        }
        _ => None,
    }
}

/// Prometheus answers a quantile below 0 with -Inf and one above 1 with +Inf.
fn quantile(function: &str, param: &Expr) -> Option<Mistake> {
    let value = literal(param).filter(|value| !(0.0..=1.0).contains(value))?;
    let answer = if value > 1.0 { "+Inf" } else { "-Inf" };
    let fix = if value > 1.0 && value <= 100.0 {
        format!("a quantile is a share: write `{}`", value / 100.0)
    } else {
        "a quantile lies between 0 and 1, such as `0.95`".to_owned()
    };
    Some(Mistake::new(
        param.at,
        format!("`{function}({value}, …)` is always {answer}, whatever the data"),
        fix,
    ))
}

fn series(op: &str, param: &Expr) -> Option<Mistake> {
    let value = literal(param).filter(|value| *value < 1.0)?;
    let message = format!("`{op}({value}, …)` keeps no series: the result is always empty");
    Some(Mistake::new(param.at, message, format!("name how many series to keep, such as `{op}(5, …)`")))
}

fn nearest(param: &Expr) -> Option<Mistake> {
    literal(param).filter(|value| *value == 0.0)?;
    let message =
        "`round(…, 0)` divides by 0: the result is always NaN, which passes no comparison".to_owned();
    Some(Mistake::new(
        param.at,
        message,
        "`round(…)` rounds to whole numbers, `round(…, 0.01)` to hundredths",
    ))
}

fn bounds(args: &[Expr]) -> Option<Mistake> {
    let [_, least, most] = args else { return None };
    let (low, high) = (literal(least)?, literal(most)?);
    let message = format!(
        "`clamp(…, {low}, {high})` has a lower bound above the upper one: the result is always empty"
    );
    (low > high).then(|| Mistake::new(least.at, message, format!("exchange them: `clamp(…, {high}, {low})`")))
}

fn smoothing(function: &str, factor: &Expr) -> Option<Mistake> {
    let value = literal(factor).filter(|value| *value <= 0.0 || *value >= 1.0)?;
    let message = format!("`{function}` takes factors between 0 and 1, and fails to evaluate with {value}");
    Some(Mistake::new(factor.at, message, "choose a factor such as `0.5`"))
}

fn literal(expr: &Expr) -> Option<f64> {
    match &expr.kind {
        Kind::Number(value) => Some(*value),
        Kind::Negate(inner) => literal(inner).map(|value| -value),
        _ => None,
    }
}
