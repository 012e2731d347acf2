//! The scratch Prometheus's files: the project's rules with their times cut short, and a configuration
//! without targets.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::formats::rule_file::RuleFile;

/// How often the scratch Prometheus evaluates.
pub const EVALUATION: &str = "1s";

/// The text of a rule file with `for` and `keep_firing_for` of no length and every group evaluated
/// each second. Nothing else changes, down to comments and quotes.
pub fn rules(file: &RuleFile) -> String {
    let mut edits = Vec::new();
    for group in &file.groups {
        edits.extend(group.interval.as_ref().map(|scalar| (scalar.range(), EVALUATION)));
        for rule in &group.rules {
            edits.extend(rule.hold.as_ref().map(|scalar| (scalar.range(), "0s")));
            edits.extend(rule.keep_firing_for.as_ref().map(|scalar| (scalar.range(), "0s")));
        }
    }
    edits.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut text = file.source.text.clone();
    for (range, replacement) in edits {
        if text.get(range.clone()).is_some() {
            text.replace_range(range, replacement);
        }
    }
    text
}

/// What a scratch Prometheus is for.
#[derive(Clone, Debug)]
pub struct Prometheus<'a> {
    /// Pattern of the rule files, which come later.
    pub rule_files: &'a str,
    /// `host:port` of the scratch Alertmanager.
    pub alertmanager: &'a str,
    /// `host:port` and path of our own tap.
    pub tap: (&'a str, &'a str),
    /// Alerts that are passed on; `None` for all.
    pub pass_on: Option<&'a BTreeSet<String>>,
    /// How old samples may be.
    pub window: &'a str,
}

/// The configuration of a scratch Prometheus: external labels and alert relabelling as `rendered`
/// for the project, no targets.
pub fn prometheus(rendered: &Value, scratch: &Prometheus<'_>) -> Value {
    let mut relabel = rendered["alerting"]["alert_relabel_configs"].as_array().cloned().unwrap_or_default();
    if let Some(names) = scratch.pass_on {
        let pattern: Vec<String> = names.iter().map(|name| regex::escape(name)).collect();
        relabel.push(json!({"action": "keep", "source_labels": ["alertname"], "regex": pattern.join("|")}));
    }
    let (tap, path) = scratch.tap;
    json!({
        "global": {
            "evaluation_interval": EVALUATION,
            "external_labels": rendered["global"]["external_labels"].as_object().cloned().unwrap_or_default(),
        },
        "rule_files": [scratch.rule_files],
        "storage": {"tsdb": {"out_of_order_time_window": scratch.window}},
        "alerting": {
            "alert_relabel_configs": relabel,
            "alertmanagers": [
                {"static_configs": [{"targets": [scratch.alertmanager]}]},
                {"static_configs": [{"targets": [tap]}], "path_prefix": path},
            ],
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_times_change() {
        let text = "groups:\n  - name: g # a group\n    interval: '1m'\n    rules:\n      - alert: A\n        expr: up{for=\"5m\"} == 0\n        for: 5m # long\n        keep_firing_for: \"1h\"\n        labels: {severity: 'none', n: 010}\n      - record: a:b\n        expr: 1\n";
        let short = rules(&RuleFile::parse("a.yml", text));
        let expected = text.replace("'1m'", "1s").replace("for: 5m #", "for: 0s #").replace("\"1h\"", "0s");
        assert_eq!(short, expected);
    }

    #[test]
    fn external_labels_and_relabelling_stay() {
        let rendered = json!({
            "global": {"external_labels": {"cluster": "a$$b"}},
            "alerting": {"alert_relabel_configs": [{"action": "labeldrop", "regex": "replica"}]},
            "scrape_configs": [{"job_name": "x"}],
        });
        let names = ["A.b".to_owned(), "C".to_owned()].into();
        let config = prometheus(
            &rendered,
            &Prometheus {
                rule_files: "r/*.yml",
                alertmanager: "am:1",
                tap: ("h:2", "/t/1"),
                pass_on: Some(&names),
                window: "900s",
            },
        );
        assert_eq!(config["global"]["external_labels"]["cluster"], "a$$b");
        assert_eq!(config["alerting"]["alert_relabel_configs"][0]["regex"], "replica");
        assert_eq!(config["alerting"]["alert_relabel_configs"][1]["regex"], "A\\.b|C");
        assert_eq!(config["alerting"]["alertmanagers"][1]["path_prefix"], "/t/1");
        assert!(config.get("scrape_configs").is_none());
    }
}
