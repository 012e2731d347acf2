//! The corpus of planted mistakes: each lint finds its own at the marked place, and nothing in the twin.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::*;
use crate::analysis::contract::Contract;
use crate::analysis::facts::{Datasource, ServiceFile};
use crate::formats::alertmanager::AlertmanagerFile;
use crate::formats::dashboard::Dashboard;
use crate::formats::rule_file::RuleFile;
use crate::formats::rule_test::RuleTestFile;
use crate::model::ServiceKind;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mistakes")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn datasource(uid: &str, kind: &str) -> (String, Datasource) {
    (uid.to_owned(), Datasource { name: format!("The {kind}"), kind: kind.to_owned() })
}

/// The files of one side of a lint's corpus: `bad.yml` alone, or all in the folder `bad`.
fn files(lint: &str, side: &str) -> Vec<(String, String)> {
    let folder = corpus().join(lint).join(side);
    if !folder.is_dir() {
        let names = [format!("{side}.yml"), format!("{side}.yml.want")];
        let there = names.into_iter().map(|name| (corpus().join(lint).join(&name), name));
        return there.filter(|(path, _)| path.exists()).map(|(path, name)| (name, read(&path))).collect();
    }
    let entries = std::fs::read_dir(&folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names.into_iter().map(|name| (name.clone(), read(&folder.join(name)))).collect()
}

/// What a case says of itself, in `case.yml` beside its two sides.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// Its rules are all that there are.
    #[serde(default)]
    complete_rule_set: bool,
}

fn case(lint: &str) -> Case {
    let path = corpus().join(lint).join("case.yml");
    if path.exists() { serde_yaml::from_str(&read(&path)).unwrap() } else { Case::default() }
}

/// The facts around one side of the corpus.
fn facts(lint: &str, side: &str) -> Facts {
    let mut facts = Facts {
        contract: Some(Contract::parse(&read(&corpus().join("contract.prom")))),
        scrape_interval: Some(Duration::from_secs(15)),
        jobs: Some(set(&["shop", "prometheus", "alertmanager", "grafana"])),
        backend_jobs: set(&["shop"]),
        target_labels: Some(set(&["job", "instance"])),
        runbooks: Some(set(&["Shop"])),
        is_complete_rule_set: case(lint).complete_rule_set,
        alertmanager_paths: Some(set(&["/etc/alertmanager/secrets/slack"])),
        notification_templates: Some(Vec::new()),
        dashboards: Some(Vec::new()),
        datasources: Some(BTreeMap::from([
            datasource("prom", "prometheus"),
            datasource("am", "alertmanager"),
        ])),
        ..Facts::default()
    };
    for (name, text) in files(lint, side) {
        add(&mut facts, &name, text);
    }
    facts
}

fn add(facts: &mut Facts, name: &str, text: String) {
    match name.rsplit_once('.') {
        Some((_, "tmpl")) => {
            facts.alertmanager_paths.as_mut().unwrap().insert(format!("/etc/alertmanager/templates/{name}"));
            facts.notification_templates.as_mut().unwrap().push(Source::new(name, text));
        }
        Some((_, "json")) => facts.dashboards.as_mut().unwrap().push(Dashboard::read(name, text)),
        Some((_, "want")) => {}
        Some(("confidexmon", _)) => facts.settings_file = Some(Source::new(name, text)),
        Some(("prometheus" | "datasources", _)) => {
            let is_grafana = name.starts_with("datasources");
            let service = if is_grafana { ServiceKind::Grafana } else { ServiceKind::Prometheus };
            facts.service_files.push(ServiceFile::new(service, Source::new(name, text), None));
        }
        Some(("alertmanager", _)) => facts.alertmanagers.push(AlertmanagerFile::read(name, text)),
        Some((_, "rules")) => facts
            .unread_rule_files
            .extend(Some(RuleFile::parse(name, text)).filter(|file| file.rules().next().is_some())),
        Some(("tests", _)) => facts.rule_tests.push(RuleTestFile::parse(name, text)),
        _ => facts.rule_files.push(RuleFile::parse(name, text)),
    }
}

type Mark = (String, usize, usize, String);

/// Every `# want <id> <column>` of a file with its line; column 0 means the whole file. A mark on a line
/// of its own, `# want-next <id> <column>`, stands for the line after it.
fn wanted(name: &str, text: &str) -> BTreeSet<Mark> {
    // Where no comment can be written, the marks, `<line> <column> <id>`, lie beside the file.
    if let Some(name) = name.strip_suffix(".want") {
        let mark = |line: &str| {
            let mut words = line.split(' ');
            let mut number = || words.next()?.parse().ok();
            Some((name.to_owned(), number()?, number()?, words.next()?.to_owned()))
        };
        return text.lines().filter_map(mark).collect();
    }
    let marker = |(index, line): (usize, &str)| {
        let (offset, rest) = match line.split_once("# want-next ") {
            Some((_, rest)) => (2, rest),
            None => (1, line.split_once("# want ")?.1),
        };
        let (id, column) = rest.split_once(' ')?;
        let column = column.split_whitespace().next()?.parse().ok()?;
        Some((name.to_owned(), if column == 0 { 0 } else { index + offset }, column, id.to_owned()))
    };
    text.lines().enumerate().filter_map(marker).collect()
}

#[test]
fn each_planted_mistake_is_found_at_its_place() {
    let mut wrong = Vec::new();
    for lint in lints::ALL {
        let found: BTreeSet<Mark> = run(&facts(lint.id, "bad"))
            .into_iter()
            .filter(|finding| finding.id == lint.id)
            .map(|finding| {
                (finding.place.file, finding.place.line, finding.place.column, finding.id.to_owned())
            })
            .collect();
        let wanted: BTreeSet<Mark> =
            files(lint.id, "bad").iter().flat_map(|(name, text)| wanted(name, text)).collect();
        if found.is_empty() || found != wanted {
            wrong.push((lint.id, found, wanted));
        }
    }
    assert!(wrong.is_empty(), "id, found, wanted: {wrong:#?}");
}

