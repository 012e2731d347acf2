//! From a place in a rendered file back to the template's line.

use crate::check::source::{Place, Source};

/// The template's place for a place of its output; `None` where that cannot be told.
///
/// A line that was copied is found by its text, the n-th of equal lines by its number; one with
/// `${{ … }}` by the text around that.
pub(super) fn of(rendered: &Source, place: Place, template: &Source) -> Option<Place> {
    let line = rendered.line(place.line);
    let text = line.trim();
    if text.is_empty() {
        return None;
    }
    let same = |source: &Source| lines_where(source, |candidate| candidate.trim() == text);
    let (ours, theirs) = (same(rendered), same(template));
    if let [only] = theirs[..] {
        return Some(moved(line, place, template, only));
    }
    if !theirs.is_empty() {
        let number = ours.iter().position(|number| *number == place.line)?;
        let counted = theirs.len() == ours.len();
        return theirs
            .get(number)
            .filter(|_| counted)
            .map(|line_there| moved(line, place, template, *line_there));
    }
    match lines_where(template, |candidate| renders_to(candidate.trim(), text))[..] {
        [only] => Some(Place { line: only, column: indent(template.line(only)) + 1 }),
        _ => None,
    }
}

fn lines_where(source: &Source, test: impl Fn(&str) -> bool) -> Vec<usize> {
    (1..=source.line_count()).filter(|line| test(source.line(*line))).collect()
}

/// The same column relative to the indentation.
fn moved(line: &str, place: Place, template: &Source, there: usize) -> Place {
    let shift = place.column.saturating_sub(indent(line));
    Place { line: there, column: (indent(template.line(there)) + shift).max(1) }
}

fn indent(line: &str) -> usize {
    line.chars().take_while(|c| c.is_whitespace()).count()
}

/// Whether a template's line with exactly one `${{ … }}` can have this output.
fn renders_to(template: &str, text: &str) -> bool {
    let Some((before, rest)) = template.split_once("${{") else { return false };
    let Some((_, after)) = rest.split_once("}}") else { return false };
    let named = before.chars().filter(|c| c.is_alphabetic()).count() > 2;
    named
        && !after.contains("${{")
        && text.len() >= before.len() + after.len()
        && text.starts_with(before)
        && text.ends_with(after)
}
