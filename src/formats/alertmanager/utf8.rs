//! The newer of Alertmanager's two matcher parsers: any label name, strict quotes.

use super::matcher::{Parsed, operator};
use crate::formats::yaml::unquote::unquote;

pub(super) fn parse(text: &str) -> Result<Vec<Parsed>, String> {
    let mut parser = Parser { rest: text.trim_start() };
    let braced = parser.accept('{');
    let mut found = Vec::new();
    while !parser.rest.is_empty() && !parser.rest.starts_with('}') {
        found.push(parser.matcher()?);
        if !parser.accept(',') {
            break;
        }
    }
    if parser.accept('}') != braced {
        return Err("an open or close brace is missing".to_owned());
    }
    if parser.rest.is_empty() { Ok(found) } else { Err(format!("unexpected {}", parser.rest)) }
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn accept(&mut self, wanted: char) -> bool {
        let Some(rest) = self.rest.strip_prefix(wanted) else { return false };
        self.rest = rest.trim_start();
        true
    }

    fn matcher(&mut self) -> Result<Parsed, String> {
        let label = self.word()?;
        let (op, rest) = operator(self.rest).ok_or("expected an operator such as '=', '!=', '=~' or '!~'")?;
        self.rest = rest.trim_start();
        Ok((label, op, self.word()?))
    }

    fn word(&mut self) -> Result<String, String> {
        let (word, rest) = if self.rest.starts_with('"') { self.quoted()? } else { self.unquoted()? };
        self.rest = rest.trim_start();
        Ok(word)
    }

    fn quoted(&self) -> Result<(String, &'a str), String> {
        let mut escaped = false;
        for (at, c) in self.rest.char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => {
                    let inner = unquote(&self.rest[1..at], '"').ok_or("invalid escape in quotes")?;
                    return Ok((inner, &self.rest[at + 1..]));
                }
                _ => {}
            }
        }
        Err("missing end quote".to_owned())
    }

    fn unquoted(&self) -> Result<(String, &'a str), String> {
        let end = self.rest.find(is_reserved).unwrap_or(self.rest.len());
        if end == 0 {
            return Err("expected a label name or value".to_owned());
        }
        Ok((self.rest[..end].to_owned(), &self.rest[end..]))
    }
}

fn is_reserved(c: char) -> bool {
    c.is_whitespace() || "{}!=~,\\\"'`".contains(c)
}
