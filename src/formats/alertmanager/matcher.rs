//! Alertmanager's matchers, read and applied as it does itself.

use std::fmt;

use regex::Regex;

use super::{classic, utf8};
use crate::formats::promql::MatchOp;

/// `severity="critical"`. A label that an alert does not have counts as empty.
#[derive(Clone, Debug)]
pub struct Matcher {
    pub label: String,
    pub op: MatchOp,
    pub value: String,
    /// Only of the two regular operators; `None` there when only Go can read the expression.
    pattern: Option<Regex>,
    /// The values of a regular expression that is a plain list, such as `a|b`.
    listed: Option<Vec<String>>,
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        self.label == other.label && self.op == other.op && self.value == other.value
    }
}

impl Eq for Matcher {}

impl Matcher {
    /// A matcher of a label against a value, or against an anchored pattern.
    pub fn new(label: impl Into<String>, op: MatchOp, value: impl Into<String>) -> Self {
        let value = value.into();
        let is_regex = matches!(op, MatchOp::Matches | MatchOp::MatchesNot);
        let pattern = is_regex.then(|| Regex::new(&format!("^(?:{value})$")).ok()).flatten();
        let listed = is_regex.then(|| plain_list(&value)).flatten();
        Self { label: label.into(), op, value, pattern, listed }
    }

    /// One that Alertmanager refuses: nothing is claimed about what it matches.
    pub fn unreadable(line: &str) -> Self {
        Self {
            label: String::new(),
            op: MatchOp::Matches,
            value: line.to_owned(),
            pattern: None,
            listed: None,
        }
    }

    /// `None` when the expression is one that only Go can read.
    pub fn matches(&self, value: &str) -> Option<bool> {
        match self.op {
            MatchOp::Equal => Some(value == self.value),
            MatchOp::NotEqual => Some(value != self.value),
            MatchOp::Matches => self.pattern.as_ref().map(|pattern| pattern.is_match(value)),
            MatchOp::MatchesNot => self.pattern.as_ref().map(|pattern| !pattern.is_match(value)),
        }
    }

    /// The only values that can match, where they can be listed.
    pub fn values(&self) -> Option<Vec<&str>> {
        match self.op {
            MatchOp::Equal => Some(vec![&self.value]),
            MatchOp::Matches => {
                self.listed.as_ref().map(|values| values.iter().map(String::as_str).collect())
            }
            MatchOp::NotEqual | MatchOp::MatchesNot => None,
        }
    }

    /// The only values that cannot match, where they can be listed.
    pub fn excluded(&self) -> Option<Vec<&str>> {
        match self.op {
            MatchOp::NotEqual => Some(vec![&self.value]),
            MatchOp::MatchesNot => {
                self.listed.as_ref().map(|values| values.iter().map(String::as_str).collect())
            }
            MatchOp::Equal | MatchOp::Matches => None,
        }
    }

    /// Matches whatever the label is, missing or not.
    pub fn matches_everything(&self) -> bool {
        self.op == MatchOp::Matches && matches!(self.value.as_str(), ".*" | "(.*)" | ".*?" | "^.*$")
    }

    /// Matches every value but the empty one.
    pub fn matches_any_value(&self) -> bool {
        match self.op {
            MatchOp::Matches => matches!(self.value.as_str(), ".+" | "(.+)" | "^.+$"),
            MatchOp::NotEqual => self.value.is_empty(),
            MatchOp::MatchesNot => matches!(self.value.as_str(), "" | "^$"),
            MatchOp::Equal => false,
        }
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let op = match self.op {
            MatchOp::Equal => "=",
            MatchOp::NotEqual => "!=",
            MatchOp::Matches => "=~",
            MatchOp::MatchesNot => "!~",
        };
        let value = self.value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        write!(formatter, "{}{op}\"{value}\"", self.label)
    }
}

