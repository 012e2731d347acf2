//! What a reload changed, rule by rule, as the running Prometheus tells it before and after.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::net::prometheus::{LoadedGroup, LoadedRule};

/// Old and new rule counts, and the rules in which they differ.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RulesDiff {
    pub before: usize,
    pub after: usize,
    pub added: Vec<String>,
    pub changed: Vec<ChangedRule>,
    pub removed: Vec<String>,
}

/// A rule of one name that is another one now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChangedRule {
    pub name: String,
    /// What differs: `expr`, `for 2m → 5m`, `labels`, `annotations`, `group`.
    pub what: Vec<String>,
}

/// Names that are said of rules that went.
const MOST_NAMED: usize = 4;

impl RulesDiff {
    /// What to warn of when there are fewer rules than before: a file that was moved or lost looks like any other
    /// change, and what does not fire is not missed.
    pub fn lost(&self) -> Option<String> {
        let gone =
            self.before.checked_sub(self.after).filter(|gone| *gone > 0 && !self.removed.is_empty())?;
        let named: Vec<&str> = self.removed.iter().take(MOST_NAMED).map(String::as_str).collect();
        let more = match self.removed.len() - named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let rules = if gone == 1 { "1 rule less is".to_owned() } else { format!("{gone} rules less are") };
        Some(format!(
            "{rules} in force than before ({} → {}): {}{more} went; if that was not meant, put the file back and reload",
            self.before,
            self.after,
            named.join(", ")
        ))
    }
}

/// File and group, to tell rules of one name apart.
type Place<'a> = (&'a str, &'a str);

/// Compares what was loaded with what is.
pub fn between(before: &[LoadedGroup], after: &[LoadedGroup]) -> RulesDiff {
    let mut diff = RulesDiff { before: count(before), after: count(after), ..RulesDiff::default() };
    let (old, mut new) = (by_name(before), by_name(after));
    for (name, old_rules) in old {
        let (mut gone, mut come) = (old_rules, new.remove(name).unwrap_or_default());
        // Rules that are the same on both sides are no news; those left over are paired in order.
        gone.retain(|rule| match come.iter().position(|other| same(rule, other)) {
            Some(at) => {
                come.remove(at);
                false
            }
            None => true,
        });
        let pairs = gone.len().min(come.len());
        for (was, is) in gone.iter().zip(&come) {
            diff.changed.push(ChangedRule { name: name.to_owned(), what: differences(was, is) });
        }
        diff.removed.extend(gone.iter().skip(pairs).map(|_| name.to_owned()));
        diff.added.extend(come.iter().skip(pairs).map(|_| name.to_owned()));
    }
    diff.added.extend(new.into_iter().flat_map(|(name, rules)| rules.into_iter().map(|_| name.to_owned())));
    diff
}

fn count(groups: &[LoadedGroup]) -> usize {
    groups.iter().map(|group| group.rules.len()).sum()
}

fn by_name(groups: &[LoadedGroup]) -> BTreeMap<&str, Vec<(Place<'_>, &LoadedRule)>> {
    let mut names: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for group in groups {
        for rule in &group.rules {
            names.entry(&rule.name).or_default().push(((group.file.as_str(), group.name.as_str()), rule));
        }
    }
    names
}

fn same(one: &(Place<'_>, &LoadedRule), other: &(Place<'_>, &LoadedRule)) -> bool {
    differences(one, other).is_empty()
}

fn differences(was: &(Place<'_>, &LoadedRule), is: &(Place<'_>, &LoadedRule)) -> Vec<String> {
    let (((_, old_group), old), ((_, new_group), new)) = (was, is);
    let mut what = Vec::new();
    if old.query != new.query {
        what.push("expr".to_owned());
    }
    if (old.duration - new.duration).abs() > f64::EPSILON {
        what.push(format!("for {} → {}", seconds(old.duration), seconds(new.duration)));
    }
    if (old.keep_firing_for - new.keep_firing_for).abs() > f64::EPSILON {
        let (from, to) = (seconds(old.keep_firing_for), seconds(new.keep_firing_for));
        what.push(format!("keep_firing_for {from} → {to}"));
    }
    if old.labels != new.labels {
        what.push("labels".to_owned());
    }
    if old.annotations != new.annotations {
        what.push("annotations".to_owned());
    }
    if old.kind != new.kind {
        what.push(format!("{} → {} rule", old.kind, new.kind));
    }
    if was.0 != is.0 {
        what.push(if old_group == new_group { "file".to_owned() } else { "group".to_owned() });
    }
    what
}

/// `90s`, `5m`, `2h`: as rule files write durations.
fn seconds(duration: f64) -> String {
    match duration {
        whole if whole >= 3600.0 && whole % 3600.0 == 0.0 => format!("{}h", whole / 3600.0),
        whole if whole >= 60.0 && whole % 60.0 == 0.0 => format!("{}m", whole / 60.0),
        other => format!("{other}s"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn group(name: &str, rules: &[(&str, &str, f64)]) -> LoadedGroup {
        let rules = rules.iter().map(|(name, query, duration)| {
            serde_json::json!({"name": name, "type": "alerting", "query": query, "duration": duration})
        });
        serde_json::from_value(serde_json::json!({
            "name": name, "file": "/etc/prometheus/rules/a.yml", "rules": rules.collect::<Vec<_>>()
        }))
        .unwrap()
    }

    #[test]
    fn rules_are_added_changed_and_removed_by_name() {
        let before =
            [group("g", &[("Kept", "a > 1", 60.0), ("Gone", "b > 1", 0.0), ("Moved", "c > 1", 120.0)])];
        let after =
            [group("g", &[("Moved", "c > 2", 300.0), ("Kept", "a > 1", 60.0), ("New", "d > 1", 0.0)])];
        let diff = between(&before, &after);
        assert_eq!((diff.before, diff.after), (3, 3));
        assert_eq!((diff.added, diff.removed), (vec!["New".to_owned()], vec!["Gone".to_owned()]));
        let what = vec!["expr".to_owned(), "for 2m → 5m".to_owned()];
        assert_eq!(diff.changed, [ChangedRule { name: "Moved".to_owned(), what }]);
    }

    #[test]
    fn fewer_rules_than_before_are_warned_of_and_a_new_name_is_not() {
        let all = [group("g", &["A", "B", "C", "D", "E", "F"].map(|name| (name, "x", 0.0)))];
        let lost = between(&all, &[group("g", &[("A", "x", 0.0)])]).lost().unwrap();
        assert!(
            lost.starts_with("5 rules less are in force than before (6 → 1): B, C, D, E and 1 more went"),
            "{lost}"
        );
        let renamed = [group("g", &["Z", "B", "C", "D", "E", "F"].map(|name| (name, "x", 0.0)))];
        assert_eq!(between(&all, &renamed).lost(), None);
        assert_eq!(between(&[], &all).lost(), None);
    }

    #[test]
    fn one_of_two_rules_of_a_name_can_go() {
        let before = [group("g", &[("Twin", "a > 1", 0.0), ("Twin", "a > 2", 0.0)])];
        let after = [group("g", &[("Twin", "a > 2", 0.0)])];
        let diff = between(&before, &after);
        assert_eq!((diff.removed, diff.changed), (vec!["Twin".to_owned()], vec![]));
    }

    #[test]
    fn a_rule_that_moved_to_another_group_is_changed() {
        let diff = between(&[group("g", &[("A", "a", 0.0)])], &[group("h", &[("A", "a", 0.0)])]);
        assert_eq!(diff.changed[0].what, ["group"]);
        assert_eq!(between(&[], &[]), RulesDiff::default());
    }
}
