//! `promtool check config` and `check rules`: what they print about a file that they refuse.
//!
//! ```text
//!   FAILED:
//! /etc/prometheus/rules/a.yml: 5:15: group "g", rule 1, "A": could not parse expression: 1:7: parse error: …
//! /etc/prometheus/rules/b.yml: yaml: unmarshal errors:
//!   line 5: field foo not found in type rulefmt.Rule
//!   FAILED: parsing YAML file /etc/prometheus/prometheus.yml: …
//! ```

use std::collections::BTreeMap;

use crate::check::finding::Finding;
use crate::check::validators::rendered::Rendered;
use crate::check::validators::{PROMTOOL, bug};
use crate::formats::label_map::Fields;
use crate::formats::rule_file::{Group, Rule, RuleFile};
use crate::formats::yaml::source::{Position, Source};

/// What was checked: paths in the container and what the user knows them as.
#[derive(Debug, Default)]
pub struct Validated<'a> {
    pub rules: BTreeMap<String, &'a RuleFile>,
    /// The configuration itself, unless rule files were checked alone.
    pub config: Option<Rendered<'a>>,
}

/// Findings for everything it refused. Empty means that it accepted all of it.
pub fn findings(checked: &Validated<'_>, exit_code: i64, stdout: &str, stderr: &str) -> Vec<Finding> {
    if exit_code == 0 {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut current: Option<&RuleFile> = None;
    for line in stderr.lines() {
        if let Some((file, message)) = checked.rule_message(line) {
            current = Some(file);
            found.extend(rule_finding(file, message));
        } else if let (Some(file), Some(finding)) =
            (current, current.and_then(|file| at_line(&file.source, line)))
        {
            found.push(of_rule_at(file, finding));
        } else if let Some(message) =
            line.trim().strip_prefix("FAILED:").filter(|rest| !rest.trim().is_empty())
        {
            current = None;
            found.extend(checked.config_finding(message.trim()));
        } else if let Some(config) = checked.config.as_ref().filter(|_| current.is_none()) {
            found.extend(config.at_line(PROMTOOL, line));
        }
    }
    found.dedup();
    if found.is_empty() {
        // Words of a future promtool: better shown as they are than lost.
        let words = [stdout.trim(), stderr.trim()].join("\n");
        let file = checked.config.as_ref().map_or("rules", |config| config.shown_as);
        found.push(bug(
            PROMTOOL,
            file,
            Position::default(),
            format!("promtool refuses it: {}", words.trim()),
        ));
    }
    found
}

impl<'a> Validated<'a> {
    fn rule_message<'l>(&self, line: &'l str) -> Option<(&'a RuleFile, &'l str)> {
        self.rules.iter().find_map(|(path, file)| {
            line.strip_prefix(path.as_str())?.strip_prefix(": ").map(|message| (*file, message))
        })
    }

    /// The heading of unmarshal errors says nothing by itself: their lines follow.
    fn config_finding(&self, message: &str) -> Option<Finding> {
        let config = self.config.as_ref()?;
        let message = message
            .strip_prefix("parsing YAML file ")
            .and_then(|rest| rest.split_once(": "))
            .map_or(message, |(_, rest)| rest);
        if message == "yaml: unmarshal errors:" {
            return None;
        }
        Some(config.finding(PROMTOOL, message))
    }
}

/// `  line 5: field foo not found in type rulefmt.Rule`
fn at_line(source: &Source, line: &str) -> Option<Finding> {
    let (number, message) = line.trim().strip_prefix("line ")?.split_once(": ")?;
    let number: usize = number.parse().ok()?;
    let text = source.line(number);
    let column = text.chars().take_while(|c| c.is_whitespace() || *c == '-').count() + 1;
    let place = Position { line: number, column };
    Some(bug(PROMTOOL, &source.path, place, format!("promtool refuses it: {message}")))
}

