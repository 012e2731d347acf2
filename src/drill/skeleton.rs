//! A unit test for an alert that has none: inputs that may make it fire, for promtool to try, and the test that is
//! made of the one that did.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use crate::drill::scenario::Input;
use crate::drill::series::Labels;
use crate::formats::promql::{Expr, Kind, MatchOp, Selector, Shift};

/// Inputs that are tried at most.
const MOST: usize = 400;
/// Samples that a series has at most.
const SAMPLES: u128 = 1500;
/// What a new test looks at besides the longest range: `for`, and some time.
const MARGIN: Duration = Duration::from_mins(10);
/// Upper bounds of a histogram's buckets.
const BUCKETS: [&str; 7] = ["0.01", "0.1", "1", "10", "100", "1000", "+Inf"];
/// The instance of every series.
const INSTANCE: &str = "host:9100";

/// An input, the moment to look at, and whether every series of the expression is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    pub input: Input,
    pub at: Duration,
    pub is_complete: bool,
}

/// How the samples of one selector's series go.
#[derive(Clone, Debug, PartialEq)]
enum Shape {
    Missing,
    Stands(f64),
    /// So much more at each sample, from a start.
    Moves(f64, f64),
}

/// What may make an alert fire, the likeliest first.
pub fn candidates(expr: &Expr, hold: Duration, job: &str) -> Vec<Candidate> {
    let selectors = selectors(expr);
    let numbers = numbers(expr);
    let at = longest(expr) + hold + MARGIN;
    // promtool expands every sample; a week in minutes is too much of it.
    let interval = Duration::from_mins(1).max(at / u32::try_from(SAMPLES).unwrap_or(u32::MAX));
    let count = at.as_millis() / interval.as_millis().max(1) + 1;
    let most_each = match selectors.len() {
        0 | 1 => usize::MAX,
        2 => 18,
        3 => 7,
        _ => 4,
    };
    let shapes: Vec<Vec<Shape>> =
        selectors.iter().map(|selector| shapes(selector, &numbers, most_each)).collect();
    combinations(&shapes)
        .into_iter()
        .take(MOST)
        .map(|chosen| {
            let series = selectors.iter().zip(&chosen);
            let series = series.flat_map(|(selector, shape)| written(selector, shape, (job, count)));
            let mut series: Vec<(String, String)> = series.collect();
            series.sort();
            series.dedup_by(|a, b| a.0 == b.0);
            let input = Input { interval, evaluation_interval: interval, series };
            Candidate { input, at, is_complete: !chosen.contains(&Shape::Missing) }
        })
        .collect()
}

fn selectors(expr: &Expr) -> Vec<&Selector> {
    let mut found: Vec<&Selector> = Vec::new();
    expr.walk(&mut |node| {
        if let Kind::Selector(selector) = &node.kind {
            let same = |other: &&Selector| other.name == selector.name && other.matchers == selector.matchers;
            if selector.name.is_some() && !found.iter().any(same) {
                found.push(selector);
            }
        }
    });
    found
}

fn numbers(expr: &Expr) -> Vec<f64> {
    let mut found = Vec::new();
    expr.walk(&mut |node| {
        if let Kind::Number(number) = node.kind
            && number.is_finite()
            && !found.contains(&number)
        {
            found.push(number);
        }
    });
    found
}

/// The furthest that the expression looks back.
fn longest(expr: &Expr) -> Duration {
    let mut longest = Duration::from_mins(5);
    expr.walk(&mut |node| match &node.kind {
        Kind::Selector(selector) => {
            let ago = match selector.shift {
                Some(Shift::Ago(seconds)) if seconds > 0.0 => {
                    Duration::try_from_secs_f64(seconds).unwrap_or_default()
                }
                _ => Duration::ZERO,
            };
            longest = longest.max(selector.range.unwrap_or_default() + ago);
        }
        Kind::Subquery { range, .. } => longest = longest.max(*range + Duration::from_mins(5)),
        _ => {}
    });
    longest
}

fn shapes(selector: &Selector, numbers: &[f64], most: usize) -> Vec<Shape> {
    let beyond = |number: &f64| [number + number.abs().max(1.0), number - number.abs().max(1.0), *number];
    let stands = [1.0, 0.0].into_iter().chain(numbers.iter().flat_map(beyond)).map(Shape::Stands);
    let moves = [Shape::Moves(0.0, 60.0), Shape::Moves(0.0, 1e6), Shape::Moves(1e4, -5.0)];
    let mut shapes: Vec<Shape> = if selector.range.is_some() {
        moves.into_iter().chain(stands).collect()
    } else {
        stands.chain(moves).collect()
    };
    shapes.insert(shapes.len().min(2), Shape::Missing);
    let mut kept: Vec<Shape> = Vec::new();
    for shape in shapes {
        if !kept.contains(&shape) {
            kept.push(shape);
        }
    }
    kept.truncate(most);
    kept
}

