//! Prometheus's patterns: a whole value must match, and `.` takes line breaks too.

use foldhash::HashMap;
use std::cell::RefCell;

use regex::Regex;

/// Enough for every pattern that a set of rules repeats.
const MOST_KEPT: usize = 1000;

thread_local! {
    /// Making one costs more than all else that is done for a rule, and `5..` stands in half of them.
    static KEPT: RefCell<HashMap<String, Option<Regex>>> = RefCell::default();
}

/// `None` for what is no pattern; Prometheus says so better.
pub fn anchored(text: &str) -> Option<Regex> {
    KEPT.with_borrow_mut(|kept| {
        if let Some(pattern) = kept.get(text) {
            return pattern.clone();
        }
        if kept.len() == MOST_KEPT {
            kept.clear();
        }
        // Alone first: `a)(b` is a pattern only between other brackets.
        let pattern = Regex::new(text).ok().and_then(|_| Regex::new(&format!("^(?s:{text})$")).ok());
        kept.insert(text.to_owned(), pattern.clone());
        pattern
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_takes_whole_values() {
        for _ in 0..2 {
            assert!(anchored("5..").is_some_and(|p| p.is_match("503") && !p.is_match("5033")));
            assert!(anchored("a|b.*").is_some_and(|p| p.is_match("b\nc") && !p.is_match("ab")));
            assert!(anchored("(").is_none() && anchored("a)(b").is_none());
        }
        for n in 0..3 * MOST_KEPT {
            assert!(anchored(&format!("x{n}")).is_some_and(|p| p.is_match(&format!("x{n}"))));
        }
    }
}
