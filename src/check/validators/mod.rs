//! The words of the official validators (promtool and amtool of the pinned images) as findings at the
//! user's own files and lines. Pure: running them is `apply::validators`.

pub mod amtool;
pub mod messages;
pub mod promtool;
pub mod rendered;

use crate::check::finding::{Finding, Severity};
use crate::formats::rule_file::RuleFile;
use crate::formats::yaml::source::Position;
use crate::model::Place;

/// The id of what Prometheus's own checker refuses.
pub const PROMTOOL: &str = "promtool";
/// The id of what Alertmanager's own checker refuses.
pub const AMTOOL: &str = "amtool";

/// One sentence about a validator's id.
pub fn doc(id: &str) -> Option<&'static str> {
    match id {
        PROMTOOL => Some("Prometheus's own checker refuses this, so Prometheus would not load it."),
        AMTOOL => Some("Alertmanager's own checker refuses this, so Alertmanager would not load it."),
        _ => None,
    }
}

fn bug(id: &'static str, file: &str, position: Position, message: String) -> Finding {
    let place = Place { file: file.to_owned(), line: position.line, column: position.column, length: 0 };
    Finding::new(id, Severity::Bug, place, message)
}

/// Puts the validator's findings to ours and says each thing once. `validated` are the rule files that
/// promtool has seen: it has the word on what can be read.
pub fn merge(findings: &mut Vec<Finding>, theirs: Vec<Finding>, checked: &[&RuleFile]) {
    let refused =
        |file: &str| theirs.iter().any(|finding| finding.id == PROMTOOL && finding.place.file == file);
    let seen = |file: &str| checked.iter().any(|rules| rules.source.path == file);
    findings.retain(|own| !(own.id == "unreadable-rules" && refused(&own.place.file)));
    for own in findings.iter_mut() {
        if own.id == "unreadable-rules" && seen(&own.place.file) {
            own.id = "not-linted";
            own.severity = Severity::Info;
            own.message = format!("promtool accepts this file, but it could not be linted: {}", own.message);
        }
    }
    findings.retain(|own| {
        own.id != "not-linted"
            || !theirs.iter().any(|other| other.place.file == own.place.file && same_rule(other, own))
    });
    let known = |other: &Finding| findings.iter().any(|own| says_the_same(own, other));
    let new: Vec<Finding> = theirs.into_iter().filter(|other| !known(other)).collect();
    findings.extend(new);
    sort(findings);
}

/// In the order of files and lines, each once.
pub fn sort(findings: &mut Vec<Finding>) {
    findings.sort_by(|a, b| a.order().cmp(&b.order()));
    // promtool reads a rule file twice, and says the same of both readings but for the letters of a type.
    findings.dedup_by(|next, one| {
        let same = next.message.eq_ignore_ascii_case(&one.message);
        same && (next.id, &next.place, &next.alert) == (one.id, &one.place, &one.alert)
    });
}

/// Both are about the expression of one rule: the validator's place may lie deeper in it than ours.
fn same_rule(theirs: &Finding, own: &Finding) -> bool {
    theirs.message.contains("parse error") && theirs.place.line >= own.place.line && theirs.alert == own.alert
}

/// Our own finding has the better place and a fix; it stays, when it is as bad as the validator says.
fn says_the_same(own: &Finding, theirs: &Finding) -> bool {
    if own.place.file == theirs.place.file && own.id == theirs.id {
        return own.place.line == theirs.place.line;
    }
    if own.place.file != theirs.place.file || own.severity != Severity::Bug {
        return false;
    }
    if theirs.id == PROMTOOL {
        return own.id == "template-error"
            && own.alert == theirs.alert
            && theirs.message.contains("template:");
    }
    own.place.line == theirs.place.line && own.place.line > 0
        || quoted(&theirs.message).is_some_and(|name| own.message.contains(name))
}

/// The first name in double quotes.
fn quoted(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once('"')?;
    rest.split_once('"').map(|(name, _)| name).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_promtool_says_of_two_readings_is_said_once() {
        let said =
            |text: &str| bug(PROMTOOL, "rules/a.yml", Position { line: 1, column: 1 }, text.to_owned());
        let mut all = vec![
            said("cannot unmarshal into rulefmt.RuleGroups"),
            said("cannot unmarshal into rulefmt.ruleGroups"),
        ];
        sort(&mut all);
        assert_eq!(all.len(), 1);
        all.push(said("another"));
        sort(&mut all);
        assert_eq!(all.len(), 2);
    }
}