#[test]
fn the_fixed_twins_are_clean() {
    let twins = lints::ALL
        .iter()
        .flat_map(|lint| run(&facts(lint.id, "good")).into_iter().map(move |found| (lint, found)));
    // A twin may have what is only mentioned, but nothing of its own lint at that lint's severity.
    let wrong: Vec<_> = twins
        .filter(|(lint, found)| {
            found.severity > Severity::Info || found.id == lint.id && found.severity == lint.severity
        })
        .map(|(_, found)| found)
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// With all receivers, with some and with none: what is shipped has nothing to fix.
#[test]
fn the_shipped_project_is_clean() {
    let all = shipped::ALL_RECEIVERS;
    let webhook = ("ALERT_WEBHOOK_URL", "https://example.test/hook");
    for variables in
        [&all[..], &all[..1], &all[1..2], &all[2..], &[], &[webhook], &[webhook, all[0]], &[webhook, all[2]]]
    {
        let findings = run(&shipped::facts(variables));
        let names: Vec<_> = variables.iter().map(|(name, _)| *name).collect();
        let wrong: Vec<_> = findings.iter().filter(|finding| finding.severity > Severity::Info).collect();
        assert!(wrong.is_empty(), "{names:?}: {wrong:#?}");
        if variables.len() == 3 || variables.is_empty() {
            assert_eq!(findings, [], "{names:?}");
        }
    }
}

/// A pager alone is told of nothing that is only a warning, and the user is told so, once.
#[test]
fn what_nobody_hears_of_is_told() {
    let told = |variables: &[(&str, &str)]| -> Vec<_> {
        run(&shipped::facts(variables)).into_iter().filter(|f| f.id == "empty-receiver").collect()
    };
    let found = told(&shipped::ALL_RECEIVERS[2..]);
    let [finding] = &found[..] else { panic!("{found:#?}") };
    assert_eq!(finding.severity, Severity::Info);
    assert!(finding.message.contains("nobody-is-notified"), "{}", finding.message);
    assert!(finding.place.file.ends_with("config/templates/alertmanager.yml"), "{}", finding.place.file);
    let template = &crate::render::ProjectFiles::embedded().config["templates/alertmanager.yml"].text;
    let line = template.lines().nth(finding.place.line - 1).unwrap();
    assert_eq!(line.trim(), "- name: nobody-is-notified", "line {}", finding.place.line);
    assert_eq!(told(&[]), []);
}

#[test]
fn each_of_several_configurations_is_checked() {
    let text = |severity: &str| {
        format!(
            "route: {{receiver: a, routes: [{{matchers: [severity={severity}], receiver: b}}]}}\nreceivers: [{{name: a}}]\n"
        )
    };
    let facts = Facts {
        alertmanagers: ["x", "y"].map(|name| AlertmanagerFile::read(name, text(name))).into(),
        ..Facts::default()
    };
    let found = run(&facts);
    let missing: Vec<_> =
        found.iter().filter(|f| f.id == "missing-receiver").map(|f| f.place.file.as_str()).collect();
    assert_eq!(missing, ["x", "y"], "{found:#?}");
}

#[test]
fn every_folder_of_the_corpus_is_a_lint() {
    for entry in std::fs::read_dir(corpus()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        assert!(entry.path().is_file() || lints::ALL.iter().any(|lint| lint.id == name), "{name}");
    }
}

#[test]
fn ids_are_file_names_and_unique() {
    let mut seen = BTreeSet::new();
    for lint in lints::ALL {
        assert!(seen.insert(lint.id), "{} twice", lint.id);
        assert!(!lint.doc.is_empty() && lint.doc.ends_with('.'), "{}", lint.id);
    }
}

#[test]
fn marks_without_a_line_are_right_too() {
    let lines = |id| {
        run(&facts(id, "bad")).into_iter().filter(|f| f.id == id).map(|f| f.place.line).collect::<Vec<_>>()
    };
    assert_eq!(lines("unwatched-stack"), [0, 0, 0, 0]);
    assert_eq!(lines("bad-ignore"), [1, 13]);
    assert!(lines("unreadable-rules") >= vec![3]);
}

#[test]
fn generated_rules_are_not_looked_into_for_ever() {
    let mut text = "groups:\n- name: g\n  rules:\n".to_owned();
    for level in 0..5 {
        for number in 0..40 {
            let next = level + 1;
            text += &format!(
                "  - {{record: 'lvl{level}:x', expr: 'lvl{next}:x + lvl{next}:x', labels: {{n: '{number}'}}}}\n"
            );
        }
    }
    text += "  - {alert: A, expr: lvl0:x > 1, labels: {severity: critical}}\n";
    let terms: Vec<_> = (0..450).map(|number| format!("x{{l{number}=\"1\"}}")).collect();
    text += &format!("  - {{alert: B, expr: '{} > 1'}}\n", terms.join(" + "));
    let routing =
        "route: {receiver: a, routes: [{matchers: ['team=\"x\"'], receiver: a}]}\nreceivers: [{name: a}]\n";
    let facts = Facts {
        rule_files: vec![RuleFile::parse("r.yml", text)],
        alertmanagers: vec![AlertmanagerFile::read("a.yml", routing)],
        ..facts("no-comparison", "good")
    };
    let began = std::time::Instant::now();
    run(&facts);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}
