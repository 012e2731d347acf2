//! `# confidexmon: ignore <id> <reason>` on the line of a finding or on the line before it. At the head of
//! a file it also stands for what concerns the whole file. JSON has no comments, so there a text holds
//! it, such as `"//": "# confidexmon: ignore panel-unit counts"`; in a template a `{{/* … */}}` does.

use crate::check::finding::{Finding, Severity};
use crate::formats::yaml::source::{Position, Source};
use crate::model::Place;

const MARKER: &str = "# confidexmon: ignore";

/// A comment that silences one lint on its own line and on the next line that is not such a comment.
#[derive(Debug, PartialEq, Eq)]
pub struct Ignore {
    pub place: Position,
    pub id: String,
    pub reason: String,
    /// The other line that it covers.
    covers: usize,
    /// Nothing but comments stands before it.
    at_head: bool,
}

/// All such comments of a file.
pub fn ignores(source: &Source) -> Vec<Ignore> {
    if !source.text.contains(MARKER) {
        return Vec::new();
    }
    let is_json = source.path.ends_with(".json");
    let is_comment = |line: usize| {
        let text = source.line(line).trim_start();
        let inner = text.strip_prefix("{{").map_or(text, |rest| rest.trim_start_matches(['-', ' ']));
        let inner = inner.strip_prefix("/*").map_or(inner, str::trim_start);
        inner.starts_with(MARKER) || is_json && text.contains(MARKER)
    };
    let is_head = |line: usize| {
        let text = source.line(line).trim();
        text.is_empty() || text.starts_with('#') || text.starts_with("---")
    };
    let first = (1..=source.line_count()).find(|line| !is_head(*line)).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    for line in 1..=source.line_count() {
        let text = source.line(line);
        let Some(at) = text.find(MARKER) else { continue };
        let rest = text[at + MARKER.len()..].trim();
        let rest = rest.split(if is_json { "\"" } else { "*/" }).next().unwrap_or(rest).trim();
        let (id, reason) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let covers = if is_comment(line) {
            (line + 1..=source.line_count()).find(|next| !is_comment(*next)).unwrap_or(line)
        } else {
            line
        };
        let place = Position { line, column: text[..at].chars().count() + 1 };
        found.push(Ignore {
            place,
            id: id.to_owned(),
            reason: reason.trim().to_owned(),
            covers,
            at_head: line < first,
        });
    }
    found
}

/// Takes the silenced findings of this file away, and adds one for each comment that silences nothing properly.
pub fn apply(source: &Source, known: &dyn Fn(&str) -> bool, findings: &mut Vec<Finding>) {
    let ignores = ignores(source);
    if ignores.is_empty() {
        return;
    }
    let valid = |ignore: &&Ignore| known(&ignore.id) && !ignore.reason.is_empty();
    findings.retain(|finding| {
        finding.place.file != source.path
            || !ignores.iter().filter(valid).any(|ignore| ignore.silences(finding))
    });
    findings
        .extend(ignores.iter().filter(|ignore| !valid(ignore)).map(|ignore| ignore.complaint(source, known)));
}

impl Ignore {
    fn silences(&self, finding: &Finding) -> bool {
        let same_place = finding.place.line == self.place.line || finding.place.line == self.covers;
        self.id == finding.id && (same_place || finding.place.line == 0 && self.at_head)
    }

    fn complaint(&self, source: &Source, known: &dyn Fn(&str) -> bool) -> Finding {
        let message = if known(&self.id) {
            format!("`ignore {}` gives no reason, so it silences nothing", self.id)
        } else {
            format!("there is no lint `{}`, so this comment silences nothing", self.id)
        };
        let place =
            Place { file: source.path.clone(), line: self.place.line, column: self.place.column, length: 0 };
        Finding::new("bad-ignore", Severity::Warning, place, message)
            .fix("write `# confidexmon: ignore <id> <reason>`; `<id>` is the name in brackets of the finding")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(line: usize) -> Finding {
        let place = Place { line, column: 1, ..Place::file("f") };
        Finding::new("no-for", Severity::Warning, place, "")
    }

    fn left(text: &str) -> Vec<(&'static str, usize)> {
        let mut findings = (1..=4).map(finding).collect();
        apply(&Source::new("f", text), &|id| id == "no-for" || id == "other", &mut findings);
        findings.iter().map(|f| (f.id, f.place.line)).collect()
    }

    #[test]
    fn silences_its_own_line_and_the_next() {
        let all = [("no-for", 1), ("no-for", 2), ("no-for", 3), ("no-for", 4)];
        assert_eq!(left("a\nb\nc\nd\n"), all);
        assert_eq!(left("a\n  # confidexmon: ignore no-for it is a probe\nc\nd\n"), [all[0], all[3]]);
        assert_eq!(left("a\nb # confidexmon: ignore no-for why\nc\n"), [all[0], all[2], all[3]]);
        let stacked = "# confidexmon: ignore other x\n# confidexmon: ignore no-for x\nc\nd";
        assert_eq!(left(stacked), [all[0], all[3]]);
    }

    #[test]
    fn without_reason_or_with_an_unknown_id_it_is_a_finding() {
        assert_eq!(left("# confidexmon: ignore no-for\nb\n").last(), Some(&("bad-ignore", 1)));
        assert_eq!(left("# confidexmon: ignore nofor because\nb\n").len(), 5);
        assert_eq!(left("# confidexmon: ignore\nb\n").len(), 5);
    }

    #[test]
    fn every_kind_of_file_can_hold_one() {
        let left = |path: &str, text: &str| {
            let at =
                |line| Finding { place: Place { line, column: 1, ..Place::file(path) }, ..finding(line) };
            let mut findings = vec![at(0), at(2)];
            apply(&Source::new(path, text), &|id| id == "no-for", &mut findings);
            findings.iter().map(|f| (f.id, f.place.line)).collect::<Vec<_>>()
        };
        let both = [("no-for", 0), ("no-for", 2)];
        assert_eq!(left("f", "a:\n  b: c\n"), both);
        assert_eq!(left("f", "# a\n# confidexmon: ignore no-for r\na:\n"), []);
        assert_eq!(left("f", "a:\n# confidexmon: ignore no-for r\nb:\n"), [("no-for", 0)]);
        let json = "{\"//\": \"# confidexmon: ignore no-for r\",\n\"title\": \"a\"}\n";
        assert_eq!(left("f.json", json), [("no-for", 0)]);
        let without_reason = json.replace(" r\"", "\"");
        assert_eq!(left("f.json", &without_reason), [("no-for", 0), ("no-for", 2), ("bad-ignore", 1)]);
        let template = "{{/* # confidexmon: ignore no-for r */}}\n{{ define \"x\" }}{{ end }}\n";
        assert_eq!(left("f.tmpl", template), [("no-for", 0)]);
    }
}
