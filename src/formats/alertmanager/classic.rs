//! The older of Alertmanager's two matcher parsers: tolerant, label names in ASCII.

use super::matcher::{Parsed, operator};

/// White space as Go's `\s` knows it.
const SPACE: [char; 5] = ['\t', '\n', '\u{c}', '\r', ' '];

pub(super) fn parse(text: &str) -> Result<Vec<Parsed>, String> {
    let text = text.strip_prefix('{').unwrap_or(text);
    let text = text.strip_suffix('}').unwrap_or(text);
    let mut found = Vec::new();
    let (mut quoted, mut escaped, mut start) = (false, false, 0);
    for (at, c) in text.char_indices() {
        match c {
            ',' if !quoted => {
                found.push(one(&text[start..at])?);
                start = at + 1;
            }
            '"' if escaped => escaped = false,
            '"' => quoted = !quoted,
            '\\' => escaped = !escaped,
            // A comma inside quotes leaves `escaped` as it is, in Alertmanager too.
            ',' => {}
            _ => escaped = false,
        }
    }
    let last = text.get(start..).unwrap_or_default().trim();
    if !last.is_empty() {
        found.push(one(last)?);
    }
    Ok(found)
}

fn one(text: &str) -> Result<Parsed, String> {
    let bad = || format!("bad matcher format: {text}");
    let trimmed = text.trim_matches(SPACE);
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    let end = trimmed.find(|c| !is_name(c)).unwrap_or(trimmed.len());
    let (label, rest) = trimmed.split_at(end);
    if label.is_empty() || label.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(bad());
    }
    let (op, value) = operator(rest.trim_start_matches(SPACE)).ok_or_else(bad)?;
    Ok((label.to_owned(), op, unescaped(value.trim_matches(SPACE))?))
}

fn unescaped(raw: &str) -> Result<String, String> {
    let quote = || format!("matcher value contains unescaped double quote: {raw}");
    let (text, mut expects_quote) = raw.strip_prefix('"').map_or((raw, false), |rest| (rest, true));
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        let is_last = at + 1 >= text.len();
        match c {
            '\\' if !is_last => match characters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                Some((_, other)) => value.extend(['\\', other]),
                None => value.push('\\'),
            },
            '"' if expects_quote && is_last => expects_quote = false,
            '"' => return Err(quote()),
            other => value.push(other),
        }
    }
    if expects_quote { Err(quote()) } else { Ok(value) }
}