/// The matchers of one line of a configuration.
///
/// Alertmanager asks its new parser and its old one. Where only one understands, that one counts; where
/// they differ, the old one does.
pub fn parse(line: &str) -> Result<Vec<Matcher>, String> {
    let new = utf8::parse(line);
    let old = classic::parse(line);
    let chosen = match (new, old) {
        (Err(_), old) => old?,
        (Ok(new), Ok(old)) if new != old => old,
        (Ok(new), _) => new,
    };
    Ok(chosen.into_iter().map(|(label, op, value)| Matcher::new(label, op, value)).collect())
}

/// A matcher as the parsers hand it over.
pub(super) type Parsed = (String, MatchOp, String);

pub(super) fn operator(text: &str) -> Option<(MatchOp, &str)> {
    let operators = [
        ("=~", MatchOp::Matches),
        ("!=", MatchOp::NotEqual),
        ("!~", MatchOp::MatchesNot),
        ("=", MatchOp::Equal),
    ];
    operators.into_iter().find_map(|(sign, op)| Some((op, text.strip_prefix(sign)?)))
}

/// The values of an expression such as `a|b|(c)`, when nothing in it is special.
pub fn plain_list(pattern: &str) -> Option<Vec<String>> {
    let inner = pattern.strip_prefix('^').unwrap_or(pattern);
    let inner = inner.strip_suffix('$').unwrap_or(inner);
    let inner = inner
        .strip_prefix("(?:")
        .or_else(|| inner.strip_prefix('('))
        .map_or(Some(inner), |rest| rest.strip_suffix(')'))?;
    inner.split('|').map(literal).collect()
}

/// The text that an expression without special characters stands for; `\.` is a dot.
fn literal(part: &str) -> Option<String> {
    let mut text = String::new();
    let mut characters = part.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' => text.push(characters.next().filter(char::is_ascii_punctuation)?),
            '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '^' | '$' => return None,
            other => text.push(other),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(line: &str) -> Option<Vec<String>> {
        parse(line).ok().map(|matchers| matchers.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn reads_what_alertmanager_reads() {
        let one = |text: &str| Some(vec![text.to_owned()]);
        assert_eq!(read("severity=\"critical\""), one("severity=\"critical\""));
        assert_eq!(read(" severity =~ a|b "), one("severity=~\"a|b\""));
        assert_eq!(read("{a=b, c!=\"d,e\",}").unwrap(), ["a=\"b\"", "c!=\"d,e\""]);
        assert_eq!(read("\"a b\"=\"c\""), one("a b=\"c\""));
        assert_eq!(read("a!~\"\\\\d+\""), one("a!~\"\\\\d+\""));
        // Only the old parser takes an empty value without quotes, and an unknown escape.
        assert_eq!(read("a="), one("a=\"\""));
        assert_eq!(read("a=~\"\\d+\""), one("a=~\"\\\\d+\""));
        // The two differ here, and the old one counts: quotes that only begin are refused by the new one.
        assert_eq!(read("a=x\"y"), None);
        assert_eq!(read("{}"), Some(Vec::new()));
        assert_eq!(read("severity"), None);
        assert_eq!(read("severity==critical"), one("severity=\"=critical\""));
    }

    #[test]
    fn lists_plain_values_only() {
        let values = |text: &str| plain_list(text).map(|values| values.join(","));
        assert_eq!(values("a|b").as_deref(), Some("a,b"));
        assert_eq!(values("(a|b\\.c)").as_deref(), Some("a,b.c"));
        assert_eq!(values("^(?:a|b)$").as_deref(), Some("a,b"));
        assert_eq!(values("a.c"), None);
        assert_eq!(values("a|(b)"), None);
        assert_eq!(values("^a|b$").as_deref(), Some("a,b"));
        assert_eq!(values("(a)|(b)"), None);
        assert_eq!(values("|a").as_deref(), Some(",a"));
    }

    #[test]
    fn missing_labels_are_empty() {
        let matcher = Matcher::new("a", MatchOp::NotEqual, "x");
        assert_eq!(matcher.matches(""), Some(true));
        assert_eq!(Matcher::new("a", MatchOp::Matches, "a|b").matches("ab"), Some(false));
        assert_eq!(Matcher::new("a", MatchOp::Matches, "(").matches("x"), None);
    }
}
