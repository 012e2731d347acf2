//! Expressions and ranges in the words of a message.

use super::interval::Interval;
use crate::formats::promql::{Expr, Kind, Op};

/// A longer text is cut down to its outermost function.
const LONGEST: usize = 60;

/// A short text of an expression, for a reader who has the whole of it at hand.
pub fn named(expr: &Expr) -> String {
    let text = text(expr);
    if text.chars().count() <= LONGEST {
        return text;
    }
    match &expr.kind {
        Kind::Call { function, .. } => format!("{function}(…)"),
        Kind::Aggregate { op, .. } => format!("{op}(…)"),
        Kind::Binary(binary) => format!("… {} …", symbol(binary.op)),
        _ => "…".to_owned(),
    }
}

fn text(expr: &Expr) -> String {
    if let Some(number) = expr.constant() {
        return number.to_string();
    }
    match &expr.kind {
        Kind::Number(number) => number.to_string(),
        Kind::Text(text) => format!("{text:?}"),
        Kind::Selector(selector) => {
            let name = selector.name.as_deref().unwrap_or_default();
            if selector.matchers.is_empty() { name.to_owned() } else { format!("{name}{{…}}") }
        }
        Kind::Call { function, args } => {
            format!("{function}({})", args.iter().map(text).collect::<Vec<_>>().join(", "))
        }
        Kind::Aggregate { op, inner, .. } => format!("{op}({})", text(inner)),
        Kind::Binary(binary) => {
            let bool = if binary.returns_bool { "bool " } else { "" };
            format!("{} {} {bool}{}", operand(&binary.lhs), symbol(binary.op), operand(&binary.rhs))
        }
        Kind::Subquery { inner, .. } => text(inner),
        Kind::Negate(inner) => format!("-{}", operand(inner)),
    }
}

fn operand(expr: &Expr) -> String {
    if expr.as_binary().is_some() && expr.constant().is_none() {
        format!("({})", text(expr))
    } else {
        text(expr)
    }
}

/// The operator as it is written.
pub const fn symbol(op: Op) -> &'static str {
    match op {
        Op::Add => "+",
        Op::Sub => "-",
        Op::Mul => "*",
        Op::Div => "/",
        Op::Mod => "%",
        Op::Pow => "^",
        Op::Equal => "==",
        Op::NotEqual => "!=",
        Op::Less => "<",
        Op::LessOrEqual => "<=",
        Op::Greater => ">",
        Op::GreaterOrEqual => ">=",
        Op::And => "and",
        Op::Or => "or",
        Op::Unless => "unless",
        Op::Atan2 => "atan2",
        // One of two, and the tree does not tell which.
        Op::Trim => "…",
    }
}

/// `is …`: where the numbers lie.
pub fn range(span: Interval) -> String {
    if let Some(only) = span.only() {
        return format!("is always {only}");
    }
    // Without the sign of a zero.
    let (lo, hi) = (span.lo + 0.0, span.hi);
    match (lo.is_finite(), hi.is_finite(), span.lo_open, span.hi_open) {
        (true, true, ..) => format!("is always between {lo} and {hi}"),
        (true, false, true, _) => format!("is always above {lo}"),
        (true, false, false, _) => format!("is never below {lo}"),
        (_, true, _, true) => format!("is always below {hi}"),
        (_, true, _, false) => format!("is never above {hi}"),
        _ => "can be any number".to_owned(),
    }
}
