//! Which types may meet where. Prometheus refuses the rest; here it is a reason not to lint.

use super::ast::{Cardinality, Matching, Op};
use super::functions::{Function, Type};
use super::modifiers::Modifiers;
use super::parser::Typed;

/// The type of a binary operation.
pub(super) fn of_binary(
    op: Op,
    symbol: &str,
    modifiers: &Modifiers,
    left: Type,
    right: Type,
) -> Result<Type, String> {
    for side in [left, right] {
        if !matches!(side, Type::Scalar | Type::Vector) {
            return Err(format!("`{symbol}` does not take a {}", side.name()));
        }
    }
    if modifiers.returns_bool && !op.is_comparison() {
        return Err("`bool` is for comparisons only".to_owned());
    }
    let scalars = left == Type::Scalar && right == Type::Scalar;
    if scalars && op.is_comparison() && !modifiers.returns_bool {
        return Err("a comparison of two scalars needs `bool`".to_owned());
    }
    let vectors = left == Type::Vector && right == Type::Vector;
    if !vectors && op.is_set() {
        return Err(format!("`{symbol}` needs an instant vector on both sides"));
    }
    let labels = match &modifiers.matching {
        Matching::All => &[],
        Matching::On(labels) | Matching::Ignoring(labels) => labels.as_slice(),
    };
    if !vectors && (!labels.is_empty() || modifiers.fills) {
        return Err("only instant vectors are matched by labels".to_owned());
    }
    if op.is_set() && (modifiers.fills || modifiers.cardinality != Cardinality::OneToOne) {
        return Err(format!("`{symbol}` takes neither `group_left`, `group_right` nor `fill`"));
    }
    if let (Matching::On(on), Cardinality::GroupLeft(copied) | Cardinality::GroupRight(copied)) =
        (&modifiers.matching, &modifiers.cardinality)
        && let Some(label) = copied.iter().find(|label| on.contains(label))
    {
        return Err(format!("the label `{label}` stands in `on` and in the group"));
    }
    Ok(if scalars { Type::Scalar } else { Type::Vector })
}

pub(super) fn check_call(function: &Function, args: &[Typed]) -> Result<(), String> {
    let count = function.args.len();
    let (least, most) = function.last.map_or((count, count), |most| {
        let fixed = count.saturating_sub(1);
        (fixed, fixed.saturating_add(most))
    });
    if args.len() < least || args.len() > most {
        let bound = if least == most {
            least.to_string()
        } else if args.len() < least {
            format!("at least {least}")
        } else {
            format!("at most {most}")
        };
        return Err(format!("`{}` takes {bound} argument(s), not {}", function.name, args.len()));
    }
    for (index, arg) in args.iter().enumerate() {
        let Some(expected) = function.args.get(index).or(function.args.last()) else { break };
        if arg.kind != *expected {
            return Err(format!(
                "`{}` takes a {} here, not a {}",
                function.name,
                expected.name(),
                arg.kind.name()
            ));
        }
    }
    Ok(())
}

pub(super) fn check_aggregation(op: &str, param: Option<Type>, inner: Type) -> Result<(), String> {
    if inner != Type::Vector {
        return Err(format!("`{op}` takes an instant vector, not a {}", inner.name()));
    }
    let expected = if op == "count_values" { Type::Text } else { Type::Scalar };
    match param {
        Some(param) if param != expected => {
            Err(format!("the parameter of `{op}` is a {}, not a {}", expected.name(), param.name()))
        }
        _ => Ok(()),
    }
}
