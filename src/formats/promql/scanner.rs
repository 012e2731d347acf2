//! The words of `PromQL`, one after the other, with their offsets.

use crate::formats::yaml::unquote::unquote;
use crate::model::PromDuration;

/// Why an expression is not linted, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Byte offset in the expression.
    pub at: usize,
    pub reason: String,
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.reason)
    }
}

pub(super) struct Scanner<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

const fn starts_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

const fn continues_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

impl<'a> Scanner<'a> {
    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    /// The byte `ahead` of the current one.
    fn byte(&self, ahead: usize) -> Option<u8> {
        self.bytes().get(self.at + ahead).copied()
    }

    /// Skips white space and comments, and shows what comes then.
    pub(super) fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.byte(0) {
            match byte {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                b'#' => {
                    self.at +=
                        self.bytes()[self.at..].iter().take_while(|b| !matches!(b, b'\n' | b'\r')).count();
                }
                _ => return Some(byte),
            }
        }
        None
    }

    /// Takes this symbol, if it comes next.
    pub(super) fn take(&mut self, symbol: &str) -> bool {
        let found = self.peek().is_some() && self.text[self.at..].starts_with(symbol);
        if found {
            self.at += symbol.len();
        }
        found
    }

    pub(super) fn expect(&mut self, symbol: &str, context: &str) -> Result<(), Unread> {
        if self.take(symbol) {
            Ok(())
        } else {
            Err(self.unexpected(&format!("`{symbol}` was expected {context}")))
        }
    }

    /// The identifier that comes next, without taking it; `colons` as in the names of metrics.
    pub(super) fn word(&mut self, colons: bool) -> Option<&'a str> {
        let first = self.peek()?;
        if !(starts_word(first) || colons && first == b':') {
            return None;
        }
        let rest = &self.bytes()[self.at..];
        let length = rest.iter().take_while(|b| continues_word(**b) || colons && **b == b':').count();
        self.text.get(self.at..self.at + length)
    }

    /// Takes this word, in whatever case it is written, if it comes next.
    pub(super) fn take_keyword(&mut self, keyword: &str) -> bool {
        let next = self.peek().map(|byte| byte.to_ascii_lowercase());
        // Most that is asked for is not there: one byte tells.
        let found = next == keyword.bytes().next()
            && self.word(true).is_some_and(|word| word.eq_ignore_ascii_case(keyword));
        if found {
            self.at += keyword.len();
        }
        found
    }

    /// The string that comes next, unquoted.
    pub(super) fn string(&mut self) -> Result<Option<String>, Unread> {
        let quote = match self.peek() {
            Some(b'"') => '"',
            Some(b'\'') => '\'',
            Some(b'`') => '`',
            _ => return Ok(None),
        };
        let start = self.at;
        let body = &self.text[start + 1..];
        let mut escaped = false;
        for (at, byte) in body.bytes().enumerate() {
            if escaped {
                escaped = false;
            } else if byte == b'\\' && quote != '`' {
                escaped = true;
            } else if byte == quote as u8 {
                self.at = start + at + 2;
                let inner = &body[..at];
                let value = if quote == '`' { Some(inner.to_owned()) } else { unquote(inner, quote) };
                return value
                    .map(Some)
                    .ok_or_else(|| at_byte(start, "a string has an escape that does not exist"));
            } else if byte == b'\n' && quote != '`' {
                break;
            }
        }
        Err(at_byte(start, "a string is never closed"))
    }

    /// The number or duration that comes next, durations in seconds.
    pub(super) fn number(&mut self) -> Result<Option<f64>, Unread> {
        let digit = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_digit());
        let first = self.peek();
        if !(digit(first) || first == Some(b'.') && digit(self.byte(1))) {
            return Ok(None);
        }
        let start = self.at;
        let mut previous = b' ';
        while let Some(byte) = self.byte(0) {
            let sign = matches!(byte, b'+' | b'-') && matches!(previous, b'e' | b'E') && !self.is_hex(start);
            if !(continues_word(byte) || byte == b'.' || sign) {
                break;
            }
            previous = byte;
            self.at += 1;
        }
        let text = &self.text[start..self.at];
        let value = number(text).or_else(|| PromDuration::seconds(text));
        value.map(Some).ok_or_else(|| at_byte(start, &format!("`{text}` is not a number or duration")))
    }

    fn is_hex(&self, start: usize) -> bool {
        matches!(self.bytes().get(start..start + 2), Some(b"0x" | b"0X"))
    }

    /// What comes next is not what may come next.
    pub(super) fn unexpected(&mut self, expected: &str) -> Unread {
        if self.peek().is_none() {
            return at_byte(self.at, &format!("the expression ends too early: {expected}"));
        }
        let rest = &self.text[self.at..];
        let one = rest.chars().next().map_or(0, char::len_utf8);
        let found = self.word(true).or_else(|| rest.get(..one)).unwrap_or_default();
        at_byte(self.at, &format!("unexpected `{found}`: {expected}"))
    }
}

pub(super) fn at_byte(at: usize, reason: &str) -> Unread {
    Unread { at, reason: reason.to_owned() }
}

/// A number as Go reads it: first as an integer of any base, then as a float.
fn number(text: &str) -> Option<f64> {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    if let Some(hex) = hex {
        return whole(hex.strip_prefix('_').unwrap_or(hex), 16);
    }
    if let Some(octal) = text.strip_prefix('0')
        && let Some(value) = whole(octal.strip_prefix('_').unwrap_or(octal), 8)
    {
        return Some(value);
    }
    let separated = text.contains('_');
    if separated && (text.ends_with('_') || text.starts_with('_') || text.contains("__")) {
        return None;
    }
    let plain = if separated { text.replace('_', "") } else { text.to_owned() };
    plain.parse().ok()
}

#[allow(clippy::cast_precision_loss, reason = "as Go converts it")]
fn whole(digits: &str, radix: u32) -> Option<f64> {
    let all = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix) || c == '_');
    if !all || digits.ends_with('_') || digits.contains("__") {
        return None;
    }
    i64::from_str_radix(&digits.replace('_', ""), radix).ok().map(|value| value as f64)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(text: &str) -> Option<f64> {
        Scanner { text, at: 0 }.number().ok().flatten()
    }

    #[test]
    fn numbers_are_those_of_go() {
        let cases = [
            ("1", 1.0),
            ("1.5", 1.5),
            (".5", 0.5),
            ("5.", 5.0),
            ("1e-3", 1e-3),
            ("1_000", 1000.0),
            ("0x1F", 31.0),
            ("0X_1f", 31.0),
            ("010", 8.0),
            ("08", 8.0),
            ("5m", 300.0),
            ("1h30m", 5400.0),
            ("10ms", 0.01),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), Some(expected), "{text}");
        }
        for text in ["1__0", "1_", "5x", "5m1h", "0x", "1.2.3", "1e", "x"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn strings_end_at_their_own_quote() {
        let string = |text| Scanner { text, at: 0 }.string();
        assert_eq!(string(r#""a\"b" c"#).unwrap().as_deref(), Some("a\"b"));
        assert_eq!(string(r"'it\'s'").unwrap().as_deref(), Some("it's"));
        assert_eq!(string(r"`a\`").unwrap().as_deref(), Some("a\\"));
        assert_eq!(string("x").unwrap(), None);
        assert_eq!(string("'a").unwrap_err().at, 0);
        assert!(string("\"a\nb\"").is_err());
        assert!(string(r#""\d""#).is_err());
    }
}
