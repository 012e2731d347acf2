//! SARIF 2.1.0, which code review tools read.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::CheckReport;
use crate::check::{Finding, Severity, doc};
use crate::model::percent_encoded;

/// One run with all findings as results.
pub fn render(report: &CheckReport) -> Value {
    let mut rules: BTreeMap<&str, Severity> = BTreeMap::new();
    for finding in &report.findings {
        let severity = rules.entry(finding.id).or_insert(finding.severity);
        *severity = (*severity).max(finding.severity);
    }
    let index: BTreeMap<&str, usize> = rules.keys().enumerate().map(|(at, id)| (*id, at)).collect();
    let notifications = std::iter::once(format!("official validators: {}", report.validator_status()))
        .chain(report.notes.iter().cloned())
        .map(|text| json!({"level": "note", "message": {"text": text}}));
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "confidexmon",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|(id, severity)| rule(id, *severity)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": true,
                "toolExecutionNotifications": notifications.collect::<Vec<_>>(),
            }],
            "results": report
                .findings
                .iter()
                .map(|finding| result(finding, index.get(finding.id).copied().unwrap_or(0)))
                .collect::<Vec<_>>(),
        }],
    })
}

fn rule(id: &str, severity: Severity) -> Value {
    json!({
        "id": id,
        "shortDescription": {"text": doc(id)},
        "defaultConfiguration": {"level": level(severity)},
    })
}

fn result(finding: &Finding, rule: usize) -> Value {
    let fix = finding.fix.as_ref().map_or_else(String::new, |fix| format!("\nFix: {fix}"));
    let mut place = json!({"artifactLocation": {"uri": uri(&finding.place.file)}});
    if finding.place.line > 0 {
        place["region"] =
            json!({"startLine": finding.place.line, "startColumn": finding.place.column.max(1)});
    }
    json!({
        "ruleId": finding.id,
        "ruleIndex": rule,
        "level": level(finding.severity),
        "message": {"text": format!("{}{fix}", finding.message)},
        "locations": [{"physicalLocation": place}],
    })
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Bug => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

/// A path as a URI, relative unless it is absolute: everything but unreserved characters and `/` is
/// escaped.
fn uri(path: &str) -> String {
    let scheme = if path.starts_with('/') { "file://" } else { "" };
    let escaped: Vec<String> = path.split('/').map(percent_encoded).collect();
    format!("{scheme}{}", escaped.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_refer_to_their_rules_and_places() {
        let value = render(&super::super::tests::report());
        let run = &value["runs"][0];
        for result in run["results"].as_array().into_iter().flatten() {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap_or(99)).unwrap_or(99);
            assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
        }
        let first = &run["results"][1]["locations"][0]["physicalLocation"];
        assert_eq!(first["artifactLocation"]["uri"], "rules/a%20b.yml");
        assert!(first.get("region").is_none(), "{first}");
        assert_eq!(run["results"][0]["level"], "error");
        assert_eq!(uri("/a b/x.yml"), "file:///a%20b/x.yml");
        assert_eq!(uri("<embedded>/x"), "%3Cembedded%3E/x");
    }
}
