//! Go templates of annotations and labels, read far enough to see what they use.

use crate::formats::go_string;

/// One `{{ … }}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// Byte offset of the `{{`.
    pub at: usize,
    /// Byte offset behind the `}}`.
    pub end: usize,
    pub tokens: Vec<Token>,
}

/// One word of an action.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    pub kind: TokenKind,
    /// Byte offset in the text.
    pub at: usize,
}

/// What a word of an action is.
#[derive(Clone, Debug, PartialEq)]
pub enum TokenKind {
    /// A function or a keyword.
    Word(String),
    /// `$labels.instance`: the variable with its `$` (empty for a path from the dot), and the fields.
    Path {
        root: String,
        fields: Vec<String>,
    },
    Text(String),
    Number(String),
    Pipe,
    Open,
    Close,
    /// `:=` or `=`.
    Assign,
    Comma,
    /// A character that no template may hold here.
    Bad(char),
}

/// Why a text is no template, and where.
#[derive(Clone, Debug, PartialEq)]
pub struct Broken {
    pub at: usize,
    pub reason: String,
}

/// All actions of a text.
pub fn actions(text: &str) -> Result<Vec<Action>, Broken> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text.get(from..).and_then(|rest| rest.find("{{")).map(|at| at + from) {
        let mut lexer = Lexer { text, at: start + 2 };
        if lexer.rest().starts_with('-') {
            lexer.at += 1;
        }
        let tokens = lexer.tokens().map_err(|reason| Broken { at: start, reason: reason.to_owned() })?;
        found.push(Action { at: start, end: lexer.at, tokens });
        from = lexer.at;
    }
    Ok(found)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn tokens(&mut self) -> Result<Vec<Token>, &'static str> {
        let mut tokens = Vec::new();
        loop {
            self.at += self.rest().len() - self.rest().trim_start().len();
            let rest = self.rest();
            if let Some(end) = ["}}", "-}}"].into_iter().find(|end| rest.starts_with(end)) {
                self.at += end.len();
                return Ok(tokens);
            }
            if rest.starts_with("/*") {
                self.at += rest.find("*/").ok_or("the comment is never closed")? + 2;
                continue;
            }
            let at = self.at;
            let kind = self.token(rest)?;
            tokens.push(Token { kind, at });
        }
    }

    fn token(&mut self, rest: &'a str) -> Result<TokenKind, &'static str> {
        let first = rest.chars().next().ok_or("`{{` is never closed with `}}`")?;
        Ok(match first {
            '"' | '`' => {
                let (value, length) = go_string::leading(rest).ok_or("a string is never closed")?;
                self.symbol(length, TokenKind::Text(value))
            }
            '$' | '.' => self.path(rest, first),
            '0'..='9' => TokenKind::Number(
                self.take(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_')).to_owned(),
            ),
            '-' | '+' if rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                self.at += 1;
                let digits = self.take(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_'));
                TokenKind::Number(format!("{first}{digits}"))
            }
            c if c.is_alphabetic() || c == '_' => {
                TokenKind::Word(self.take(|c| c.is_alphanumeric() || c == '_').to_owned())
            }
            ':' if rest.starts_with(":=") => self.symbol(2, TokenKind::Assign),
            '=' => self.symbol(1, TokenKind::Assign),
            '|' => self.symbol(1, TokenKind::Pipe),
            '(' => self.symbol(1, TokenKind::Open),
            ')' => self.closing(rest),
            ',' => self.symbol(1, TokenKind::Comma),
            c => self.symbol(c.len_utf8(), TokenKind::Bad(c)),
        })
    }

    fn symbol(&mut self, length: usize, kind: TokenKind) -> TokenKind {
        self.at += length;
        kind
    }

    /// `(query "x").Value` reads a field of what stands in the brackets.
    fn closing(&mut self, rest: &str) -> TokenKind {
        self.at += 1;
        if rest[1..].starts_with('.') {
            self.take(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
        }
        TokenKind::Close
    }

    fn take(&mut self, test: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !test(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn path(&mut self, rest: &'a str, first: char) -> TokenKind {
        if first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit()) {
            return TokenKind::Number(self.take(|c| c.is_ascii_alphanumeric() || c == '.').to_owned());
        }
        let whole = self.take(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '$'));
        let mut parts = whole.split('.');
        let root = parts.next().unwrap_or_default().to_owned();
        TokenKind::Path { root, fields: parts.filter(|part| !part.is_empty()).map(str::to_owned).collect() }
    }
}

impl Action {
    /// The keyword that it begins with: `if`, `range`, `end`…; `else if` gives `else`.
    pub fn keyword(&self) -> Option<&str> {
        const KEYWORDS: [&str; 10] =
            ["if", "else", "end", "range", "with", "define", "template", "block", "break", "continue"];
        let TokenKind::Word(word) = &self.tokens.first()?.kind else { return None };
        KEYWORDS.contains(&word.as_str()).then_some(word)
    }

    /// Every function that is called.
    pub fn functions(&self) -> impl Iterator<Item = (&str, usize)> {
        let skip = usize::from(self.keyword().is_some());
        self.tokens.iter().skip(skip).filter_map(|token| match &token.kind {
            TokenKind::Word(word) => Some((word.as_str(), token.at)),
            _ => None,
        })
    }

    /// True when the action calls this function.
    pub fn calls(&self, function: &str) -> bool {
        self.functions().any(|(name, _)| name == function)
    }

    /// True when the alert's value is used.
    pub fn uses_value(&self) -> bool {
        self.tokens.iter().any(|token| match &token.kind {
            TokenKind::Path { root, fields } => {
                root == "$value" || (root.is_empty() && fields.first().is_some_and(|field| field == "Value"))
            }
            _ => false,
        })
    }

    /// The labels of the alert that are used, with their offsets.
    pub fn labels(&self) -> Vec<(&str, usize)> {
        let mut found = Vec::new();
        for (index, token) in self.tokens.iter().enumerate() {
            let TokenKind::Path { root, fields } = &token.kind else { continue };
            let label = match (root.as_str(), fields.as_slice()) {
                ("$labels", [label, ..]) => Some(label.as_str()),
                ("" | "$", [labels, label, ..]) if labels == "Labels" => Some(label.as_str()),
                ("$labels", []) => self.indexed(index),
                _ => None,
            };
            found.extend(label.map(|label| (label, token.at)));
        }
        found
    }

    /// The label of `index $labels "name"`, where the variable is the token `at`.
    fn indexed(&self, at: usize) -> Option<&str> {
        let before = &self.tokens.get(at.checked_sub(1)?)?.kind;
        let after = &self.tokens.get(at + 1)?.kind;
        match (before, after) {
            (TokenKind::Word(word), TokenKind::Text(label)) if word == "index" => Some(label),
            _ => None,
        }
    }

    /// The commands of the pipeline: each a list of operands, brackets counting as one.
    pub fn commands(&self) -> Vec<Vec<&Token>> {
        let skip = usize::from(self.keyword().is_some());
        let mut commands = vec![Vec::new()];
        let mut depth = 0_usize;
        for token in self.tokens.iter().skip(skip) {
            match token.kind {
                TokenKind::Close => {
                    depth = depth.saturating_sub(1);
                    continue;
                }
                TokenKind::Pipe | TokenKind::Assign if depth == 0 => {
                    commands.push(Vec::new());
                    continue;
                }
                _ => {}
            }
            if depth == 0
                && let Some(command) = commands.last_mut()
            {
                command.push(token);
            }
            depth += usize::from(token.kind == TokenKind::Open);
        }
        commands
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sees_labels_values_and_functions() {
        let text = r#"a {{ $value | printf "%.2f%%" }} {{- if .Labels.x -}} {{ index $labels "y.z" }}{{ end }} {{/* $labels.no */}}"#;
        let found = actions(text).unwrap();
        assert_eq!(found.len(), 5);
        assert!(found[0].uses_value() && found[0].calls("printf"));
        assert_eq!(found[1].keyword(), Some("if"));
        assert_eq!(found[1].labels(), [("x", text.find(".Labels").unwrap())]);
        assert_eq!(found[2].labels().first().unwrap().0, "y.z");
        assert!(found[4].labels().is_empty());
        assert_eq!(found[0].commands().len(), 2);
    }

    #[test]
    fn says_what_is_broken() {
        assert_eq!(actions("ab {{ $value").unwrap_err().at, 3);
        assert!(actions("{{ printf \"x }}").is_err());
        assert!(actions("no braces").unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn never_panics(text in "(\\{\\{|\\}\\}|[-.$\"`a-zü0-9()|:= ]){0,40}") {
            let _ = actions(&text).map(|found| found.iter().map(|a| (a.labels().len(), a.commands().len())).collect::<Vec<_>>());
        }
    }
}
