//! From a place in a rendered file back to the template's line.

use crate::check::judge::rendered::Rendered;
use crate::formats::yaml::source::{Place, Source};

/// The template's place for a place of its output; `None` where that cannot be told.
pub(super) fn of(rendered: &Source, place: Place, template: &Source) -> Option<Place> {
    let both = Rendered { shown_as: &template.path, template: &template.text, text: &rendered.text };
    let line = rendered.line(place.line);
    if line.trim().is_empty() {
        return None;
    }
    let there = both.template_line(place.line)?;
    let wanted = template.line(there);
    // Only a line that was copied has the same columns.
    let shift = if wanted.trim() == line.trim() { place.column.saturating_sub(indent(line)) } else { 1 };
    Some(Place { line: there, column: (indent(wanted) + shift).max(1) })
}

fn indent(line: &str) -> usize {
    line.chars().take_while(|c| c.is_whitespace()).count()
}
