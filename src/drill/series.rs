//! The series notation of promtool's unit tests: `1+2x3`, `_x4`, `stale`.

use std::collections::BTreeMap;

use crate::formats::promql::{self, Kind, MatchOp};

/// The bits of Prometheus's staleness marker: a NaN of its own, not any NaN.
const STALE_BITS: u64 = 0x7ff0_0000_0000_0002;

/// The staleness marker as a sample value.
pub const fn stale_marker() -> f64 {
    f64::from_bits(STALE_BITS)
}

/// Label names and values of a series, the name of the metric among them as `__name__`.
pub type Labels = BTreeMap<String, String>;

/// Reads `name{a="b"}`.
pub fn labels(text: &str) -> Result<Labels, String> {
    let tree = promql::parse(text).map_err(|error| format!("`{text}` is not a series: {error}"))?;
    let Kind::Selector(selector) = tree.kind else {
        return Err(format!("`{text}` is not a series"));
    };
    let mut labels = Labels::new();
    for matcher in selector.matchers {
        if matcher.op != MatchOp::Equal {
            return Err(format!("`{text}` is not one series"));
        }
        labels.insert(matcher.label, matcher.value);
    }
    if let Some(name) = selector.name {
        labels.insert("__name__".to_owned(), name);
    }
    Ok(labels)
}

/// The first `most` values of the notation; `None` stands for "no sample".
pub fn values(notation: &str, most: usize) -> Result<Vec<Option<f64>>, String> {
    if notation.contains("{{") {
        return Err("native histograms cannot be fed to a drill".to_owned());
    }
    let mut values = Vec::new();
    for item in notation.split_whitespace() {
        if values.len() >= most {
            break;
        }
        let room = most - values.len();
        let item = Item::parse(item).ok_or_else(|| format!("`{item}` is not a value of a series"))?;
        values.extend(item.expand(room));
    }
    Ok(values)
}

/// One word of the notation.
struct Item {
    /// `None` for `_`.
    start: Option<f64>,
    step: f64,
    count: usize,
}

impl Item {
    fn parse(text: &str) -> Option<Self> {
        let (body, times) = match text.rsplit_once('x') {
            Some((body, times)) => (body, Some(times.parse::<usize>().ok()?)),
            None => (text, None),
        };
        if body == "_" {
            return Some(Self { start: None, step: 0.0, count: times.unwrap_or(1) });
        }
        // `ax3` is a, and then three more.
        let count = times.map_or(1, |times| times.saturating_add(1));
        if body == "stale" {
            return Some(Self { start: Some(stale_marker()), step: 0.0, count });
        }
        let (start, step) = match step_at(body) {
            Some(at) if times.is_some() => (number(&body[..at])?, number(&body[at..])?),
            Some(_) => return None,
            None => (number(body)?, 0.0),
        };
        Some(Self { start: Some(start), step, count })
    }

    fn expand(self, room: usize) -> Vec<Option<f64>> {
        let count = self.count.min(room);
        let Some(start) = self.start else { return vec![None; count] };
        if start.to_bits() == STALE_BITS {
            return vec![Some(start); count];
        }
        // Added up one by one, as promtool does: the same floating point noise.
        let mut next = start;
        let mut values = Vec::with_capacity(count);
        for _ in 0..count {
            values.push(Some(next));
            next += self.step;
        }
        values
    }
}

/// Where the sign of the step stands in `1+2`; the sign of the start and of an exponent are none.
fn step_at(body: &str) -> Option<usize> {
    let bytes = body.as_bytes();
    (1..bytes.len()).find(|at| {
        matches!(bytes[*at], b'+' | b'-')
            && !(matches!(bytes[at - 1], b'e' | b'E')
                && bytes.get(at.wrapping_sub(2)).is_some_and(u8::is_ascii_digit))
    })
}

fn number(text: &str) -> Option<f64> {
    let plain = text.trim_start_matches(['+', '-']);
    let known = plain.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        || plain.eq_ignore_ascii_case("inf")
        || plain.eq_ignore_ascii_case("nan");
    if known { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn numbers(notation: &str) -> Vec<f64> {
        values(notation, 100).unwrap().into_iter().map(|value| value.unwrap_or(-99.0)).collect()
    }

    #[test]
    fn expands_as_promtool_does() {
        assert_eq!(numbers("1 2 _ 3"), [1.0, 2.0, -99.0, 3.0]);
        assert_eq!(numbers("0x3"), [0.0; 4]);
        assert_eq!(numbers("-1x2"), [-1.0; 3]);
        assert_eq!(numbers("1+2x3"), [1.0, 3.0, 5.0, 7.0]);
        assert_eq!(numbers("-1-0.5x2"), [-1.0, -1.5, -2.0]);
        assert_eq!(numbers("_x2 1x1\n 5"), [-99.0, -99.0, 1.0, 1.0, 5.0]);
        assert_eq!(numbers("1e3+1e-1x1"), [1000.0, 1000.1]);
        assert_eq!(numbers(".5 Inf -Inf")[..2], [0.5, f64::INFINITY]);
        assert!(numbers("NaN")[0].is_nan());
        assert!(numbers("").is_empty());
    }

    #[test]
    fn stale_is_a_nan_of_its_own() {
        let expanded = values("1 stale", 9).unwrap();
        assert_eq!(expanded[1].unwrap().to_bits(), 0x7ff0_0000_0000_0002);
        assert_ne!(f64::NAN.to_bits(), STALE_BITS);
    }

    #[test]
    fn a_huge_count_costs_only_what_is_asked_for() {
        assert_eq!(values("0+1x18446744073709551615", 3).unwrap(), [Some(0.0), Some(1.0), Some(2.0)]);
        assert_eq!(values("_x99999999999", 2).unwrap(), [None, None]);
    }

    #[test]
    fn what_is_not_the_notation_is_an_error() {
        for text in ["1+2", "x3", "1xx", "abc", "1+x3", "{{schema:1}}", "1x-1", "0x1f", "é", "+-1", "1é2x3"]
        {
            assert!(values(text, 9).is_err(), "{text}");
        }
    }

    #[test]
    fn reads_series() {
        let series = labels(r#"up{job="a",instance="b:1"}"#).unwrap();
        assert_eq!(series["__name__"], "up");
        assert_eq!(series["instance"], "b:1");
        assert!(labels(r#"up{job=~"a"}"#).is_err());
        assert!(labels("up + 1").is_err());
        assert!(labels("up{").is_err());
    }
}
