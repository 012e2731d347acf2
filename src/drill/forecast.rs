//! Asks promtool which alerts fire in a scenario with their true times.
//!
//! promtool has no such question, but a `promql_expr_test` that fails prints what it got, and the
//! alerts that fire are series of the test's own storage.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::drill::scenario::Input;

/// One scenario to be asked about.
#[derive(Clone, Debug)]
pub struct Question {
    /// Any number, to find the answer by.
    pub id: usize,
    pub input: Input,
    pub at: Duration,
}

/// What fires. promtool prints the expression of a failed test and not the test's name, so the
/// number stands in a matcher that changes nothing.
fn expression(id: usize) -> String {
    format!("count by (alertname) (ALERTS{{alertstate=\"firing\",confidexmon!=\"{MARK}{id}\"}})")
}

const MARK: &str = "question-";

/// A unit test file (JSON, which is YAML) that fails with the answers. All questions of a file share
/// one evaluation interval.
pub fn file(rule_files: &[String], evaluation_interval: Duration, questions: &[Question]) -> String {
    let tests: Vec<Value> = questions
        .iter()
        .map(|question| {
            let series = question.input.series.iter();
            json!({
                "name": format!("drill-{}", question.id),
                "interval": millis(question.input.interval),
                "input_series": series.map(|(series, values)| json!({"series": series, "values": clipped(values, question)})).collect::<Vec<_>>(),
                "promql_expr_test": [{
                    "expr": expression(question.id),
                    "eval_time": millis(question.at),
                    "exp_samples": [{"labels": "{confidexmon=\"no alert has this\"}", "value": 0}],
                }],
            })
        })
        .collect();
    json!({"rule_files": rule_files, "evaluation_interval": millis(evaluation_interval), "tests": tests})
        .to_string()
}

fn millis(length: Duration) -> String {
    format!("{}ms", length.as_millis())
}

/// The background has more samples than any test lasts; promtool would expand them all.
fn clipped(values: &str, question: &Question) -> String {
    let step = question.input.interval.as_millis().max(1);
    let needed = question.at.as_millis() / step + 1;
    match values.strip_prefix("1x").and_then(|count| count.parse::<u128>().ok()) {
        Some(count) if count > needed => format!("1x{needed}"),
        _ => values.to_owned(),
    }
}

/// Question → names of the alerts that fire. A question without an answer was not understood.
pub fn answers(output: &str) -> BTreeMap<usize, BTreeSet<String>> {
    let mut answers = BTreeMap::new();
    let mut current = None;
    for line in output.lines() {
        let line = line.trim();
        if let (true, Some((_, rest))) = (line.starts_with("expr:"), line.split_once(MARK)) {
            current =
                rest.split(|c: char| !c.is_ascii_digit()).next().and_then(|id| id.parse::<usize>().ok());
        } else if let (Some(got), Some(id)) = (line.strip_prefix("got:"), current) {
            let names = got.split("alertname=\"").skip(1).filter_map(|rest| rest.split('"').next());
            answers.insert(id, names.map(str::to_owned).collect());
        }
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As promtool 3.5.3 prints it.
    const OUTPUT: &str = "  FAILED:\n    expr: \"count by (alertname) (ALERTS{alertstate=\\\"firing\\\",confidexmon!=\\\"question-1\\\"})\", time: 5m,\n        exp: {confidexmon=\"none\"} 0E+00\n        got: {alertname=\"A\"} 1E+00, {alertname=\"B\"} 1E+00\n    expr: \"count by (alertname) (ALERTS{confidexmon!=\\\"question-22\\\"})\", time: 0s,\n        exp: {confidexmon=\"none\"} 0E+00\n        got: nil\n";

    #[test]
    fn reads_the_answers() {
        let answers = answers(OUTPUT);
        assert_eq!(answers[&1].iter().collect::<Vec<_>>(), ["A", "B"]);
        assert!(answers[&22].is_empty());
        assert_eq!(answers.len(), 2);
    }

    #[test]
    fn the_file_holds_the_scenario() {
        let input = Input {
            interval: Duration::from_secs(15),
            evaluation_interval: Duration::from_secs(15),
            series: vec![("x".to_owned(), "1x100000".to_owned()), ("y".to_owned(), "0+1x9".to_owned())],
        };
        let text = file(
            &["a.yml".to_owned()],
            input.evaluation_interval,
            &[Question { id: 7, input, at: Duration::from_mins(1) }],
        );
        let value: Value = serde_json::from_str(&text).unwrap_or_default();
        let asked = &value["tests"][0];
        assert_eq!(asked["name"], "drill-7");
        assert_eq!(asked["input_series"][0]["values"], "1x5");
        assert_eq!(asked["input_series"][1]["values"], "0+1x9");
        assert_eq!(asked["promql_expr_test"][0]["eval_time"], "60000ms");
    }
}