/// Names the alert that the line lies in.
fn of_rule_at(file: &RuleFile, finding: Finding) -> Finding {
    let before = |rule: &&Rule| rule.name.place(&file.source).line <= finding.place.line;
    let rule = file.rules().map(|(_, rule)| rule).filter(before).last();
    named(finding, rule)
}

fn named(finding: Finding, rule: Option<&Rule>) -> Finding {
    match rule {
        Some(rule) if rule.is_alert() => finding.alert(&rule.name.value),
        _ => finding,
    }
}

fn rule_finding(file: &RuleFile, message: &str) -> Option<Finding> {
    if message == "yaml: unmarshal errors:" {
        return None;
    }
    let (position, text) = positions(message);
    let (rule, words) = match located(file, text) {
        Some((rule, words)) => (Some(rule), words),
        None => (None, text),
    };
    let place = rule
        .and_then(|rule| place_in_rule(file, rule, words))
        .or_else(|| position.filter(|place| place.line > 0))
        .or_else(|| rule.map(|rule| rule.name.place(&file.source)).filter(|place| place.line > 1))
        .or_else(|| whole_file(file, text))
        .unwrap_or_default();
    let finding = bug(PROMTOOL, &file.source.path, place, format!("promtool refuses it: {words}"));
    Some(named(finding, rule))
}

/// Leading `line:column: ` pairs; the last one is the most exact.
fn positions(message: &str) -> (Option<Position>, &str) {
    let (mut place, mut rest) = (None, message);
    while let Some((pair, after)) = rest.split_once(": ") {
        let Some((line, column)) = pair.split_once(':') else { break };
        let (Ok(line), Ok(column)) = (line.parse(), column.parse()) else { break };
        place = Some(Position { line, column });
        rest = after;
    }
    (place, rest)
}

/// `group "g", rule 2, "C": …` → that rule and the rest.
fn located<'a, 'm>(file: &'a RuleFile, text: &'m str) -> Option<(&'a Rule, &'m str)> {
    let (group, rest) = text.strip_prefix("group \"")?.split_once("\", rule ")?;
    let (number, rest) = rest.split_once(", \"")?;
    let number: usize = number.parse().ok()?;
    let has = |candidate: &&Group| candidate.name.value == group && candidate.rules.len() >= number;
    let group = file.groups.iter().find(has)?;
    let rule = group.rules.get(number.checked_sub(1)?)?;
    // The name may hold anything, quotes and colons included.
    let words = rest.strip_prefix(&rule.name.value)?.strip_prefix("\": ")?;
    Some((rule, words))
}

fn place_in_rule(file: &RuleFile, rule: &Rule, words: &str) -> Option<Position> {
    let source = &file.source;
    if let Some(error) = words.strip_prefix("could not parse expression: ") {
        let (within, _) = positions(error);
        return Some(rule.expr.place_of(source, within.map_or(0, |at| offset(&rule.expr.value, at))));
    }
    let text = |prefix: &str, texts: &Fields| {
        let name = words.strip_prefix(prefix)?.split_once('"')?.0;
        texts.get(name).map(|scalar| scalar.place(source))
    };
    text("annotation \"", &rule.annotations).or_else(|| text("label \"", &rule.labels))
}

/// The byte that a line and column of an expression stand for; what is missing at the end is shown at
/// the last character.
fn offset(text: &str, at: Position) -> usize {
    let before: usize = text.split_inclusive('\n').take(at.line.saturating_sub(1)).map(str::len).sum();
    let last = text.trim_end().char_indices().last().map_or(0, |(at, _)| at);
    (before + at.column.saturating_sub(1)).min(last)
}

