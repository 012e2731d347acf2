//! What the rule files intend, in the shape in which a running Prometheus can confirm it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::FileSet;
use crate::net::prometheus::LoadedGroup;

/// (file, group) → names of its rules in order, alerts and recordings alike.
pub type Intent = BTreeMap<(String, String), Vec<String>>;

#[derive(Deserialize)]
struct RuleFile {
    #[serde(default)]
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    name: String,
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Rule {
    #[serde(default)]
    alert: Option<String>,
    #[serde(default)]
    record: Option<String>,
}

/// The intent of the rule files in a Prometheus file set. A file that does not parse intends
/// nothing here; the judge has the word on it.
pub fn of_files(set: &FileSet) -> Intent {
    let mut intent = Intent::new();
    for (path, file) in &set.files {
        if !path.contains("/rules/") {
            continue;
        }
        let text = String::from_utf8_lossy(file.bytes());
        let Ok(parsed) = serde_yaml::from_str::<RuleFile>(&text) else { continue };
        for group in parsed.groups {
            let names = group.rules.into_iter().filter_map(|rule| rule.alert.or(rule.record)).collect();
            intent.insert((path.clone(), group.name), names);
        }
    }
    intent
}

/// What is loaded, in the same shape.
pub fn of_loaded(groups: &[LoadedGroup]) -> Intent {
    let named = |group: &LoadedGroup| group.rules.iter().map(|rule| rule.name.clone()).collect();
    groups.iter().map(|group| ((group.file.clone(), group.name.clone()), named(group))).collect()
}

/// How many rules an intent has.
pub fn rule_count(intent: &Intent) -> usize {
    intent.values().map(Vec::len).sum()
}

/// Groups and rules in which two intents differ, as a sentence; `None` when they agree.
pub fn difference(wanted: &Intent, loaded: &Intent) -> Option<String> {
    for ((file, group), names) in wanted {
        match loaded.get(&(file.clone(), group.clone())) {
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
    let extra = loaded.keys().find(|key| !wanted.contains_key(*key))?;
    Some(format!("the group `{}` of {} is loaded and not intended", extra.1, extra.0))
}
