//! The pieces of a template: its texts, and the tokens of each `{{ … }}`.

use super::Broken;
use crate::formats::go_string;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece<'a> {
    Text(&'a str),
    /// The offsets of its `{{` and behind its `}}`, and its tokens.
    Action(usize, usize, Vec<Token>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub at: usize,
    pub kind: Kind,
    /// Nothing stands between it and the token before.
    pub joined: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Word(String),
    /// With its `$`.
    Variable(String),
    /// `.name`, without the dot.
    Field(String),
    Dot,
    Text(String),
    Number(String),
    Open,
    Close,
    Pipe,
    Declare,
    Assign,
    Comma,
    /// A character that no template may hold here.
    Bad(char),
}

pub(super) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, Broken> {
    let mut pieces = Vec::new();
    let (mut from, mut trims) = (0, false);
    loop {
        let open = text[from..].find("{{").map(|at| at + from);
        let mut literal = &text[from..open.unwrap_or(text.len())];
        if trims {
            literal = literal.trim_start();
        }
        let Some(open) = open else {
            push_text(&mut pieces, literal);
            return Ok(pieces);
        };
        let mut lexer = Lexer { text, at: open + 2 };
        if lexer.rest().starts_with('-') && lexer.rest()[1..].starts_with(char::is_whitespace) {
            lexer.at += 1;
            literal = literal.trim_end();
        }
        push_text(&mut pieces, literal);
        let tokens = lexer.action(open)?;
        trims = text[..lexer.at].ends_with("-}}");
        from = lexer.at;
        // A comment leaves nothing.
        if !tokens.is_empty() || !is_comment(&text[open..from]) {
            pieces.push(Piece::Action(open, from, tokens));
        }
    }
}

fn is_comment(action: &str) -> bool {
    action.trim_start_matches(['{', '-']).trim_start().starts_with("/*")
}

fn push_text<'a>(pieces: &mut Vec<Piece<'a>>, text: &'a str) {
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn action(&mut self, open: usize) -> Result<Vec<Token>, Broken> {
        let mut tokens = Vec::new();
        loop {
            let rest = self.rest();
            let space = rest.len() - rest.trim_start().len();
            let joined = space == 0 && !tokens.is_empty();
            self.at += space;
            let rest = self.rest();
            if rest.starts_with("}}") {
                self.at += 2;
                return Ok(tokens);
            }
            if rest.starts_with("-}}") && !joined {
                self.at += 3;
                return Ok(tokens);
            }
            if rest.starts_with("/*") && tokens.is_empty() {
                let end = rest.find("*/").ok_or_else(|| broken(open, "a comment is never closed"))?;
                self.at += end + 2;
                continue;
            }
            let at = self.at;
            let kind = self.token(open)?;
            tokens.push(Token { at, kind, joined });
        }
    }

    fn token(&mut self, open: usize) -> Result<Kind, Broken> {
        let rest = self.rest();
        let at = self.at;
        let Some(first) = rest.chars().next() else {
            return Err(broken(open, "`{{` is never closed with `}}`"));
        };
        let mut symbol = |length: usize, kind: Kind| {
            self.at += length;
            Ok(kind)
        };
        match first {
            '(' => symbol(1, Kind::Open),
            ')' => symbol(1, Kind::Close),
            '|' => symbol(1, Kind::Pipe),
            ',' => symbol(1, Kind::Comma),
            ':' if rest.starts_with(":=") => symbol(2, Kind::Declare),
            '=' => symbol(1, Kind::Assign),
            '"' | '`' => {
                let string = go_string::leading(rest);
                let (value, length) = string.ok_or_else(|| broken(at, "a string is never closed"))?;
                symbol(length, Kind::Text(value))
            }
            '\'' => {
                let end = rest[1..].find('\'').ok_or_else(|| broken(at, "a character is never closed"))?;
                let inner = &rest[1..=end];
                // Quotes of another language: Go's hold one character.
                let is_one = inner.chars().count() == 1 || inner.starts_with('\\');
                symbol(end + 2, if is_one { Kind::Number(inner.to_owned()) } else { Kind::Bad('\'') })
            }
            '$' => {
                self.at += 1;
                let length = 1 + self.name().len();
                Ok(Kind::Variable(rest[..length].to_owned()))
            }
            '.' if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => Ok(Kind::Number(self.number())),
            '.' => {
                self.at += 1;
                let name = self.name();
                Ok(if name.is_empty() { Kind::Dot } else { Kind::Field(name.to_owned()) })
            }
            '-' | '+' if rest[1..].starts_with(|c: char| c.is_ascii_digit() || c == '.') => {
                Ok(Kind::Number(self.number()))
            }
            c if c.is_ascii_digit() => Ok(Kind::Number(self.number())),
            c if c.is_alphabetic() || c == '_' => Ok(Kind::Word(self.name().to_owned())),
            c => symbol(c.len_utf8(), Kind::Bad(c)),
        }
    }

    fn name(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn number(&mut self) -> String {
        let rest = self.rest();
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+');
        let end = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
        self.at += end;
        rest[..end].to_owned()
    }
}

pub(super) fn broken(at: usize, reason: &str) -> Broken {
    Broken { at, reason: reason.to_owned() }
}