/// Messages that name no place: our own reading of the file may know it.
fn whole_file(file: &RuleFile, text: &str) -> Option<Position> {
    let quoted = crate::check::validators::quoted(text);
    if text.starts_with("yaml: ") {
        return file.problem.as_ref().map(|(place, _)| *place).or_else(|| yaml_line(text));
    }
    if text.contains("duration") {
        let wanted = text.rsplit('"').nth(1)?;
        let of_rule = |rule: &'_ Rule| [rule.hold.clone(), rule.keep_firing_for.clone()];
        let of_groups = file.groups.iter().filter_map(|group| group.interval.clone());
        let mut all = of_groups.chain(file.rules().flat_map(|(_, rule)| of_rule(rule)).flatten());
        return all.find(|scalar| scalar.value == wanted).map(|scalar| scalar.place(&file.source));
    }
    if text.starts_with("groupname: ") {
        let mut same = file.groups.iter().rev().filter(|group| Some(group.name.value.as_str()) == quoted);
        return same.next().map(|group| group.name.place(&file.source));
    }
    None
}

/// `yaml: line 3: did not find expected key`
fn yaml_line(text: &str) -> Option<Position> {
    let (number, _) = text.strip_prefix("yaml: line ")?.split_once(':')?;
    Some(Position { line: number.parse().ok()?, column: 0 })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const FILE: &str = "groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: sum(up\n      - alert: C\n        expr: |\n          up\n            == == 0\n        for: 5x\n        annotations:\n          summary: \"{{ nofunc $value }}\"\n  - name: g\n    rules: []\n";

    fn findings_in(stderr: &str) -> Vec<(usize, usize, Option<String>, String)> {
        let file = RuleFile::parse("rules/two.yml", FILE);
        let rules = BTreeMap::from([("/e/two.yml".to_owned(), &file)]);
        let found = findings(&Validated { rules, config: None }, 1, "", stderr);
        assert!(found.iter().all(|finding| finding.place.file == "rules/two.yml" || finding.place.line == 0));
        found.into_iter().map(|f| (f.place.line, f.place.column, f.alert, f.message)).collect()
    }

    /// The words are those of promtool 3.5.3.
    #[test]
    fn every_message_is_put_where_the_user_wrote_it() {
        let cases = [
            (
                "/e/two.yml: 5:15: group \"g\", rule 1, \"A\": could not parse expression: 1:7: parse error: unclosed left parenthesis",
                (5, 20),
                Some("A"),
            ),
            (
                "/e/two.yml: 7:15: group \"g\", rule 2, \"C\": could not parse expression: 2:6: parse error: unexpected <op:==>",
                (9, 16),
                Some("C"),
            ),
            (
                "/e/two.yml: group \"g\", rule 2, \"C\": annotation \"summary\": template: __alert_C:1: function \"nofunc\" not defined",
                (12, 20),
                Some("C"),
            ),
            ("/e/two.yml: unknown unit \"x\" in duration \"5x\"", (10, 14), None),
            ("/e/two.yml: 0:0: groupname: \"g\" is repeated in the same file", (13, 11), None),
            (
                "/e/two.yml: 5:17: 4:16: group \"g\", rule 1, \"A\": only one of 'record' and 'alert' must be set",
                (4, 16),
                Some("A"),
            ),
            (
                "/e/two.yml: 0:0: group \"g\", rule 1, \"A\": field 'expr' must be set in rule",
                (4, 16),
                Some("A"),
            ),
        ];
        for (words, place, alert) in cases {
            let found = findings_in(&format!("  FAILED:\n{words}\n{words}\n"));
            assert_eq!(found.len(), 1, "{words}: {found:?}");
            assert_eq!((found[0].0, found[0].1), place, "{words}");
            assert_eq!(found[0].2.as_deref(), alert, "{words}");
        }
    }

    #[test]
    fn unmarshal_errors_are_one_finding_a_line() {
        let words = "  FAILED:\n/e/two.yml: yaml: unmarshal errors:\n  line 5: field foo not found in type rulefmt.Rule\n  line 8: cannot unmarshal !!seq into string\n";
        let found: Vec<_> = findings_in(words).into_iter().map(|f| (f.0, f.1)).collect();
        assert_eq!(found, [(5, 9), (8, 11)]);
    }

    #[test]
    fn unknown_words_are_shown_and_success_is_silence() {
        assert!(findings_in("panic: something new").first().unwrap().3.contains("something new"));
        assert!(findings(&Validated::default(), 0, "", "whatever").is_empty());
    }
}
