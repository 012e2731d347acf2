//! A failure as promtool prints it, cut down to what differs.
//!
//! ```text
//!     name: s,
//!     alertname: D, time: 5m,
//!         exp:[
//!             0:
//!               Labels:{a="c", alertname="D"}
//!               Annotations:{}
//!             ],
//!         got:[]
//! ```

use std::collections::BTreeMap;

type Set = BTreeMap<String, String>;

/// What one failure is about, and its evidence line by line.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Failure {
    /// The alert, when it is about one.
    pub alert: Option<String>,
    /// promtool's notation of the evaluation time.
    pub time: Option<String>,
    pub lines: Vec<String>,
}

#[derive(Debug, PartialEq, Eq)]
struct Alert {
    labels: Set,
    annotations: Set,
}

/// Words that are no comparison of alerts are kept as they are.
pub fn read(text: &str) -> Failure {
    let heading = text.lines().map(str::trim).find_map(|line| line.strip_prefix("alertname: "));
    let Some((alert, rest)) = heading.and_then(|heading| heading.split_once(", time: ")) else {
        return raw(text, None, None);
    };
    let time = rest.trim_end_matches([',', ' ']).to_owned();
    let parts = text.split_once("exp:[").and_then(|(_, rest)| rest.split_once("got:["));
    let Some((expected, got)) = parts.and_then(|(exp, got)| Some((alerts(exp)?, alerts(got)?))) else {
        return raw(text, Some(alert.to_owned()), Some(time));
    };
    Failure { alert: Some(alert.to_owned()), time: Some(time), lines: differences(&expected, &got) }
}

fn raw(text: &str, alert: Option<String>, time: Option<String>) -> Failure {
    let lines = text.lines().map(str::trim_end).filter(|line| !line.trim().is_empty());
    let lines = lines.filter(|line| !line.trim().starts_with("name: ")).map(|line| line.trim().to_owned());
    Failure { alert, time, lines: lines.collect() }
}

fn alerts(block: &str) -> Option<Vec<Alert>> {
    let mut found = Vec::new();
    for line in block.lines().map(str::trim) {
        if let Some(labels) = line.strip_prefix("Labels:") {
            found.push(Alert { labels: set(labels)?, annotations: Set::new() });
        } else if let Some(annotations) = line.strip_prefix("Annotations:") {
            found.last_mut()?.annotations = set(annotations)?;
        }
    }
    Some(found)
}

/// `{a="b", c="d"}` with Go's quoting, which JSON reads as well but for rare escapes.
fn set(text: &str) -> Option<Set> {
    let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let mut found = Set::new();
    while !rest.trim().is_empty() {
        let (name, after) = rest.split_once("=\"")?;
        let end = closing_quote(after)?;
        let value: String = serde_json::from_str(&format!("\"{}\"", &after[..end]))
            .unwrap_or_else(|_| after[..end].to_owned());
        found.insert(name.trim().trim_matches('"').to_owned(), value);
        rest = after[end + 1..].trim_start().trim_start_matches(',');
    }
    Some(found)
}

fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' if !escaped => return Some(at),
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    None
}

fn differences(expected: &[Alert], got: &[Alert]) -> Vec<String> {
    let mut lines = Vec::new();
    let in_list = |list: &[Alert], labels: &Set| list.iter().any(|alert| alert.labels == *labels);
    for alert in expected.iter().filter(|alert| !in_list(got, &alert.labels)) {
        lines.push(format!("expected, but not firing: {}", shown(&alert.labels)));
    }
    for alert in got.iter().filter(|alert| !in_list(expected, &alert.labels)) {
        lines.push(format!("fires, but not expected:  {}", shown(&alert.labels)));
        lines.extend(alert.annotations.iter().map(|(name, text)| format!("    {name}: {text}")));
    }
    for alert in expected {
        let Some(real) = got.iter().find(|other| other.labels == alert.labels) else { continue };
        let names = alert.annotations.keys().chain(real.annotations.keys());
        let mut names: Vec<&String> = names.collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let (wanted, is) = (alert.annotations.get(name), real.annotations.get(name));
            if wanted != is {
                let text = |value: Option<&String>| value.map_or("(none)", String::as_str).to_owned();
                lines.push(format!("annotation `{name}` of {}", shown(&alert.labels)));
                lines.push(format!("    expected: {}", text(wanted)));
                lines.push(format!("    is:       {}", text(is)));
            }
        }
    }
    if lines.is_empty() {
        lines.push("the same alerts, but not as often as expected".to_owned());
    }
    lines
}

fn shown(labels: &Set) -> String {
    let pairs = labels.iter().filter(|(name, _)| name.as_str() != "alertname");
    let pairs: Vec<String> = pairs.map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", pairs.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words are those of promtool 3.5.3.
    #[test]
    fn only_what_differs_is_shown() {
        let text = "    name: s,\n    alertname: D, time: 6m, \n        exp:[\n            0:\n              Labels:{a=\"c\", alertname=\"D\"}\n              Annotations:{}\n            1:\n              Labels:{alertname=\"D\", b=\"x, \\\"y\\\"\"}\n              Annotations:{s=\"1\", t=\"same\"}\n            ], \n        got:[\n            0:\n              Labels:{a=\"b\", alertname=\"D\"}\n              Annotations:{s=\"0\"}\n            1:\n              Labels:{alertname=\"D\", b=\"x, \\\"y\\\"\"}\n              Annotations:{s=\"2\", t=\"same\"}\n            ]";
        let failure = read(text);
        assert_eq!((failure.alert.as_deref(), failure.time.as_deref()), (Some("D"), Some("6m")));
        assert_eq!(
            failure.lines,
            [
                "expected, but not firing: {a=\"c\"}",
                "fires, but not expected:  {a=\"b\"}",
                "    s: 0",
                "annotation `s` of {b=\"x, \\\"y\\\"\"}",
                "    expected: 1",
                "    is:       2",
            ]
        );
    }

    #[test]
    fn other_words_are_kept() {
        let failure =
            read("    expr: \"up\", time: 4m,\n        exp: {__name__=\"up\"} 3E+00\n        got: nil");
        assert_eq!(failure.alert, None);
        assert_eq!(failure.lines.len(), 3);
    }
}
