//! Matchers of one selector that no label can satisfy together.

use crate::formats::alertmanager::Matcher;
use crate::formats::promql::{self, MatchOp, Selector};

/// Two matchers of one label, the later one last, that exclude each other.
pub(super) fn excluding(selector: &Selector) -> Option<(&promql::Matcher, &promql::Matcher)> {
    let matchers = &selector.matchers;
    matchers.iter().enumerate().find_map(|(index, later)| {
        let earlier = matchers.iter().take(index).filter(|earlier| earlier.label == later.label);
        earlier
            .filter(|_| later.label != "__name__")
            .find(|earlier| exclude(earlier, later))
            .map(|e| (e, later))
    })
}

fn exclude(a: &promql::Matcher, b: &promql::Matcher) -> bool {
    let opposed = matches!(
        (a.op, b.op),
        (MatchOp::Matches, MatchOp::MatchesNot) | (MatchOp::MatchesNot, MatchOp::Matches)
    );
    if opposed && a.value == b.value {
        return true;
    }
    let (a, b) = (readable(a), readable(b));
    refuses_all(&a, &b) || refuses_all(&b, &a)
}

/// Every value that one takes is refused by the other.
fn refuses_all(one: &Matcher, other: &Matcher) -> bool {
    one.values().is_some_and(|values| values.iter().all(|value| other.matches(value) == Some(false)))
}

/// Alertmanager's matchers mean the same.
pub(super) fn readable(matcher: &promql::Matcher) -> Matcher {
    Matcher::new(matcher.label.as_str(), matcher.op, matcher.value.as_str())
}
