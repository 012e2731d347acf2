//! `amtool check-config`: the first thing that it refuses, on stdout.
//!
//! ```text
//! Checking '/etc/alertmanager/alertmanager.yml'  FAILED: yaml: unmarshal errors:
//!   line 3: field foo not found in type config.plain
//! ```

use crate::check::finding::Finding;
use crate::check::validators::rendered::Rendered;
use crate::check::validators::{AMTOOL, bug};
use crate::formats::yaml::source::Position;

/// Templates by the name that amtool shows (the file's base name).
pub type Templates<'a> = Vec<(&'a str, Rendered<'a>)>;

/// Findings for everything that it refused. Empty means that it accepted all of it.
pub fn findings(
    config: &Rendered<'_>,
    templates: &Templates<'_>,
    exit_code: i64,
    stdout: &str,
    stderr: &str,
) -> Vec<Finding> {
    if exit_code == 0 {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut failed = false;
    for line in stdout.lines() {
        if let Some((_, message)) = line.split_once("FAILED: ") {
            failed = true;
            if message != "yaml: unmarshal errors:" {
                found
                    .push(in_template(templates, message).unwrap_or_else(|| config.finding(AMTOOL, message)));
            }
        } else if failed {
            found.extend(config.at_line(AMTOOL, line));
        }
    }
    if found.is_empty() {
        let words = [stdout.trim(), stderr.trim()].join("\n");
        let message = format!("amtool refuses it: {}", words.trim());
        found.push(bug(AMTOOL, config.shown_as, Position::default(), message));
    }
    found
}

/// `template: a.tmpl:2: function "nofunc" not defined`
fn in_template(templates: &Templates<'_>, message: &str) -> Option<Finding> {
    let (name, rest) = message.strip_prefix("template: ")?.split_once(':')?;
    let (line, words) = rest.split_once(": ")?;
    let line = line.split(':').next().unwrap_or(line);
    let (_, template) = templates.iter().find(|(known, _)| *known == name)?;
    template.at_line(AMTOOL, &format!("line {line}: {words}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn each_kind_of_refusal_finds_its_place() {
        let config = Rendered::plain("am.yml", "route:\n  receiver: nope\n  foo: 1\n");
        let text = "{{ define \"a\" }}\n{{ nofunc }}\n{{ end }}\n";
        let templates = vec![("a.tmpl", Rendered::plain("config/notifications/a.tmpl", text))];
        let findings_in = |stdout: &str| {
            let found =
                findings(&config, &templates, 1, stdout, "amtool: error: failed to validate 1 file(s)");
            let first = found.into_iter().next().unwrap();
            (first.place.file, first.place.line)
        };
        let unknown = "Checking '/e/am.yml'  FAILED: yaml: unmarshal errors:\n  line 3: field foo not found in type config.plain\n";
        assert_eq!(findings_in(unknown), ("am.yml".to_owned(), 3));
        let receiver = "Checking '/e/am.yml'  FAILED: undefined receiver \"nope\" used in route\n";
        assert_eq!(findings_in(receiver), ("am.yml".to_owned(), 2));
        let template = "Checking '/e/am.yml'  SUCCESS\nFound:\n - route\n  FAILED: template: a.tmpl:2: function \"nofunc\" not defined\n";
        assert_eq!(findings_in(template), ("config/notifications/a.tmpl".to_owned(), 2));
        assert_eq!(findings_in("something new"), ("am.yml".to_owned(), 0));
    }
}
