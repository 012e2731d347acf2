//! Go's file patterns, as Prometheus and Alertmanager read `rule_files` and `templates`.
//!
//! The grammar is that of Go's `path/filepath.Match`; like `filepath.Glob`, a pattern is matched folder by
//! folder, so nothing in it crosses a `/`.

/// A pattern that Go refuses as a whole ("syntax error in pattern"), wherever its fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadPattern;

/// One element of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// `*`
    Any,
    /// `?`
    One,
    Literal(char),
    /// `[a-z]`, `[^a-z]`: inclusive ranges.
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

/// A pattern that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    /// The tokens of each part between slashes.
    parts: Vec<Vec<Token>>,
}

impl Glob {
    /// # Errors
    /// For what Go refuses: an open or empty class, a range without an end, a backslash at the end.
    pub fn parse(pattern: &str) -> Result<Self, BadPattern> {
        let parts: Result<_, _> = pattern.split('/').map(tokens).collect();
        Ok(Self { parts: parts? })
    }

    /// True when the whole path matches.
    pub fn matches(&self, path: &str) -> bool {
        let names: Vec<Vec<char>> = path.split('/').map(|name| name.chars().collect()).collect();
        names.len() == self.parts.len()
            && self.parts.iter().zip(&names).all(|(tokens, name)| matches_name(tokens, name))
    }
}

fn tokens(part: &str) -> Result<Vec<Token>, BadPattern> {
    let mut chars = part.chars().peekable();
    let mut found = Vec::new();
    while let Some(c) = chars.next() {
        found.push(match c {
            '*' => Token::Any,
            '?' => Token::One,
            '\\' => Token::Literal(chars.next().ok_or(BadPattern)?),
            '[' => {
                let negated = chars.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                // The first member may not be a bare `]`: an empty class is refused.
                while ranges.is_empty() || chars.next_if_eq(&']').is_none() {
                    let low = member(&mut chars)?;
                    let high = if chars.next_if_eq(&'-').is_some() { member(&mut chars)? } else { low };
                    ranges.push((low, high));
                }
                Token::Class { negated, ranges }
            }
            other => Token::Literal(other),
        });
    }
    Ok(found)
}

/// One end of a range.
fn member(chars: &mut impl Iterator<Item = char>) -> Result<char, BadPattern> {
    match chars.next() {
        None | Some('-' | ']') => Err(BadPattern),
        Some('\\') => chars.next().ok_or(BadPattern),
        Some(other) => Ok(other),
    }
}

fn matches_name(tokens: &[Token], name: &[char]) -> bool {
    let (mut at, mut read) = (0, 0);
    // Where the last `*` stands, and what it has taken so far.
    let mut star: Option<(usize, usize)> = None;
    while read < name.len() {
        match tokens.get(at) {
            Some(Token::Any) => {
                star = Some((at, read));
                at += 1;
            }
            Some(token) if name.get(read).is_some_and(|c| takes(token, *c)) => {
                at += 1;
                read += 1;
            }
            _ => {
                // The last `*` takes one more.
                let Some((star_at, taken)) = star else { return false };
                star = Some((star_at, taken + 1));
                at = star_at + 1;
                read = taken + 1;
            }
        }
    }
    tokens.get(at..).is_some_and(|rest| rest.iter().all(|token| *token == Token::Any))
}

fn takes(token: &Token, c: char) -> bool {
    match token {
        Token::Any | Token::One => true,
        Token::Literal(literal) => *literal == c,
        Token::Class { negated, ranges } => {
            ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Each answer was had from Go's own `filepath.Match`.
    #[test]
    fn the_answers_are_those_of_go() {
        for (pattern, name, expected) in [
            ("rules/*.yml", "rules/a.yml", true),
            ("rules/*.yml", "rules/b/a.yml", false),
            ("*", "", true),
            ("a*b*c", "axbxxc", true),
            ("a*b*c", "axbxx", false),
            ("?.yml", "ä.yml", true),
            ("?", "", false),
            (r"[\]]", "]", true),
            (r"[a\-c]", "b", false),
            (r"[a\-c]", "-", true),
            (r"[\d].yml", "5.yml", false),
            (r"[\d].yml", "d.yml", true),
            ("[c-a]", "b", false),
            ("[^a-c]", "d", true),
            ("[^a-c]", "b", false),
            ("[!a]", "!", true),
            (r"\*", "*", true),
            (r"\*", "a", false),
            ("a]", "a]", true),
            ("**", "abc", true),
        ] {
            assert_eq!(Glob::parse(pattern).unwrap().matches(name), expected, "{pattern} ~ {name}");
        }
    }

    #[test]
    fn what_go_refuses_is_refused_wherever_it_stands() {
        for pattern in [r"a\", "[a", "[-a]", "[a-]", "[]a]", "[^]", "[", r"[\", "x/[a", "[a-]/y"] {
            assert_eq!(Glob::parse(pattern), Err(BadPattern), "{pattern}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = Glob::parse(&"*a".repeat(60)).unwrap();
        assert!(!pattern.matches(&"a".repeat(59)));
        assert!(!pattern.matches(&format!("{}b", "a".repeat(5000))));
    }
}