/// Every choice of one shape for each selector.
fn combinations(shapes: &[Vec<Shape>]) -> Vec<Vec<Shape>> {
    let mut all = vec![Vec::new()];
    for of_one in shapes {
        all = all
            .into_iter()
            .flat_map(|chosen| {
                of_one.iter().map(move |shape| {
                    let mut more: Vec<Shape> = chosen.clone();
                    more.push(shape.clone());
                    more
                })
            })
            .take(MOST)
            .collect();
    }
    all
}

/// The series of a selector as promtool reads them.
fn written(selector: &Selector, shape: &Shape, (job, count): (&str, u128)) -> Vec<(String, String)> {
    let Some(name) = &selector.name else { return Vec::new() };
    let mut labels = BTreeMap::from([("instance", INSTANCE.to_owned()), ("job", job.to_owned())]);
    for matcher in &selector.matchers {
        let value = match matcher.op {
            MatchOp::Equal => Some(matcher.value.clone()),
            MatchOp::Matches => example(&matcher.value),
            MatchOp::NotEqual | MatchOp::MatchesNot => None,
        };
        labels.extend(value.map(|value| (matcher.label.as_str(), value)));
    }
    let values = |shape: &Shape| match shape {
        Shape::Missing => None,
        Shape::Stands(value) => Some(format!("{value}x{count}")),
        Shape::Moves(start, step) if *step < 0.0 => Some(format!("{start}{step}x{count}")),
        Shape::Moves(start, step) => Some(format!("{start}+{step}x{count}")),
    };
    let series = |labels: &BTreeMap<&str, String>| {
        let pairs: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}={}", json!(value))).collect();
        format!("{name}{{{}}}", pairs.join(","))
    };
    if !name.ends_with("_bucket") || labels.contains_key("le") {
        return values(shape).map(|values| (series(&labels), values)).into_iter().collect();
    }
    // Observations that are slow: the buckets up to 100 stay empty; with a large step all are quick.
    let quick = matches!(shape, Shape::Moves(_, step) if *step > 1000.0);
    let of_bucket = |(index, bound): (usize, &&'static str)| {
        let mut labels = labels.clone();
        labels.insert("le", (*bound).to_owned());
        let shape =
            if quick || index > 4 || *shape == Shape::Missing { shape.clone() } else { Shape::Stands(0.0) };
        Some((series(&labels), values(&shape)?))
    };
    BUCKETS.iter().enumerate().filter_map(of_bucket).collect()
}

/// A text that a pattern matches, where one is easily seen: its first alternative, dots as zeros.
fn example(pattern: &str) -> Option<String> {
    let first = pattern.trim_start_matches(['^', '(']).split(['|', ')']).next()?;
    let text = first.trim_end_matches('$').replace(".*", "").replace(".+", "x").replace('.', "0");
    let is_plain = !text.contains(['[', '{', '*', '+', '?', '\\']);
    is_plain.then_some(text)
}

/// What promtool says fires: labels and annotations of each alert.
pub type Fired = Vec<(Labels, BTreeMap<String, String>)>;

/// A test that expects nothing, so that promtool prints what it got.
pub fn question(alert: &str, candidate: &Candidate, rule_files: &[String]) -> String {
    let input = &candidate.input;
    let series = input.series.iter().map(|(series, values)| json!({"series": series, "values": values}));
    json!({
        "rule_files": rule_files,
        "evaluation_interval": millis(input.evaluation_interval),
        "tests": [{
            "interval": millis(input.interval),
            "input_series": series.collect::<Vec<_>>(),
            "alert_rule_test": [{"eval_time": millis(candidate.at), "alertname": alert, "exp_alerts": []}],
        }],
    })
    .to_string()
}

fn millis(length: Duration) -> String {
    format!("{}ms", length.as_millis())
}

/// The alerts in promtool's words about such a test.
pub fn fired(output: &str) -> Fired {
    let Some((_, got)) = output.split_once("got:[") else { return Vec::new() };
    let mut fired = Fired::new();
    for line in got.lines().map(str::trim) {
        if let Some((_, labels)) = line.split_once("Labels:") {
            fired.push((pairs(labels), BTreeMap::new()));
        }
        if let (Some((_, annotations)), Some(last)) = (line.split_once("Annotations:"), fired.last_mut()) {
            last.1 = pairs(annotations);
        }
    }
    for (labels, _) in &mut fired {
        labels.remove("alertname");
    }
    fired
}

