//! From a place in a rendered file back to the template's line.

use crate::check::validators::rendered::Rendered;
use crate::formats::yaml::source::{Position, Source};

/// The template's place for a place of its output; `None` where that cannot be told.
pub(super) fn template_place(rendered: &Source, place: Position, template: &Source) -> Option<Position> {
    let both = Rendered { shown_as: &template.path, template: &template.text, text: &rendered.text };
    let line = rendered.line(place.line);
    if line.trim().is_empty() {
        return None;
    }
    let there = both.template_line(place.line)?;
    let wanted = template.line(there);
    // Only a line that was copied has the same columns.
    let shift = if wanted.trim() == line.trim() { place.column.saturating_sub(indent(line)) } else { 1 };
    Some(Position { line: there, column: (indent(wanted) + shift).max(1) })
}

fn indent(line: &str) -> usize {
    line.chars().take_while(|c| c.is_whitespace()).count()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::formats::alertmanager::AlertmanagerFile;

    #[test]
    fn places_in_a_rendered_file_are_those_of_its_template() {
        let template = "# a comment\nroute:\n{% if x %}\n  receiver: ${{ name }}\n  routes:\n    - receiver: a\n{% endif %}\n      matchers: [a=b]\n    - receiver: a\nreceivers:\n{% for n in names %}\n  - name: ${{ n }}\n{% endfor %}\n";
        let text = "route:\n  receiver: \"r\"\n  routes:\n    - receiver: a\n      matchers: [a=b]\n    - receiver: a\nreceivers:\n  - name: \"r\"\n  - name: \"a\"\nextra: 1\n";
        let file = AlertmanagerFile::rendered(text, Source::new("t.yml", template));
        let at = |needle: &str| {
            let place = file.source.place(text.find(needle).unwrap());
            template_place(&file.source, place, file.edited())
        };
        assert_eq!(at("a=b"), Some(Position { line: 8, column: 18 }));
        assert_eq!(at("a\nreceivers"), Some(Position { line: 9, column: 17 }));
        assert_eq!(at("\"r\"\n  routes"), Some(Position { line: 4, column: 3 }));
        assert_eq!(at("\"a\""), Some(Position { line: 12, column: 3 }));
        assert_eq!(at("extra"), None);
    }
}
