//! Selectors: a name, and the matchers behind it.

use super::ast::{MatchOp, Matcher, Selector};
use super::parser::{Parsed, Parser};
use super::scanner::at_byte;
use crate::formats::anchored_regex;

impl<'a> Parser<'a> {
    /// The matchers behind a name, or a selector without one.
    pub(super) fn selector(&mut self, name: Option<&'a str>) -> Parsed<Selector> {
        let mut selector = Selector {
            name: name.map(ToOwned::to_owned),
            matchers: Vec::new(),
            range: None,
            shift: None,
            extended: false,
        };
        if !self.scanner.take("{") {
            return Ok(selector);
        }
        let start = self.scanner.at - 1;
        while !self.scanner.take("}") {
            self.matcher(&mut selector)?;
            if !self.scanner.take(",") {
                self.scanner.expect("}", "behind the matchers")?;
                break;
            }
        }
        selector.matchers.shrink_to_fit();
        if selector.name.is_none() {
            let is_name = |m: &Matcher| m.label == "__name__" && m.op == MatchOp::Equal;
            if let Some(index) = selector.matchers.iter().position(is_name) {
                selector.name = Some(selector.matchers.remove(index).value);
            } else if selector.matchers.iter().all(matches_nothing) {
                return Err(at_byte(
                    start,
                    "a selector without a name and without a matcher that needs a value",
                ));
            }
        }
        Ok(selector)
    }

    fn matcher(&mut self, selector: &mut Selector) -> Parsed<()> {
        self.scanner.peek();
        let at = self.scanner.at;
        let quoted = self.scanner.string()?;
        let is_quoted = quoted.is_some();
        let label = match (quoted, self.scanner.word(false)) {
            (Some(label), _) => label,
            (None, Some(word)) => {
                self.scanner.at += word.len();
                word.to_owned()
            }
            (None, None) => return Err(self.scanner.unexpected("a label was expected")),
        };
        let op = [
            ("=~", MatchOp::Matches),
            ("!~", MatchOp::MatchesNot),
            ("!=", MatchOp::NotEqual),
            ("=", MatchOp::Equal),
        ]
        .into_iter()
        .find(|(symbol, _)| self.scanner.take(symbol));
        let Some((_, op)) = op else {
            // `{"a name of a metric"}`.
            if is_quoted && selector.name.is_none() {
                selector.name = Some(label);
                return Ok(());
            }
            return Err(self.scanner.unexpected("`=`, `!=`, `=~` or `!~` was expected"));
        };
        let Some(value) = self.scanner.string()? else {
            return Err(self.scanner.unexpected("a quoted value was expected"));
        };
        if label == "__name__" && selector.name.is_some() {
            return Err(at_byte(at, "the metric's name is given twice"));
        }
        selector.matchers.push(Matcher { label, op, value, at });
        Ok(())
    }
}

/// True for a matcher that series without the label pass.
fn matches_nothing(matcher: &Matcher) -> bool {
    let takes_nothing = || anchored_regex::anchored(&matcher.value).map(|pattern| pattern.is_match(""));
    match matcher.op {
        MatchOp::Equal => matcher.value.is_empty(),
        MatchOp::NotEqual => !matcher.value.is_empty(),
        // What is no pattern at all is for Prometheus to refuse.
        MatchOp::Matches => takes_nothing() == Some(true),
        MatchOp::MatchesNot => takes_nothing() == Some(false),
    }
}
