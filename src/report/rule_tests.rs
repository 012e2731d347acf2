//! Results of rule tests for people and programs.

use std::time::Duration;

use serde_json::{Value, json};

use crate::check::testing::coverage::Gap;
use crate::check::testing::{Coverage, FileResult, ScenarioResult, results};
use crate::formats::rule_test::RuleTestFile;
use crate::report::Output;
use crate::report::output::{BAD, BOLD, DIM, GOOD, WARN};
use crate::report::words;

/// One line a file, and below it the evidence of what failed.
pub fn text(output: Output, results: &[FileResult], tests: &[RuleTestFile], took: Duration) -> String {
    let width = results.iter().map(|result| result.file.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for result in results {
        let failed = result.scenarios.iter().filter(|scenario| !scenario.passed).count();
        let (mark, what) = if result.passed {
            (output.styled_data("✓", GOOD), words::count(result.scenarios.len(), "scenario"))
        } else if failed == 0 {
            (output.styled_data("✗", BAD), "cannot be run".to_owned())
        } else {
            let all = words::count(result.scenarios.len(), "scenario");
            (output.styled_data("✗", BAD), format!("{failed} of {all} failed"))
        };
        text.push_str(&format!("{mark} {:width$}  {what}\n", result.file));
        for problem in &result.problems {
            text.push_str(&indented(problem, 4));
        }
        let file = tests.iter().find(|file| file.source.path == result.file);
        for scenario in result.scenarios.iter().filter(|scenario| !scenario.failures.is_empty()) {
            text.push_str(&evidence(output, result, file, scenario));
        }
    }
    text.push_str(&summary(output, results, took));
    text
}

fn evidence(
    output: Output,
    result: &FileResult,
    file: Option<&RuleTestFile>,
    scenario: &ScenarioResult,
) -> String {
    let mut text = format!(
        "    {}  {}\n",
        output.styled_data(&scenario.name, BOLD),
        output.styled_data(&place(&result.file, scenario.line), DIM)
    );
    for failure in &scenario.failures {
        if let (Some(alert), Some(time)) = (&failure.alert, &failure.time) {
            let line = file.map_or(scenario.line, |file| results::line_of(file, scenario, failure));
            let at = output.styled_data(&place(&result.file, line), DIM);
            text.push_str(&format!("      {alert} at {time}  {at}\n"));
        }
        for line in &failure.lines {
            text.push_str(&indented(line, 8));
        }
    }
    text
}

fn place(file: &str, line: usize) -> String {
    if line == 0 { file.to_owned() } else { format!("{file}:{line}") }
}

fn indented(text: &str, by: usize) -> String {
    text.lines().map(|line| format!("{:by$}{}\n", "", line.trim_end())).collect()
}

fn summary(output: Output, results: &[FileResult], took: Duration) -> String {
    let scenarios: usize = results.iter().map(|result| result.scenarios.len()).sum();
    let failed = results.iter().filter(|result| !result.passed).count();
    let verdict = if failed == 0 {
        output.styled_data("all passed", GOOD)
    } else {
        output.styled_data(&format!("{} failed", words::count(failed, "file")), BAD)
    };
    format!(
        "{verdict}: {} in {} ({})\n",
        words::count(scenarios, "scenario"),
        words::count(results.len(), "test file"),
        words::elapsed(took)
    )
}

/// The gaps, kind by kind.
pub fn coverage_text(output: Output, coverage: &Coverage) -> String {
    if coverage.is_complete() {
        let alerts = words::count(coverage.alerts, "alert");
        return format!(
            "{}: {alerts}, each with a firing and a quiet test\n",
            output.styled_data("covered", GOOD)
        );
    }
    let mut text = String::new();
    let kinds = [
        ("alerts without a test that fires them", &coverage.without_firing_test),
        ("alerts without a test that they stay quiet in", &coverage.without_quiet_test),
        ("tests of alerts that no rule defines (they always pass)", &coverage.unknown_alerts),
    ];
    for (title, gaps) in kinds.into_iter().filter(|(_, gaps)| !gaps.is_empty()) {
        text.push_str(&format!("{}\n", output.styled_data(title, WARN)));
        let width = gaps.iter().map(|gap| gap.alert.chars().count()).max().unwrap_or(0);
        for Gap { alert, file, line } in gaps {
            text.push_str(&format!("  {alert:width$}  {file}:{line}\n"));
        }
    }
    text
}

pub fn json(results: Option<&[FileResult]>, coverage: Option<&Coverage>) -> Value {
    let mut value = json!({});
    if let Some(results) = results {
        let failed = results.iter().filter(|result| !result.passed).count();
        value["passed"] = json!(failed == 0);
        value["summary"] = json!({
            "files": results.len(),
            "failed_files": failed,
            "scenarios": results.iter().map(|result| result.scenarios.len()).sum::<usize>(),
            "failed_scenarios": results
                .iter()
                .flat_map(|result| &result.scenarios)
                .filter(|scenario| !scenario.passed)
                .count(),
        });
        value["files"] = json!(results);
    }
    if let Some(coverage) = coverage {
        value["coverage"] = json!(coverage);
    }
    value
}
