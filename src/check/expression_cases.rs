//! Expressions that were once seen wrongly, each with what is right by Prometheus itself
//! (`tests/data/expressions/cases.tsv`: expression, `for`, labels of the rule, lints that must speak).

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::analysis::contract::Contract;

const CONTRACT: &str = include_str!("../../tests/data/expressions/contract.prom");
const CASES: &str = include_str!("../../tests/data/expressions/cases.tsv");

/// What is said of one alert in a project whose backend has the contract.
fn findings(expr: &str, hold: &str, labels: &str) -> Vec<Finding> {
    let expr = expr.replace('\'', "''");
    let more = if labels.is_empty() { String::new() } else { format!(", {labels}") };
    let rules = format!(
        "groups:\n- name: g\n  rules:\n  - alert: A\n    expr: '{expr}'\n    for: {hold}\n    labels: {{severity: warning{more}}}\n    annotations: {{summary: It is bad, runbook: A}}\n"
    );
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let facts = Facts {
        rule_files: vec![RuleFile::parse("rules.yml", rules)],
        contract: Some(Contract::parse(CONTRACT)),
        scrape_interval: Some(Duration::from_secs(15)),
        jobs: Some(set(&["confidex-backend", "prometheus", "alertmanager", "grafana"])),
        backend_jobs: set(&["confidex-backend"]),
        target_labels: Some(set(&["job", "instance"])),
        runbooks: Some(set(&["A"])),
        ..Facts::default()
    };
    run(&facts)
}

#[test]
fn each_expression_gets_the_verdict_that_prometheus_gives_it() {
    let mut wrong = Vec::new();
    for case in CASES.lines() {
        let [expr, hold, labels, wanted] = case.split('\t').collect::<Vec<_>>()[..] else { panic!("{case}") };
        let found = findings(expr, hold, labels);
        let ids: BTreeSet<_> = found.iter().map(|finding| finding.id).collect();
        // Lints that speak of something else are as wrong as ones that are silent.
        if ids != wanted.split_whitespace().collect() {
            wrong.push((case.to_owned(), found));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(CASES.lines().count() >= 18);
}

#[test]
fn the_evidence_is_true() {
    let message = |expr: &str| findings(expr, "5m", "").into_iter().map(|f| f.message).collect::<String>();
    let several = message("rate(http_requests_total[5m]) / on(service) rate(http_requests_total[5m]) > 2");
    assert!(!several.contains("all of their labels"), "{several}");
    assert!(several.contains("code=\"200\"") && several.contains("code=\"500\""), "{several}");
    let apart = message("queue_depth > 5 and queue_limit > 10");
    assert!(apart.contains("the right side lacks `queue`, the left side lacks `name`"), "{apart}");
    let gone = message("up{job=\"confidex-backend\"} == 0 and queue_depth > 3");
    assert!(gone.contains("stale"), "{gone}");
}
