//! Why an expression never returns anything, whatever the data.

use super::describe::{named, symbol};
use super::{exclusion, join, matchers, stale};
use crate::analysis::view::View;
use crate::formats::promql::{Expr, Kind, Op, Selector};

/// A reason, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Never {
    /// Offset of what makes it so.
    pub at: usize,
    pub why: String,
    pub fix: String,
}

/// The innermost reason why the expression never returns anything.
pub fn never(view: &View<'_>, expr: &Expr) -> Option<Never> {
    let of = |inner: &Expr| never(view, inner);
    match &expr.kind {
        Kind::Number(_) | Kind::Text(_) => None,
        Kind::Selector(selector) => excluding(selector),
        Kind::Negate(inner) | Kind::Subquery { inner, .. } | Kind::Aggregate { inner, .. } => of(inner),
        Kind::Call { function, args } => {
            let function: &str = function;
            // These return something for nothing.
            let fills = matches!(function, "absent" | "absent_over_time" | "vector" | "scalar");
            args.iter().find(|arg| !fills && !arg.is_scalar()).and_then(of)
        }
        Kind::Binary(binary) => match binary.op {
            Op::Or => of(&binary.lhs).and_then(|first| of(&binary.rhs).map(|_| first)),
            Op::Unless => of(&binary.lhs).or_else(|| exclusion::taken_away(view, binary, expr.at)),
            _ => of(&binary.lhs)
                .or_else(|| of(&binary.rhs))
                .or_else(|| stale::gone(view, binary, expr.at))
                .or_else(|| join::unmatched(view, binary, expr.at))
                .or_else(|| exclusion::excluded(view, expr)),
        },
    }
}

/// The sides of `or` that never return anything beside one that may.
///
/// What `absent` or the right of `unless` lacks makes them return more, so nothing is said of those.
pub fn dead_sides(view: &View<'_>, expr: &Expr) -> Vec<Never> {
    let mut found = Vec::new();
    search(view, expr, &mut found);
    found
}

fn search(view: &View<'_>, expr: &Expr, found: &mut Vec<Never>) {
    match &expr.kind {
        Kind::Call { function, .. } if function.starts_with("absent") => {}
        Kind::Binary(binary) if binary.op == Op::Unless => search(view, &binary.lhs, found),
        Kind::Binary(binary) if binary.op == Op::Or => {
            for side in [&binary.lhs, &binary.rhs] {
                match never(view, side) {
                    Some(reason) => found.push(bound_tighter(side).unwrap_or(reason)),
                    None => search(view, side, found),
                }
            }
        }
        _ => expr.children(&mut |child| search(view, child, found)),
    }
}

/// `x or vector(0) > 5` compares `vector(0)` alone.
fn bound_tighter(side: &Expr) -> Option<Never> {
    let binary = side.as_binary().filter(|binary| binary.op.is_comparison())?;
    let ("vector", _) = binary.lhs.as_call()? else { return None };
    let (filled, op, other) = (named(&binary.lhs), symbol(binary.op), named(&binary.rhs));
    Some(Never {
        at: side.at,
        why: format!(
            "a comparison binds tighter than `or`: only `{filled}` is compared, and `{filled} {op} {other}` is never true"
        ),
        fix: format!("put brackets: `(… or {filled}) {op} {other}`"),
    })
}

fn excluding(selector: &Selector) -> Option<Never> {
    let (earlier, later) = matchers::excluding(selector)?;
    let name = selector.name.as_deref().unwrap_or("the selector");
    Some(Never {
        at: later.at,
        why: format!(
            "`{}` and `{}` exclude each other: no series of `{name}` has both",
            matchers::readable(earlier),
            matchers::readable(later)
        ),
        fix: format!("keep one of them, or write `{}=~\"…|…\"` if either is meant", later.label),
    })
}