/// `{a="b", c="d"}`, quoted as Go does.
fn pairs(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = text.trim().trim_start_matches('{');
    while let Some((name, after)) = rest.split_once("=\"") {
        let mut escaped = false;
        let end = after.find(|c: char| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let Some(end) = end else { break };
        let quoted = format!("\"{}\"", &after[..end]);
        let value = serde_json::from_str(&quoted).unwrap_or_else(|_| after[..end].to_owned());
        found.insert(name.trim_start_matches([',', ' ']).trim_matches('"').to_owned(), value);
        rest = &after[end + 1..];
    }
    found
}

/// The test file: one scenario that fires, and one that stays quiet where one was found.
pub fn text(
    alert: &str,
    rule_file: &str,
    (firing, fired): (&Candidate, &Fired),
    quiet: Option<&Candidate>,
) -> String {
    let interval = whole(firing.input.evaluation_interval);
    let mut text = format!(
        "# Made by `confidexmon generate test {alert}`: numbers that make it fire, to be replaced by those that you mean.\n\
         rule_files:\n  - ../{rule_file}\nevaluation_interval: {interval}\n\ntests:\n"
    );
    scenario(&mut text, &format!("{alert} fires"), alert, firing);
    text.push_str("        exp_alerts:\n");
    for (labels, annotations) in fired {
        let _ = writeln!(text, "          - exp_labels: {}", Value::from_iter(labels.clone()));
        let _ = writeln!(text, "            exp_annotations: {}", Value::from_iter(annotations.clone()));
    }
    if let Some(quiet) = quiet {
        scenario(&mut text, &format!("{alert} stays quiet"), alert, quiet);
    }
    text
}

fn scenario(text: &mut String, name: &str, alert: &str, candidate: &Candidate) {
    let _ = writeln!(text, "  - name: {name}\n    interval: {}", whole(candidate.input.interval));
    if candidate.input.series.is_empty() {
        text.push_str("    input_series: []\n");
    } else {
        text.push_str("    input_series:\n");
    }
    for (series, values) in &candidate.input.series {
        let _ =
            writeln!(text, "      - series: '{}'\n        values: '{values}'", series.replace('\'', "''"));
    }
    let _ = writeln!(
        text,
        "    alert_rule_test:\n      - eval_time: {}\n        alertname: {alert}",
        whole(candidate.at)
    );
}

/// In the largest unit that divides it.
fn whole(length: Duration) -> String {
    match length.as_millis() {
        ms if ms % 60_000 == 0 => format!("{}m", ms / 60_000),
        ms if ms % 1000 == 0 => format!("{}s", ms / 1000),
        ms => format!("{ms}ms"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::formats::promql;

    fn of(expr: &str) -> Vec<Candidate> {
        candidates(&promql::parse(expr).unwrap(), Duration::from_mins(5), "shop")
    }

    #[test]
    fn values_lie_on_both_sides_of_a_threshold_and_the_time_covers_the_range() {
        let all = of("queue{state=\"open\"} > 50");
        let values: Vec<&str> = all
            .iter()
            .filter_map(|one| one.input.series.first())
            .map(|(_, values)| values.as_str())
            .collect();
        assert!(values.iter().any(|values| values.starts_with("100x")), "{values:?}");
        assert!(values.iter().any(|values| values.starts_with("0x")), "{values:?}");
        assert_eq!(all[0].input.series[0].0, "queue{instance=\"host:9100\",job=\"shop\",state=\"open\"}");
        assert!(all.iter().any(|one| !one.is_complete && one.input.series.is_empty()));
        assert_eq!(of("rate(x[1h] offset 30m) > 1")[0].at, Duration::from_mins(90 + 15));
        assert!(of("a > 1 and b > 2 and c > 3 and d > 4").len() <= MOST);
    }

    #[test]
    fn a_pattern_gives_a_value_and_a_histogram_its_buckets() {
        assert_eq!(example("5.."), Some("500".to_owned()));
        assert_eq!(example("^(failed|timeout)$"), Some("failed".to_owned()));
        assert_eq!(example("[a-z]+"), None);
        let all = of("histogram_quantile(0.9, rate(x_bucket[5m])) > 2");
        assert_eq!(all[0].input.series.len(), BUCKETS.len());
    }

    #[test]
    fn what_promtool_got_is_read() {
        let output = "    alertname: D, time: 15m, \n        exp:[], \n        got:[\n            0:\n              Labels:{alertname=\"D\", path=\"a\\\\b\"}\n              Annotations:{summary=\"It is \\\"9\\\", see\\nbelow\"}\n            ]";
        let fired = fired(output);
        assert_eq!(fired[0].0, BTreeMap::from([("path".to_owned(), "a\\b".to_owned())]));
        assert_eq!(fired[0].1["summary"], "It is \"9\", see\nbelow");
    }
}
