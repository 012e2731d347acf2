//! Values of the wrong type: Go's templates fail on them, or print `%!f(string=…)`.

use crate::formats::go_template::{Action, Token, TokenKind};

use crate::check::lints::rules::template_error::Mistake;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Float,
    Text,
}

/// Functions that take a text where they are given the value.
const TEXT_ONLY: [&str; 8] =
    ["match", "parseDuration", "reReplaceAll", "stripDomain", "stripPort", "title", "toLower", "toUpper"];

/// Functions whose result is a text.
const MAKES_TEXT: [&str; 13] = [
    "humanize",
    "humanize1024",
    "humanizeDuration",
    "humanizePercentage",
    "humanizeTimestamp",
    "print",
    "printf",
    "reReplaceAll",
    "stripDomain",
    "stripPort",
    "title",
    "toLower",
    "toUpper",
];

/// What is wrong with command number `index` of an action.
pub(in crate::check::lints) fn mistake(action: &Action, index: usize) -> Option<Mistake> {
    let commands = action.commands();
    let command = commands.get(index)?;
    let piped = index.checked_sub(1).and_then(|before| result(commands.get(before)?));
    let (first, operands) = command.split_first()?;
    let TokenKind::Word(name) = &first.kind else { return None };
    match name.as_str() {
        "printf" => printf(first.at, operands, index > 0, piped),
        "eq" | "ne" | "lt" | "le" | "gt" | "ge" => compared(first.at, operands),
        name if TEXT_ONLY.contains(&name) => {
            let given = piped.into_iter().chain(operands.iter().filter_map(|token| of_token(token)));
            given.into_iter().any(|given| given == Type::Float).then(|| {
                let message = format!("`{name}` takes a text, and `$value` is a float: the text becomes `<error expanding template: … wrong type for value>`");
                (first.at, message, Some("write `printf \"%.2f\" $value` first, or leave the function out"))
            })
        }
        _ => None,
    }
}

fn of_token(token: &Token) -> Option<Type> {
    match &token.kind {
        TokenKind::Text(_) => Some(Type::Text),
        TokenKind::Path { root, fields } => match (root.as_str(), fields.as_slice()) {
            ("$value", []) => Some(Type::Float),
            ("", [field]) if field == "Value" => Some(Type::Float),
            ("$labels", [_]) => Some(Type::Text),
            ("", [field, _]) if field == "Labels" => Some(Type::Text),
            _ => None,
        },
        _ => None,
    }
}

fn result(command: &[&Token]) -> Option<Type> {
    let (first, operands) = command.split_first()?;
    match &first.kind {
        TokenKind::Word(name) => MAKES_TEXT.contains(&name.as_str()).then_some(Type::Text),
        _ if operands.is_empty() => of_token(first),
        _ => None,
    }
}

fn printf(at: usize, operands: &[&Token], is_piped: bool, piped: Option<Type>) -> Option<Mistake> {
    let (format, rest) = operands.split_first()?;
    let TokenKind::Text(format) = &format.kind else { return None };
    let brackets = rest.iter().any(|token| matches!(token.kind, TokenKind::Open | TokenKind::Close));
    let rest = rest.iter().filter(|token| token.kind != TokenKind::Comma);
    let mut given: Vec<Option<Type>> = rest.map(|token| of_token(token)).collect();
    if is_piped {
        given.push(piped);
    }
    let Ok(verbs) = verbs(format) else {
        let message = format!("`{format}` ends with a single `%`: the text becomes `%!(NOVERB)`");
        return Some((at, message, Some("write `%%` for a percent sign")));
    };
    if !brackets && given.len() < verbs.len() {
        let verb = verbs.get(given.len())?;
        let message = format!(
            "`{format}` gets {} of {} values: the text becomes `%!{verb}(MISSING)`",
            given.len(),
            verbs.len()
        );
        return Some((at, message, Some("give `printf` the value as well")));
    }
    let wrong = |(verb, given): (&char, &Option<Type>)| match given {
        Some(Type::Float) if !"vfFeEgGxXT".contains(*verb) => {
            Some((*verb, "the value, which is a float", "float64", "use `%.0f`"))
        }
        Some(Type::Text) if !"vsqxXT".contains(*verb) => {
            Some((*verb, "a text", "string", "format `$value` itself, or use `%s`"))
        }
        _ => None,
    };
    let (verb, what, kind, fix) = verbs.iter().zip(&given).filter(|_| !brackets).find_map(wrong)?;
    let message = format!("`%{verb}` cannot print {what}: the text becomes `%!{verb}({kind}=…)`");
    Some((at, message, Some(fix)))
}

/// The verbs of a format, `%%` left out; an error when the last `%` has none.
fn verbs(format: &str) -> Result<Vec<char>, ()> {
    let mut found = Vec::new();
    let mut rest = format.chars();
    while let Some(c) = rest.next() {
        if c == '%' {
            let flag = |c: &char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-' | '#' | ' ');
            match rest.find(|c| !flag(c)) {
                Some('%') => {}
                // The next value is the width or the precision.
                Some('*') => return Ok(Vec::new()),
                Some(verb) => found.push(verb),
                None => return Err(()),
            }
        }
    }
    Ok(found)
}

/// Go compares no float with an integer constant, and no text with a number.
fn compared(at: usize, operands: &[&Token]) -> Option<Mistake> {
    let types: Vec<_> = operands.iter().filter_map(|token| of_token(token)).collect();
    let (has_value, has_text) = (types.contains(&Type::Float), types.contains(&Type::Text));
    let number = operands.iter().find_map(|token| match &token.kind {
        TokenKind::Number(number) => Some(number),
        _ => None,
    });
    let integer = number.filter(|number| !number.contains(['.', 'e', 'E', 'p', 'P', 'x']));
    let effect = "which Go does not compare: the text becomes `<error expanding template: … incompatible types for comparison>`";
    if has_text && (has_value || number.is_some()) {
        let message = format!("a label is a text and the other side a number, {effect}");
        return Some((at, message, Some("write the number in quotes, such as `\"5\"`")));
    }
    let integer = integer.filter(|_| has_value)?;
    let message = format!("`$value` is a float and `{integer}` an integer, {effect}");
    Some((at, message, Some("write the number with a fraction, such as `5.0`")))
}
