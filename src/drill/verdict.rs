//! What promtool said about the rules and their unit tests.

use std::collections::BTreeMap;

use crate::drill::level::Step;
use crate::drill::scenario::{self, TestFile};

/// The answers of promtool, as far as they are known.
#[derive(Clone, Debug, Default)]
pub struct Verdicts {
    /// Rule file (path below `rules/`) → why it was refused.
    pub refused: BTreeMap<String, String>,
    /// Test file → what failed, in promtool's words; empty when all passed.
    pub tests: BTreeMap<String, String>,
}

/// Level 0: the file was read and promtool took it.
pub fn parsed(verdicts: &Verdicts, rule_file: &str) -> Step {
    match verdicts.refused.get(rule_file) {
        None => Step::passed(0, "promtool accepts its file"),
        Some(words) => Step::failed(0, format!("promtool refuses rules/{rule_file}: {}", first_line(words))),
    }
}

/// Level 2: one unit test at least fires the alert, one keeps it quiet, and both pass.
pub fn tested(verdicts: &Verdicts, files: &[TestFile], alert: &str) -> Step {
    let (fire, quiet) = scenario::coverage(files, alert);
    match (fire, quiet) {
        (0, 0) => return Step::failed(2, "no unit test names it: add one to rules/tests"),
        (0, _) => return Step::failed(2, "no unit test makes it fire"),
        (_, 0) if !always_fires(files, alert) => {
            return Step::failed(2, "no unit test keeps it quiet");
        }
        _ => {}
    }
    let concerned = files.iter().filter(|file| file.cases.iter().any(|case| case.alert == alert));
    for file in concerned {
        let Some(words) = verdicts.tests.get(&file.path) else {
            return Step::not_tried(2, format!("rules/{} was not run", file.path));
        };
        if let Some(problem) = failure(words, alert) {
            return Step::failed(2, format!("rules/{}: {problem}", file.path));
        }
    }
    Step::passed(2, format!("{fire} firing, {quiet} quiet"))
}

/// A scenario without any input that fires at time 0 already: there is nothing that could keep such
/// an alert quiet. The Watchdog is one.
fn always_fires(files: &[TestFile], alert: &str) -> bool {
    let cases = files.iter().flat_map(|file| &file.cases);
    cases
        .filter(|case| case.alert == alert)
        .any(|case| case.fires() && case.at.is_zero() && case.input.series.is_empty())
}

/// What promtool's words say about this alert: its own failed case, or a failure that is about
/// the whole file.
fn failure(words: &str, alert: &str) -> Option<String> {
    if words.is_empty() {
        return None;
    }
    let mut named = 0;
    for line in words.lines() {
        let Some(rest) = line.trim().strip_prefix("alertname: ") else { continue };
        named += 1;
        let (name, time) = rest.split_once(',').unwrap_or((rest, ""));
        if name == alert {
            return Some(format!("a unit test fails,{}", time.trim_end_matches([',', ' '])));
        }
    }
    // Other alerts' cases failed, this one's did not.
    if named > 0 { None } else { Some(first_line(words)) }
}

/// The first line that says something, without promtool's headings.
fn first_line(words: &str) -> String {
    let headings = ["FAILED:", "SUCCESS", "Unit Testing:", "Checking "];
    let lines = words.lines().map(str::trim);
    let telling =
        lines.clone().find(|line| !line.is_empty() && !headings.iter().any(|head| line.starts_with(head)));
    telling
        .or_else(|| lines.clone().find(|line| !line.is_empty()))
        .unwrap_or_default()
        .chars()
        .take(300)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "tests:\n  - name: one\n    input_series: [{series: x, values: '1'}]\n    alert_rule_test:\n      - {eval_time: 0m, alertname: A, exp_alerts: [{}]}\n      - {eval_time: 1m, alertname: A}\n      - {eval_time: 1m, alertname: OnlyQuiet}\n      - {eval_time: 1m, alertname: OnlyFires, exp_alerts: [{}]}\n  - alert_rule_test:\n      - {eval_time: 0m, alertname: Watchdog, exp_alerts: [{}]}\n";
    const FAILED: &str =
        "\n  FAILED:\n    name: one,\n    alertname: A, time: 1m, \n        exp:[], \n        got:[...]\n";

    fn checked(words: &str, alert: &str) -> Step {
        let verdicts =
            Verdicts { tests: [("tests/t.yml".to_owned(), words.to_owned())].into(), ..Verdicts::default() };
        tested(&verdicts, &[TestFile::parse("tests/t.yml", FILE)], alert)
    }

    #[test]
    fn both_kinds_of_tests_are_needed_and_must_pass() {
        assert_eq!(checked("", "A").ok, Some(true));
        assert_eq!(checked(FAILED, "A").detail, "rules/tests/t.yml: a unit test fails, time: 1m");
        assert_eq!(checked("", "OnlyQuiet").ok, Some(false));
        assert_eq!(checked("", "OnlyFires").ok, Some(false));
        assert_eq!(checked("", "Unknown").ok, Some(false));
    }

    #[test]
    fn what_always_fires_has_no_quiet_test() {
        assert_eq!(checked("", "Watchdog").ok, Some(true));
    }

    #[test]
    fn failures_of_others_are_theirs_and_those_of_the_file_are_everybodys() {
        assert_eq!(checked(&FAILED.replace("alertname: A", "alertname: B"), "A").ok, Some(true));
        let step = checked("  FAILED:\nyaml: line 3: bad\n", "A");
        assert_eq!((step.ok, step.detail.as_str()), (Some(false), "rules/tests/t.yml: yaml: line 3: bad"));
    }

    #[test]
    fn a_refused_file_is_level_nothing() {
        let verdicts = Verdicts {
            refused: [("a.yml".to_owned(), "Checking /x\n  FAILED:\n/x: 5:15: parse error\n".to_owned())]
                .into(),
            ..Verdicts::default()
        };
        assert_eq!(parsed(&verdicts, "a.yml").detail, "promtool refuses rules/a.yml: /x: 5:15: parse error");
        assert_eq!(parsed(&verdicts, "b.yml").ok, Some(true));
    }
}
