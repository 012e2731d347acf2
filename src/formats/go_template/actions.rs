//! What stands between the braces of a text, without the tree: far enough to see what it uses.

use super::Broken;
use super::lexer::{self, Kind, Piece};

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

/// All actions of a text.
///
/// # Errors
/// Where Go would find no end of one.
pub fn actions(text: &str) -> Result<Vec<Action>, Broken> {
    let pieces = lexer::pieces(text)?;
    Ok(pieces.into_iter().filter_map(action).collect())
}

fn action(piece: Piece<'_>) -> Option<Action> {
    let Piece::Action(at, end, words) = piece else { return None };
    let mut tokens: Vec<Token> = Vec::with_capacity(words.len());
    for word in words {
        match (word.kind, tokens.last_mut()) {
            (Kind::Field(name), Some(Token { kind: TokenKind::Path { fields, .. }, .. })) if word.joined => {
                fields.push(name);
            }
            // `(query "x").Value` reads a field of what stands in the brackets.
            (Kind::Field(_), Some(Token { kind: TokenKind::Close, .. })) if word.joined => {}
            (kind, _) => tokens.push(Token { kind: flat(kind), at: word.at }),
        }
    }
    Some(Action { at, end, tokens })
}

fn flat(kind: Kind) -> TokenKind {
    match kind {
        Kind::Word(word) => TokenKind::Word(word),
        Kind::Variable(root) => TokenKind::Path { root, fields: Vec::new() },
        Kind::Field(name) => TokenKind::Path { root: String::new(), fields: vec![name] },
        Kind::Dot => TokenKind::Path { root: String::new(), fields: Vec::new() },
        Kind::Text(text) => TokenKind::Text(text),
        Kind::Number(text) => TokenKind::Number(text),
        Kind::Open => TokenKind::Open,
        Kind::Close => TokenKind::Close,
        Kind::Pipe => TokenKind::Pipe,
        Kind::Declare | Kind::Assign => TokenKind::Assign,
        Kind::Comma => TokenKind::Comma,
        Kind::Bad(c) => TokenKind::Bad(c),
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
        assert_eq!(found.len(), 4);
        assert!(found[0].uses_value() && found[0].calls("printf"));
        assert_eq!(found[1].keyword(), Some("if"));
        assert_eq!(found[1].labels(), [("x", text.find(".Labels").unwrap())]);
        assert_eq!(found[2].labels().first().unwrap().0, "y.z");
        assert_eq!(found[0].commands().len(), 2);
    }

    #[test]
    fn what_is_read_of_a_path_stays_with_it() {
        let found =
            actions("{{ (query \"x\" | first).Value }}{{ . }}{{ $labels.a .b }}{{ $x := 'a' }}{{ 'ab' }}")
                .unwrap();
        let path = |root: &str, fields: &[&str]| TokenKind::Path {
            root: root.to_owned(),
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        };
        let kinds = |number: usize| -> Vec<_> {
            found[number].tokens.iter().map(|token| token.kind.clone()).collect()
        };
        assert_eq!(kinds(0).last(), Some(&TokenKind::Close));
        assert_eq!(kinds(1), [path("", &[])]);
        assert_eq!(kinds(2), [path("$labels", &["a"]), path("", &["b"])]);
        assert_eq!(kinds(3), [path("$x", &[]), TokenKind::Assign, TokenKind::Number("a".to_owned())]);
        assert_eq!(kinds(4), [TokenKind::Bad('\'')]);
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
