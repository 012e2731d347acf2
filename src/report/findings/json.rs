//! The fixed JSON shape: an object whose `findings` is the list.

use serde_json::{Value, json};

use super::CheckReport;
use crate::check::Severity;

/// Findings, their summary, and what was not validated.
pub fn render(report: &CheckReport) -> Value {
    json!({
        "findings": report.findings,
        "summary": {
            "bugs": report.count(Severity::Bug),
            "warnings": report.count(Severity::Warning),
            "infos": report.count(Severity::Info),
            "rule_files": report.counts.rule_files,
            "alerts": report.counts.alerts,
            "recording_rules": report.counts.recording_rules,
            "rule_tests": report.counts.rule_tests,
        },
        "validators": report.validator_status(),
        "notes": report.notes,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn keeps_the_fixed_shape() {
        let value = render(&super::super::tests::report());
        let first = value["findings"][0].as_object().unwrap();
        let keys: Vec<&str> = first.keys().map(String::as_str).collect();
        assert_eq!(keys, ["id", "severity", "file", "line", "column", "message", "alert", "fix"]);
        assert_eq!(first["severity"], "bug");
        assert_eq!(value["summary"]["warnings"], 1);
    }
}
