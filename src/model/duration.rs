//! Durations in Prometheus's notation: `15s`, `1h30m`, `15d`.

use std::fmt;
use std::time::Duration;

/// A duration as Prometheus writes it. Remembers the user's text; compares by length.
#[derive(Clone, Debug)]
pub struct PromDuration {
    text: String,
    length: Duration,
}

/// Units from the largest, each with its length in milliseconds, as Prometheus's `model.ParseDuration`
/// orders them; a unit may appear once and only in this order.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 24 * 3_600_000),
    ("w", 7 * 24 * 3_600_000),
    ("d", 24 * 3_600_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

impl PromDuration {
    /// `None` when `text` is not a Prometheus duration.
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self { text: text.to_owned(), length: Duration::from_millis(millis(text)?) })
    }

    /// The length in seconds of a duration; `None` where [`Self::parse`] has none.
    pub fn seconds(text: &str) -> Option<f64> {
        millis(text).map(|millis| Duration::from_millis(millis).as_secs_f64())
    }

    /// How long it is.
    pub const fn length(&self) -> Duration {
        self.length
    }

    /// As it was written, in Prometheus's notation.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn millis(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let mut rest = text;
    let mut next_unit = 0;
    let mut millis: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let amount: u64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let letters = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
        let unit = rest.get(..letters)?;
        let index = UNITS.iter().position(|(name, _)| *name == unit)?;
        if index < next_unit {
            return None;
        }
        next_unit = index + 1;
        millis = millis.checked_add(amount.checked_mul(UNITS[index].1)?)?;
        rest = rest.get(letters..)?;
    }
    (!text.is_empty()).then_some(millis)
}

impl PartialEq for PromDuration {
    fn eq(&self, other: &Self) -> bool {
        self.length == other.length
    }
}
impl Eq for PromDuration {}

impl fmt::Display for PromDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reads_what_prometheus_reads() {
        for (text, seconds) in
            [("15s", 15), ("1h30m", 5400), ("15d", 15 * 86400), ("0", 0), ("1w2d", 9 * 86400)]
        {
            assert_eq!(PromDuration::parse(text).unwrap().length().as_secs(), seconds, "{text}");
        }
        assert_eq!(PromDuration::parse("1s500ms").unwrap().length().as_millis(), 1500);
    }

    #[test]
    fn refuses_what_prometheus_refuses() {
        for text in ["", "5", "1m1h", "1s1s", "s", "-5m", "1.5h", "5 m", "99999999999999999999y", "1é"] {
            assert!(PromDuration::parse(text).is_none(), "{text}");
        }
    }
}
