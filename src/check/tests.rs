//! The corpus of planted mistakes: each lint finds its own at the marked place, and nothing in the twin.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::contract::Contract;
use super::rule_file::RuleFile;
use super::rule_test::RuleTestFile;
use super::*;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mistakes")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The facts around one file of the corpus.
fn facts(lint: &str, file: &str) -> Facts {
    let text = read(&corpus().join(lint).join(file));
    let mut facts = Facts {
        contract: Some(Contract::parse(&read(&corpus().join("contract.prom")))),
        scrape_interval: Some(Duration::from_secs(15)),
        jobs: Some(set(&["shop", "prometheus", "alertmanager", "grafana"])),
        backend_jobs: set(&["shop"]),
        target_labels: Some(set(&["job", "instance"])),
        runbooks: Some(set(&["Shop"])),
        whole_set: matches!(lint, "silent-when-gone" | "unwatched-stack"),
        ..Facts::default()
    };
    if lint == "test-without-alert" {
        let rules = "groups:\n  - name: g\n    rules:\n      - alert: QueueLong\n        expr: shop_queue_length > 9\n        annotations: {summary: s, runbook: Shop}\n";
        facts.rule_files.push(RuleFile::parse("rules.yml", rules));
        facts.rule_tests.push(RuleTestFile::parse(file, text));
    } else {
        facts.rule_files.push(RuleFile::parse(file, text));
    }
    facts
}

/// Every `# want <id> <column>` of a file with its line; column 0 means the whole file.
fn wanted(text: &str) -> BTreeSet<(usize, usize, String)> {
    let marker = |(index, line): (usize, &str)| {
        let (id, column) = line.split_once("# want ")?.1.split_once(' ')?;
        let column = column.trim().parse().ok()?;
        Some((if column == 0 { 0 } else { index + 1 }, column, id.to_owned()))
    };
    text.lines().enumerate().filter_map(marker).collect()
}

/// Lints whose findings have no line to mark.
const WITHOUT_MARKS: [&str; 3] = ["unwatched-stack", "bad-ignore", "unreadable-rules"];

#[test]
fn each_planted_mistake_is_found_at_its_place() {
    let mut wrong = Vec::new();
    for lint in lints::ALL {
        let found: BTreeSet<_> = run(&facts(lint.id, "bad.yml"))
            .into_iter()
            .filter(|finding| finding.id == lint.id)
            .map(|finding| (finding.line, finding.column, finding.id.to_owned()))
            .collect();
        let wanted = wanted(&read(&corpus().join(lint.id).join("bad.yml")));
        if found.is_empty() || !(found == wanted || WITHOUT_MARKS.contains(&lint.id)) {
            wrong.push((lint.id, found, wanted));
        }
    }
    assert!(wrong.is_empty(), "id, found, wanted: {wrong:#?}");
}

#[test]
fn the_fixed_twins_are_clean() {
    let twins = lints::ALL
        .iter()
        .flat_map(|lint| run(&facts(lint.id, "good.yml")).into_iter().map(|found| (lint.id, found)));
    let wrong: Vec<_> = twins.filter(|(_, finding)| finding.severity > Severity::Info).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
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
        run(&facts(id, "bad.yml")).into_iter().filter(|f| f.id == id).map(|f| f.line).collect::<Vec<_>>()
    };
    assert_eq!(lines("unwatched-stack"), [0, 0, 0, 0]);
    assert_eq!(lines("bad-ignore"), [1, 13]);
    assert!(lines("unreadable-rules") >= vec![3]);
}
