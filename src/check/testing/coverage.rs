//! Which alerts have a test that fires them and one that keeps them quiet. promtool does not tell.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::analysis::facts::Facts;
use crate::formats::rule_file::{Rule, RuleFile};
use crate::formats::rule_test::AlertCase;

/// What the tests leave open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    pub alerts: usize,
    pub without_firing_test: Vec<Gap>,
    pub without_quiet_test: Vec<Gap>,
    /// Tests of alerts that no rule defines: they always pass.
    pub unknown_alerts: Vec<Gap>,
}

/// An alert without a test that it fires, or without one that it stays quiet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gap {
    pub alert: String,
    pub file: String,
    pub line: usize,
}

impl Coverage {
    /// Compares alerts and tests.
    pub fn of(facts: &Facts) -> Self {
        let mut cases: BTreeMap<&str, Vec<&AlertCase>> = BTreeMap::new();
        for case in facts.rule_tests.iter().flat_map(|file| &file.cases) {
            cases.entry(&case.alert.value).or_default().push(case);
        }
        let mut coverage = Self::default();
        for file in &facts.rule_files {
            for (_, rule) in file.rules().filter(|(_, rule)| rule.is_alert()) {
                coverage.alerts += 1;
                let own = cases.get(rule.name.value.as_str()).map(Vec::as_slice).unwrap_or_default();
                let gap = || Gap {
                    alert: rule.name.value.clone(),
                    file: file.source.path.clone(),
                    line: rule.name.place(&file.source).line,
                };
                if !own.iter().any(|case| fires(case, rule)) {
                    coverage.without_firing_test.push(gap());
                }
                if !always_fires(rule) && !own.iter().any(|case| !fires(case, rule)) {
                    coverage.without_quiet_test.push(gap());
                }
            }
        }
        coverage.unknown_alerts = unknown(facts);
        coverage
    }

    /// True when every alert has both kinds of tests.
    pub fn is_complete(&self) -> bool {
        self.without_firing_test.is_empty()
            && self.without_quiet_test.is_empty()
            && self.unknown_alerts.is_empty()
    }
}

/// Two rules may share a name and differ in a label such as the severity: a test fires the one whose
/// labels it expects.
fn fires(case: &AlertCase, rule: &Rule) -> bool {
    case.expected.iter().any(|expected| {
        rule.labels
            .iter()
            .filter(|(_, value)| !value.value.contains("{{"))
            .all(|(name, value)| expected.get(name).is_none_or(|wanted| *wanted == value.value))
    })
}

/// A watchdog reads no series: nothing can keep it quiet.
fn always_fires(rule: &Rule) -> bool {
    rule.tree.as_ref().is_ok_and(|tree| tree.selectors().is_empty())
}

fn unknown(facts: &Facts) -> Vec<Gap> {
    let defined = |name: &str| {
        facts
            .rule_files
            .iter()
            .flat_map(RuleFile::rules)
            .any(|(_, rule)| rule.is_alert() && rule.name.value == name)
    };
    let mut found = Vec::new();
    for file in &facts.rule_tests {
        for case in file.cases.iter().filter(|case| !defined(&case.alert.value)) {
            found.push(Gap {
                alert: case.alert.value.clone(),
                file: file.source.path.clone(),
                line: case.alert.place(&file.source).line,
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formats::rule_test::RuleTestFile;

    #[test]
    fn every_gap_is_named_once() {
        let rules = "groups:\n- name: g\n  rules:\n  - alert: Both\n    expr: up == 0\n  - alert: OnlyFires\n    expr: up == 0\n  - alert: Sev\n    expr: up == 0\n    labels: {severity: critical}\n  - alert: Sev\n    expr: up == 0\n    labels: {severity: warning}\n  - alert: None\n    expr: up == 0\n  - alert: Watchdog\n    expr: vector(1)\n";
        let tests = "tests:\n- alert_rule_test:\n  - {eval_time: 1m, alertname: Both, exp_alerts: [{exp_labels: {a: b}}]}\n  - {eval_time: 2m, alertname: Both}\n  - {eval_time: 1m, alertname: OnlyFires, exp_alerts: [{}]}\n  - {eval_time: 1m, alertname: Sev, exp_alerts: [{exp_labels: {severity: warning}}]}\n  - {eval_time: 1m, alertname: Typo}\n";
        let facts = Facts {
            rule_files: vec![RuleFile::parse("r.yml", rules)],
            rule_tests: vec![RuleTestFile::parse("t.yml", tests)],
            ..Facts::default()
        };
        let coverage = Coverage::of(&facts);
        let names =
            |gaps: &[Gap]| gaps.iter().map(|gap| format!("{}:{}", gap.alert, gap.line)).collect::<Vec<_>>();
        assert_eq!(coverage.alerts, 6);
        assert_eq!(names(&coverage.without_firing_test), ["Sev:8", "None:14", "Watchdog:16"]);
        assert_eq!(names(&coverage.without_quiet_test), ["OnlyFires:6", "Sev:11", "None:14"]);
        assert_eq!(names(&coverage.unknown_alerts), ["Typo:7"]);
        assert!(!coverage.is_complete());
    }
}
