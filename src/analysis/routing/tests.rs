#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;

use super::*;
use crate::analysis::facts::Facts;
use crate::analysis::view::view;
use crate::check::shipped;
use crate::formats::alertmanager::AlertmanagerFile;
use crate::formats::rule_file::RuleFile;

fn rows(facts: &Facts) -> BTreeMap<String, matrix::Row> {
    let matrix = matrix(&view(facts)).unwrap();
    matrix.alerts.into_iter().map(|row| (row.alert.clone(), row)).collect()
}

/// `receiver(integration,…)`, with a question mark where it is not certain.
fn goes_to(row: &matrix::Row) -> String {
    let one = |route: &matrix::Delivery| {
        let certain = if route.certain { "" } else { "?" };
        format!("{}({}){certain}", route.receiver, route.integrations.join(","))
    };
    row.routes.iter().map(one).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_shipped_alerts_reach_who_they_should() {
    let rows = rows(&shipped::facts(&shipped::ALL_RECEIVERS));
    for row in rows.values() {
        let expected = match row.severity.as_deref() {
            Some("critical") => "critical(pagerduty,slack)",
            Some("warning") => "warning(slack)",
            _ => "watchdog()",
        };
        assert_eq!(goes_to(row), expected, "{}", row.alert);
    }
    assert_eq!(rows["CrankServiceDown"].routes[0].group_wait, "10s");
    assert_eq!(rows["RPCFailover"].routes[0].matchers, "severity=\"warning\"");
}

#[test]
fn the_shipped_inhibition_silences_what_it_should() {
    let rows = rows(&shipped::facts(&shipped::ALL_RECEIVERS));
    let silenced = |alert: &str, by: &str| {
        rows[alert].silenced_by.iter().any(|silencer| silencer.alerts.iter().any(|name| name == by))
    };
    // Also one that aggregates.
    assert!(silenced("APIHighErrorRate", "ConfidexBackendDown"));
    assert!(silenced("MPCHighTimeoutRate", "ConfidexBackendDown"));
    assert!(silenced("CrankCircuitBreakerTripped", "CrankServiceDown"));
    assert!(!silenced("RPCFailover", "CrankServiceDown"));
    assert!(!silenced("ConfidexBackendDown", "ConfidexBackendDown"));
    assert!(!silenced("Watchdog", "ConfidexBackendDown"));
    assert!(!silenced("AlertmanagerDown", "ConfidexBackendDown"));
    // It reads a recorded metric, whose rule keeps the job of another service.
    assert!(!silenced("AlertmanagerNotificationRequestsFailing", "ConfidexBackendDown"));
}

/// One alert and one configuration, as text.
fn small(rule: &str, config: &str) -> String {
    let rules = format!("groups:\n  - name: g\n    rules:\n{rule}");
    let file = RuleFile::parse("rules.yml", rules);
    assert!(file.problem.is_none() && !file.groups.is_empty(), "{:?}", file.problem);
    let facts = Facts {
        rule_files: vec![file],
        alertmanagers: vec![AlertmanagerFile::read("am.yml", config)],
        external_labels: BTreeMap::from([("cluster".to_owned(), "eu".to_owned())]),
        ..Facts::default()
    };
    goes_to(rows(&facts).values().next().unwrap())
}

#[test]
fn what_depends_on_the_data_is_only_possible() {
    let tree = "
route:
  receiver: root
  routes:
    - {receiver: eu, matchers: ['cluster=eu'], continue: true}
    - {receiver: api, matchers: ['job=api']}
    - {receiver: named, matchers: ['instance!=\"\"']}
";
    let of = |expr: &str| small(&format!("      - alert: A\n        expr: {expr}\n"), tree);
    // When a child matches for certain, the root never notifies by itself.
    assert_eq!(of("sum by (job, instance) (up) == 0"), "eu() api()? named()?");
    assert_eq!(of("sum by (job, instance) (up{job=\"api\"}) == 0"), "eu() api()");
    assert_eq!(of("sum by (job, instance) (up{job!~\"api|x\"}) == 0"), "eu() named()");
    assert_eq!(of("sum by (instance) (up) == 0"), "eu() named()");
    assert_eq!(of("sum(up) == 0"), "eu()");
    assert_eq!(of("absent(up{job=\"api\"})"), "eu() api()");
    // The series may have a `cluster` of its own.
    assert_eq!(of("up == 0"), "eu()? api()? named()?");
    assert_eq!(of("up{cluster=\"us\"} == 0"), "api()? named()?");
    assert_eq!(of("up{cluster=\"us\", job=\"b\"} or absent(up{cluster=\"us\"})"), "named()? root()?");
    assert_eq!(of("label_replace(sum(up), \"job\", \"$1\", \"x\", \".*\")"), "eu() api()?");
}

#[test]
fn rule_labels_win_and_templates_are_unknown() {
    let tree = "
route: {receiver: root, routes: [{receiver: a, matchers: [team=a]}, {receiver: b, matchers: [team=b]}]}
";
    let of = |value: &str| {
        let rule = format!(
            "      - alert: A\n        expr: up{{team=\"b\"}} == 0\n        labels: {{team: {value}}}\n"
        );
        small(&rule, tree)
    };
    assert_eq!(of("a"), "a()");
    assert_eq!(of("'{{ $labels.x }}'"), "a()? b()? root()?");
    assert_eq!(of("''"), "root()");
}

#[test]
fn inhibition_compares_missing_labels_as_empty_and_spares_its_own_kind() {
    use super::label_domain::Tristate::{Always, Never};
    let config = |equal: &str| {
        let text = format!(
            "route: {{receiver: a}}\ninhibit_rules: [{{source_matchers: [severity=~critical|page], target_matchers: [severity=~critical|warning], equal: [{equal}]}}]\n"
        );
        AlertmanagerFile::read("am.yml", text)
    };
    let verdict = |equal: &str, source: &[(&str, &str)], target: &[(&str, &str)]| {
        let file = config(equal);
        let rule = &file.inhibit_rules[0];
        let exact = |labels: &[(&str, &str)]| Labels::exact(labels.iter().copied());
        let (source, target) = (exact(source), exact(target));
        inhibition::inhibits(&inhibition::project(rule, &source), &inhibition::project(rule, &target))
    };
    let page = ("severity", "page");
    let critical = ("severity", "critical");
    let warning = ("severity", "warning");
    assert_eq!(verdict("", &[page], &[warning]), Always);
    assert_eq!(verdict("job", &[page], &[warning]), Always);
    assert_eq!(verdict("job", &[page, ("job", "x")], &[warning]), Never);
    assert_eq!(verdict("job", &[page, ("job", "x")], &[warning, ("job", "x")]), Always);
    assert_eq!(verdict("", &[critical], &[critical, ("a", "b")]), Never);
    assert_eq!(verdict("", &[page], &[critical]), Always);
    assert_eq!(verdict("", &[warning], &[critical]), Never);
}
