//! Results of a run at the user's own files and lines.

use serde::Serialize;

use crate::check::testing::evidence::{self, Failure};
use crate::check::testing::junit::{Case, Suite};
use crate::formats::rule_test::RuleTestFile;

/// One test file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileResult {
    pub file: String,
    pub passed: bool,
    /// Why the file could not be run at all.
    pub problems: Vec<String>,
    pub scenarios: Vec<ScenarioResult>,
}

/// How one test of a file went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScenarioResult {
    pub name: String,
    /// 0 when it is not known.
    pub line: usize,
    pub passed: bool,
    pub failures: Vec<Failure>,
}

/// `shown` turns paths of the container in a text into the user's.
pub fn of_suite(suite: &Suite, file: &RuleTestFile, shown: &dyn Fn(&str) -> String) -> FileResult {
    let mut result = FileResult {
        file: file.source.path.clone(),
        passed: true,
        problems: Vec::new(),
        scenarios: Vec::new(),
    };
    for (index, case) in suite.cases.iter().enumerate() {
        if case.is_error {
            result.problems.extend(case.failures.iter().map(|text| shown(text)));
            continue;
        }
        // A rule file that is refused fails every scenario with the same words: said once.
        let (of_files, of_rules): (Vec<&String>, Vec<&String>) =
            case.failures.iter().partition(|text| text.starts_with('/'));
        for text in of_files {
            let text = shown(text);
            if !result.problems.contains(&text) {
                result.problems.push(text);
            }
        }
        result.scenarios.push(scenario(case, index, file, &of_rules));
    }
    result.passed = result.problems.is_empty() && result.scenarios.iter().all(|scenario| scenario.passed);
    result
}

fn scenario(case: &Case, index: usize, file: &RuleTestFile, failures: &[&String]) -> ScenarioResult {
    let named = file.scenarios.iter().find(|scenario| scenario.value == case.name);
    let number = case.name.strip_prefix("unnamed#").and_then(|number| number.parse::<usize>().ok());
    let scenario = named.or_else(|| file.scenarios.get(number.unwrap_or(index)));
    ScenarioResult {
        name: case.name.clone(),
        line: scenario.map_or(0, |scenario| scenario.place(&file.source).line),
        passed: case.failures.is_empty(),
        failures: failures.iter().map(|text| evidence::read(text)).collect(),
    }
}

/// The place of the assertion that a failure is about.
pub fn line_of(file: &RuleTestFile, scenario: &ScenarioResult, failure: &Failure) -> usize {
    let (Some(alert), Some(time)) = (&failure.alert, &failure.time) else { return scenario.line };
    let length = |text: &str| crate::model::PromDuration::parse(text).map(|time| time.length());
    let same = file.cases.iter().find(|case| {
        let here = case.scenario == scenario.name || scenario.name.starts_with("unnamed#");
        here && case.alert.value == *alert && length(&case.eval_time) == length(time)
    });
    same.map_or(scenario.line, |case| case.alert.place(&file.source).line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_put_at_the_users_lines() {
        let text = "rule_files: [a.yml]\ntests:\n  - name: s\n    alert_rule_test:\n      - eval_time: 90m\n        alertname: D\n";
        let file = RuleTestFile::parse("rules/tests/t.yml", text);
        let case = |name: &str, failures: &[&str]| Case {
            name: name.to_owned(),
            failures: failures.iter().map(|text| (*text).to_owned()).collect(),
            is_error: false,
        };
        let failing = "    alertname: D, time: 1h30m, \n        exp:[], \n        got:[\n            0:\n              Labels:{alertname=\"D\"}\n              Annotations:{}\n            ]";
        let suite = Suite {
            name: "/validator/t.yml".to_owned(),
            cases: vec![
                case("s", &[failing, "/validator/a.yml: bad"]),
                case("unnamed#1", &["/validator/a.yml: bad"]),
            ],
        };
        let result = of_suite(&suite, &file, &|text| text.replace("/validator/", "rules/"));
        assert_eq!(result.problems, ["rules/a.yml: bad"]);
        assert!(!result.passed);
        let first = &result.scenarios[0];
        assert_eq!((first.line, first.failures.len()), (3, 1));
        assert_eq!(line_of(&file, first, &first.failures[0]), 6);
    }
}
