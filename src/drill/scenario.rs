//! The firing and quiet scenarios of an alert, from the unit tests in `rules/tests`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::drill::series::Labels;
use crate::model::PromDuration;

/// A unit test file, as far as a drill needs it.
#[derive(Clone, Debug, Default)]
pub struct TestFile {
    /// The path below `rules/`: `tests/stack.yml`.
    pub path: String,
    pub cases: Vec<Case>,
    /// Why the file could not be read.
    pub problem: Option<String>,
}

/// What a test expects of one alert at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    pub alert: String,
    /// The name of the test; empty when it has none.
    pub test: String,
    /// The number of the test in its file.
    pub index: usize,
    pub input: Input,
    pub at: Duration,
    /// Labels and annotations of each alert that must fire; none means quiet.
    pub expected: Vec<Expected>,
}

/// The series of a test as they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    pub interval: Duration,
    pub evaluation_interval: Duration,
    /// (series, values)
    pub series: Vec<(String, String)>,
}

/// What a unit test expects at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    pub labels: Labels,
    pub annotations: BTreeMap<String, String>,
}

impl Case {
    /// True when it expects an alert.
    pub fn fires(&self) -> bool {
        !self.expected.is_empty()
    }
}

/// promtool's own default.
const EVALUATION_INTERVAL: Duration = Duration::from_mins(1);

impl TestFile {
    /// Never fails: promtool refuses what cannot be read, this remembers why.
    pub fn parse(path: impl Into<String>, text: &str) -> Self {
        let path = path.into();
        match serde_yaml::from_str::<Option<FileText>>(text) {
            Ok(file) => match file.unwrap_or_default().cases() {
                Ok(cases) => Self { path, cases, problem: None },
                Err(problem) => Self { path, cases: Vec::new(), problem: Some(problem) },
            },
            Err(error) => {
                Self { path, cases: Vec::new(), problem: Some(error.without_snippet().to_string()) }
            }
        }
    }
}

/// The scenarios to try for an alert, the first one first: one a test, at its earliest firing time.
/// `is_ours` tells the rule by its labels from others of its name.
pub fn firing<'a>(
    files: &'a [TestFile],
    alert: &str,
    is_ours: impl Fn(&Labels) -> bool,
) -> Vec<(&'a TestFile, &'a Case)> {
    let mut found: Vec<(&TestFile, &Case)> = Vec::new();
    for file in files {
        let is_candidate = |case: &&Case| {
            case.alert == alert && case.expected.iter().any(|expected| is_ours(&expected.labels))
        };
        for case in file.cases.iter().filter(is_candidate) {
            match found.iter_mut().find(|(other, known)| other.path == file.path && known.index == case.index)
            {
                Some((_, known)) if case.at < known.at => *known = case,
                Some(_) => {}
                None => found.push((file, case)),
            }
        }
    }
    found
}

/// How many cases say that the alert fires, and that it stays quiet.
pub fn coverage(files: &[TestFile], alert: &str) -> (usize, usize) {
    let cases = files.iter().flat_map(|file| &file.cases).filter(|case| case.alert == alert);
    let (fire, quiet): (Vec<_>, Vec<_>) = cases.partition(|case| case.fires());
    (fire.len(), quiet.len())
}

#[derive(Default, Deserialize)]
struct FileText {
    evaluation_interval: Option<String>,
    tests: Option<Vec<TestText>>,
}

#[derive(Deserialize)]
struct TestText {
    name: Option<String>,
    interval: Option<String>,
    input_series: Option<Vec<SeriesText>>,
    alert_rule_test: Option<Vec<CaseText>>,
}

#[derive(Deserialize)]
struct SeriesText {
    series: String,
    #[serde(default)]
    values: String,
}

#[derive(Deserialize)]
struct CaseText {
    eval_time: Option<String>,
    #[serde(default)]
    alertname: String,
    exp_alerts: Option<Vec<ExpectedText>>,
}

#[derive(Deserialize)]
struct ExpectedText {
    exp_labels: Option<BTreeMap<String, String>>,
    exp_annotations: Option<BTreeMap<String, String>>,
}

impl FileText {
    fn cases(self) -> Result<Vec<Case>, String> {
        let evaluation_interval = duration(self.evaluation_interval.as_deref(), EVALUATION_INTERVAL)?;
        let mut cases = Vec::new();
        for (index, test) in self.tests.unwrap_or_default().into_iter().enumerate() {
            let series = test.input_series.unwrap_or_default();
            let input = Input {
                interval: duration(test.interval.as_deref(), evaluation_interval)?,
                evaluation_interval,
                series: series.into_iter().map(|series| (series.series, series.values)).collect(),
            };
            for case in test.alert_rule_test.unwrap_or_default() {
                let expected = case.exp_alerts.unwrap_or_default().into_iter();
                cases.push(Case {
                    alert: case.alertname,
                    test: test.name.clone().unwrap_or_default(),
                    index,
                    input: input.clone(),
                    at: duration(case.eval_time.as_deref(), Duration::ZERO)?,
                    expected: expected.map(Expected::from).collect(),
                });
            }
        }
        Ok(cases)
    }
}

impl From<ExpectedText> for Expected {
    fn from(text: ExpectedText) -> Self {
        Self {
            labels: text.exp_labels.unwrap_or_default(),
            annotations: text.exp_annotations.unwrap_or_default(),
        }
    }
}

fn duration(text: Option<&str>, default: Duration) -> Result<Duration, String> {
    let Some(text) = text else { return Ok(default) };
    PromDuration::parse(text)
        .map(|duration| duration.length())
        .ok_or_else(|| format!("`{text}` is not a duration such as `15s` or `2m`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "evaluation_interval: 15s\ntests:\n  - name: one\n    input_series:\n      - {series: 'x{a=\"b\"}', values: '1x40'}\n    alert_rule_test:\n      - {eval_time: 10m, alertname: A, exp_alerts: [{exp_labels: {severity: none}}]}\n      - {eval_time: 4m15s, alertname: A, exp_alerts: [{exp_labels: {severity: none}, exp_annotations: {summary: 5}}]}\n      - {eval_time: 1m, alertname: A}\n  - name: two\n    interval: 1m\n    alert_rule_test:\n      - {eval_time: 0m, alertname: A, exp_alerts: [{}]}\n";

    #[test]
    fn takes_the_earliest_firing_time_of_each_test() {
        let files = [TestFile::parse("tests/t.yml", FILE)];
        assert_eq!(files[0].problem, None);
        let firing = firing(&files, "A", |_| true);
        assert_eq!(firing.iter().map(|(_, case)| case.at.as_secs()).collect::<Vec<_>>(), [255, 0]);
        assert_eq!(firing[0].1.input.interval, Duration::from_secs(15));
        assert_eq!(firing[1].1.input.interval, Duration::from_mins(1));
        assert_eq!(firing[0].1.expected[0].annotations["summary"], "5");
        assert_eq!(coverage(&files, "A"), (3, 1));
        assert_eq!(coverage(&files, "B"), (0, 0));
    }

    #[test]
    fn an_unreadable_file_says_why() {
        assert!(TestFile::parse("t", "tests: {").problem.is_some());
        assert!(TestFile::parse("t", "tests: [{interval: soon}]").problem.is_some());
        assert!(TestFile::parse("t", "").problem.is_none());
    }
}
