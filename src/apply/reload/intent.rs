//! What the rule files intend, in the shape in which a running Prometheus can confirm it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::model::FileSet;
use crate::net::prometheus::LoadedGroup;

/// (file, group) → names of its rules in order, alerts and recordings alike. Groups without rules are
/// none: Prometheus does not tell of them.
type Groups = BTreeMap<(String, String), Vec<String>>;

/// The rules that a set of files intends, or that are loaded.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Intent {
    groups: Groups,
    /// Files that our reader cannot read. Prometheus's own may, and has the word.
    unread: BTreeSet<String>,
}

#[derive(Deserialize)]
struct RuleFile {
    #[serde(default)]
    groups: Option<Vec<Group>>,
}

#[derive(Deserialize)]
struct Group {
    name: String,
    #[serde(default)]
    rules: Option<Vec<Rule>>,
}

#[derive(Deserialize)]
struct Rule {
    #[serde(default)]
    alert: Option<String>,
    #[serde(default)]
    record: Option<String>,
}

/// The intent of the rule files in a Prometheus file set.
pub fn of_files(set: &FileSet) -> Intent {
    let mut intent = Intent::default();
    for (path, file) in &set.files {
        if !path.contains("/rules/") {
            continue;
        }
        let text = String::from_utf8_lossy(file.bytes());
        // A file of comments is read as nothing at all.
        let Ok(parsed) = serde_yaml::from_str::<Option<RuleFile>>(first_document(&text)) else {
            intent.unread.insert(path.clone());
            continue;
        };
        for group in parsed.and_then(|file| file.groups).unwrap_or_default() {
            let rules = group.rules.unwrap_or_default();
            let names: Vec<String> =
                rules.into_iter().filter_map(|rule| rule.alert.or(rule.record)).collect();
            if !names.is_empty() {
                intent.groups.insert((path.clone(), group.name), names);
            }
        }
    }
    intent
}

/// Prometheus reads the first YAML document of a file and no more.
fn first_document(text: &str) -> &str {
    // True once a separator ends the first document: behind its text, or behind its own separator.
    let mut begun = false;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let word = line.trim_end();
        let separates = word == "---" || word.starts_with("--- ") || word == "...";
        if separates && begun {
            return text.get(..at).unwrap_or(text);
        }
        begun |= !word.is_empty() && !word.starts_with(['#', '%']);
        at += line.len();
    }
    text
}

/// What is loaded, in the same shape.
pub fn of_loaded(groups: &[LoadedGroup]) -> Intent {
    let named = |group: &LoadedGroup| group.rules.iter().map(|rule| rule.name.clone()).collect();
    let some = groups.iter().filter(|group| !group.rules.is_empty());
    let groups = some.map(|group| ((group.file.clone(), group.name.clone()), named(group))).collect();
    Intent { groups, unread: BTreeSet::new() }
}

/// How many rules an intent has; a file that cannot be read counts as one, it may well have some.
pub fn rule_count(intent: &Intent) -> usize {
    intent.groups.values().map(Vec::len).sum::<usize>() + intent.unread.len()
}

/// Groups and rules in which two intents differ, as a sentence; `None` when they agree.
pub fn difference(wanted: &Intent, loaded: &Intent) -> Option<String> {
    for ((file, group), names) in &wanted.groups {
        match loaded.groups.get(&(file.clone(), group.clone())) {
            None => return Some(format!("the group `{group}` of {file} is not loaded")),
            Some(found) if found != names => {
                return Some(format!(
                    "the group `{group}` of {file} holds {} rules, {} are intended",
                    found.len(),
                    names.len()
                ));
            }
            Some(_) => {}
        }
    }
    let known = |key: &&(String, String)| wanted.groups.contains_key(*key) || wanted.unread.contains(&key.0);
    let extra = loaded.groups.keys().find(|key| !known(key))?;
    Some(format!("the group `{}` of {} is loaded and not intended", extra.1, extra.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RenderedFile;

    const RULES: &str = "groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: up\n";

    fn intent(text: &str) -> Intent {
        let mut set = FileSet::new("/p", 0, 0);
        set.insert(RenderedFile::plain("/p/rules/a.yml", text));
        of_files(&set)
    }

    #[test]
    fn groups_without_rules_and_later_documents_are_not_loaded_so_not_intended() {
        let plain = intent(RULES);
        assert_eq!(rule_count(&plain), 1);
        assert_eq!(intent(&format!("{RULES}  - name: e\n    rules: []\n  - name: f\n")), plain);
        let other = RULES.replace("alert: A", "alert: B");
        assert_eq!(intent(&format!("# top\n---\n{RULES}---\n{other}")), plain);
        assert_eq!(intent(&format!("--- {{groups: []}}\n---\n{RULES}")), Intent::default());
        assert_eq!(intent(&format!("---\n---\n{RULES}")), Intent::default());
        for empty in ["", "# nothing\n", "groups:\n", "groups: []\n", "\u{feff}groups: []\n"] {
            assert_eq!(intent(empty), Intent::default(), "{empty:?}");
        }
    }

    #[test]
    fn what_we_cannot_read_is_left_to_prometheus() {
        let unread = intent("groups: {\n");
        assert_eq!((rule_count(&unread), difference(&unread, &intent(RULES))), (1, None));
        let none = intent("");
        assert!(difference(&none, &intent(RULES)).is_some_and(|told| told.contains("not intended")));
        assert!(difference(&intent(RULES), &none).is_some_and(|told| told.contains("not loaded")));
    }
}
