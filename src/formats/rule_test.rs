//! promtool's unit test files, as far as the lints and the coverage need them.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::formats::yaml::scalar::Scalar;
use crate::formats::yaml::source::{Position, Source};

/// A file of promtool's unit tests.
#[derive(Debug)]
pub struct RuleTestFile {
    pub source: Source,
    pub cases: Vec<AlertCase>,
    /// The names of all scenarios in their order; empty ones have none.
    pub scenarios: Vec<Scalar>,
    pub problem: Option<(Position, String)>,
}

/// One entry of an `alert_rule_test`.
#[derive(Debug)]
pub struct AlertCase {
    /// The name of the scenario; empty when it has none.
    pub scenario: String,
    pub alert: Scalar,
    /// As it was written.
    pub eval_time: String,
    /// The labels of each alert that must fire; none of them means that it must stay quiet.
    pub expected: Vec<BTreeMap<String, String>>,
}

impl RuleTestFile {
    /// Reads a test file; what cannot be read is a problem of its own, never an error.
    pub fn parse(path: impl Into<String>, text: impl Into<String>) -> Self {
        let source = Source::new(path, text);
        match serde_yaml::from_str::<Option<FileText>>(&source.text) {
            Ok(file) => {
                let tests = file.and_then(|file| file.tests).unwrap_or_default();
                let scenarios = tests.iter().map(|test| test.name.clone().unwrap_or_default()).collect();
                let cases = tests.into_iter().flat_map(cases).collect();
                Self { source, cases, scenarios, problem: None }
            }
            Err(error) => {
                let place = error.location().map_or(Position::default(), |at| Position {
                    line: usize::try_from(at.line()).unwrap_or(0),
                    column: usize::try_from(at.column()).unwrap_or(0),
                });
                let message = error.without_snippet().to_string();
                Self { source, cases: Vec::new(), scenarios: Vec::new(), problem: Some((place, message)) }
            }
        }
    }
}

#[derive(Deserialize)]
struct FileText {
    tests: Option<Vec<TestText>>,
}

#[derive(Deserialize)]
struct TestText {
    name: Option<Scalar>,
    alert_rule_test: Option<Vec<CaseText>>,
}

#[derive(Deserialize)]
struct CaseText {
    #[serde(default)]
    alertname: Scalar,
    #[serde(default)]
    eval_time: Scalar,
    exp_alerts: Option<Vec<ExpectedText>>,
}

#[derive(Deserialize)]
struct ExpectedText {
    exp_labels: Option<BTreeMap<String, String>>,
}

fn cases(test: TestText) -> Vec<AlertCase> {
    let scenario = test.name.unwrap_or_default().value;
    let case = |text: CaseText| AlertCase {
        scenario: scenario.clone(),
        alert: text.alertname,
        eval_time: text.eval_time.value,
        expected: text
            .exp_alerts
            .unwrap_or_default()
            .into_iter()
            .map(|alert| alert.exp_labels.unwrap_or_default())
            .collect(),
    };
    test.alert_rule_test.unwrap_or_default().into_iter().map(case).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_cases_with_their_places() {
        let text = "rule_files: [a.yml]\ntests:\n  - name: s\n    input_series: []\n    alert_rule_test:\n      - eval_time: 5m\n        alertname: A\n        exp_alerts:\n          - exp_labels: {severity: critical}\n      - eval_time: 1m\n        alertname: B\n";
        let file = RuleTestFile::parse("t.yml", text);
        assert_eq!(
            file.cases.iter().map(|c| (c.alert.value.as_str(), c.expected.len())).collect::<Vec<_>>(),
            [("A", 1), ("B", 0)]
        );
        assert_eq!(file.cases.iter().map(|c| c.alert.place(&file.source).line).collect::<Vec<_>>(), [7, 11]);
        assert!(file.problem.is_none());
        assert!(RuleTestFile::parse("t.yml", "tests: {").problem.is_some());
    }
}
