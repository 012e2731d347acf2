//! The past of recorded series: an alert over a range of one needs more than what the recording rule
//! gives from the drill's first second on.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::Value;

use crate::drill::remote_write::TimeSeries;
use crate::drill::series::Labels;
use crate::formats::promql::{Expr, Kind};
use crate::formats::rule_file::{Rule, RuleFile};

/// Prometheus gives at most 11 000 points a series.
const POINTS: u128 = 10_000;

/// A recording rule whose past is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    pub name: String,
    pub expr: String,
    pub labels: Labels,
}

/// The recording rules that an alert reads, directly or through others, in the order in which they
/// are evaluated.
pub fn needed<'a>(files: impl Iterator<Item = &'a RuleFile>, alert: &str) -> Vec<Recording> {
    let rules: Vec<&Rule> = files.flat_map(|file| file.rules().map(|(_, rule)| rule)).collect();
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut grown = true;
    while grown {
        let wanted = |rule: &&&Rule| {
            if rule.is_alert() { rule.name.value == alert } else { names.contains(&rule.name.value) }
        };
        let read: BTreeSet<String> = rules.iter().filter(wanted).flat_map(|rule| metrics(rule)).collect();
        let before = names.len();
        names.extend(read);
        grown = names.len() > before;
    }
    let recordings = rules.into_iter().filter(|rule| !rule.is_alert() && names.contains(&rule.name.value));
    recordings
        .map(|rule| Recording {
            name: rule.name.value.clone(),
            expr: rule.expr.value.clone(),
            labels: rule.labels.iter().map(|(name, value)| (name.to_owned(), value.value.clone())).collect(),
        })
        .collect()
}

fn metrics(rule: &Rule) -> Vec<String> {
    let mut names = Vec::new();
    if let Ok(tree) = &rule.tree {
        tree.walk(&mut |node: &Expr| {
            if let Kind::Selector(selector) = &node.kind {
                names.extend(selector.name.clone());
            }
        });
    }
    names
}

/// The step of the query for the past, in seconds; `None` when that past is too long to ask for.
pub fn step(at: Duration, evaluation_interval: Duration) -> Option<f64> {
    let millis = evaluation_interval.as_millis();
    (millis > 0 && at.as_millis() / millis < POINTS).then_some(evaluation_interval.as_secs_f64())
}

/// What the rule would have recorded, from the answer to its query over the past.
pub fn series(recording: &Recording, matrix: &Value) -> Vec<TimeSeries> {
    let one = |result: &Value| {
        let metric = result["metric"].as_object().into_iter().flatten();
        let mut labels: Labels =
            metric.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect();
        labels.insert("__name__".to_owned(), recording.name.clone());
        labels.extend(recording.labels.clone());
        let points = result["values"].as_array().into_iter().flatten();
        TimeSeries { labels, samples: points.filter_map(point).collect() }
    };
    matrix["result"].as_array().into_iter().flatten().map(one).collect()
}

fn point(point: &Value) -> Option<(i64, f64)> {
    let seconds = point.get(0)?.as_f64()?;
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds since the epoch fit")]
    let millis = (seconds * 1000.0).round() as i64;
    Some((millis, point.get(1)?.as_str()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn finds_what_an_alert_reads_through_other_rules() {
        let text = "groups:\n  - name: g\n    rules:\n      - {record: 'a:rate', expr: 'rate(x[5m])', labels: {team: t}}\n      - {record: 'b:sum', expr: 'sum(a:rate)'}\n      - {record: 'c:other', expr: y}\n      - {alert: A, expr: 'avg_over_time(b:sum[10m]) > 1'}\n      - {alert: B, expr: 'x > 1'}\n";
        let file = RuleFile::parse("a.yml", text);
        let names = |alert: &str| -> Vec<String> {
            needed(std::iter::once(&file), alert).into_iter().map(|recording| recording.name).collect()
        };
        assert_eq!(names("A"), ["a:rate", "b:sum"]);
        assert!(names("B").is_empty());
    }

    #[test]
    fn an_answer_becomes_the_recorded_series() {
        let labels = [("team".to_owned(), "t".to_owned())].into();
        let recording = Recording { name: "a:rate".to_owned(), expr: String::new(), labels };
        let matrix = json!({"result": [{"metric": {"__name__": "x", "job": "j"}, "values": [[1.5, "2"], [16.5, "+Inf"]]}]});
        let series = series(&recording, &matrix);
        assert_eq!(series[0].samples, [(1500, 2.0), (16500, f64::INFINITY)]);
        let labels: Vec<_> = series[0].labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(labels, ["__name__=a:rate", "job=j", "team=t"]);
    }

    #[test]
    fn too_long_a_past_is_not_asked_for() {
        assert_eq!(step(Duration::from_hours(1), Duration::from_secs(15)), Some(15.0));
        assert_eq!(step(Duration::from_hours(24 * 30), Duration::from_secs(15)), None);
        assert_eq!(step(Duration::ZERO, Duration::ZERO), None);
    }
}
