//! Hides regular expressions from the parser, which would compile every one of them: a third of the
//! time of a check. What is a valid pattern only Prometheus decides; the lints read the text.

use std::borrow::Cow;

use super::ast::MatchOp;

/// A character that no label value of anybody begins with.
const MARK: char = '\u{e000}';

/// `a=~"x"` becomes `a="<mark>~x"`, and `a!~"x"` becomes `a="<mark>!x"`.
pub(super) fn hidden<'a>(text: &'a str, patterns: &[(usize, usize)]) -> Cow<'a, str> {
    if patterns.is_empty() || text.contains(MARK) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 4 * patterns.len());
    let mut done = 0;
    for (operator, quote) in patterns {
        let (Some(before), Some(between)) = (text.get(done..*operator), text.get(operator + 2..quote + 1))
        else {
            return Cow::Borrowed(text);
        };
        out.push_str(before);
        out.push('=');
        out.push_str(between);
        out.push(MARK);
        out.push(if text.as_bytes().get(*operator) == Some(&b'!') { '!' } else { '~' });
        done = quote + 1;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(out)
}

/// The operator and value behind an equality that [`hidden`] made.
pub(super) fn shown(value: &str) -> Option<(MatchOp, &str)> {
    let rest = value.strip_prefix(MARK)?;
    let negated = rest.strip_prefix('!').map(|value| (MatchOp::MatchesNot, value));
    negated.or_else(|| rest.strip_prefix('~').map(|value| (MatchOp::Matches, value)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::parse;
    use super::*;

    #[test]
    fn patterns_come_back_as_they_were() {
        let text = r#"sum(x{a=~"5..",b!~'a\'b|\\d+', c = "=~", "d.e"=~`q"`}) by (a) + {f=~"(", g!~ "z"}"#;
        let tree = parse(text).unwrap();
        let found: Vec<_> = tree
            .selectors()
            .iter()
            .flat_map(|(_, selector)| &selector.matchers)
            .map(|matcher| (matcher.label.as_str(), matcher.op, matcher.value.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("a", MatchOp::Matches, "5.."),
                ("b", MatchOp::MatchesNot, "a'b|\\d+"),
                ("c", MatchOp::Equal, "=~"),
                ("d.e", MatchOp::Matches, "q\""),
                ("f", MatchOp::Matches, "("),
                ("g", MatchOp::MatchesNot, "z"),
            ]
        );
    }

    #[test]
    fn what_holds_the_mark_is_left_alone() {
        let text = "x{a=~\"\u{e000}~b\"}";
        assert_eq!(hidden(text, &[(3, 5)]), text);
    }
}
