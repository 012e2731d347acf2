//! What the rule files intend, in the shape in which a running Prometheus can confirm it.

use std::collections::{BTreeMap, BTreeSet};

use crate::formats::rule_file::RuleFile;
use crate::formats::yaml::first_document;
use crate::model::FileSet;

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

/// The intent of the rule files in a Prometheus file set.
pub fn of_files(set: &FileSet) -> Intent {
    let mut intent = Intent::default();
    for (path, file) in &set.files {
        if !path.contains("/rules/") {
            continue;
        }
        let text = String::from_utf8_lossy(file.bytes());
        let read = RuleFile::parse(path.as_str(), first_document(&text));
        if read.problem.is_some() {
            intent.unread.insert(path.clone());
            continue;
        }
        for group in read.groups {
            let names: Vec<String> =
                group.rules.into_iter().map(|rule| rule.name.value).filter(|name| !name.is_empty()).collect();
            if !names.is_empty() {
                intent.groups.insert((path.clone(), group.name.value), names);
            }
        }
    }
    intent
}

impl Intent {
    /// What a server says it holds: (file, group, names of its rules). Groups without rules are none.
    pub fn of_loaded(groups: impl IntoIterator<Item = (String, String, Vec<String>)>) -> Self {
        let some = groups.into_iter().filter(|(.., names)| !names.is_empty());
        let groups = some.map(|(file, group, names)| ((file, group), names)).collect();
        Self { groups, unread: BTreeSet::new() }
    }
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
