//! A problem with its place and excerpt, as compilers show them.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::model::{Diagnostic, Place, Severity};

/// The problem as text. `source` is the whole file; without it (and for `.env`, whose lines are
/// secrets) only the place is named.
pub fn render(problem: &Diagnostic, source: Option<&str>, color: bool) -> String {
    let level = match problem.severity {
        Severity::Bug => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let located = source.map(|source| (&problem.place, source)).filter(|(place, _)| place.line > 0);
    let group = match located {
        Some((place, source)) => {
            let span = byte_span(source, place);
            let snippet = Snippet::source(source)
                .path(place.file.as_str())
                .annotation(AnnotationKind::Primary.span(span));
            level.primary_title(problem.message.as_str()).element(snippet)
        }
        None => level
            .primary_title(problem.message.as_str())
            .elements(std::iter::empty::<Snippet<'_, annotate_snippets::Annotation<'_>>>()),
    };
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let mut text = renderer.render(&[group]).clone();
    if located.is_none() && problem.place.is_known() {
        text.push_str(&format!("\n --> {}", shown(&problem.place)));
    }
    if let Some(hint) = &problem.fix {
        text.push_str(&format!("\nhint: {hint}"));
    }
    text.push('\n');
    text
}

fn shown(place: &Place) -> String {
    match (place.line, place.column) {
        (0, _) => place.file.clone(),
        (line, 0 | 1) => format!("{}:{line}", place.file),
        (line, column) => format!("{}:{line}:{column}", place.file),
    }
}

/// Bytes to underline: from the place to the end of its length, inside its line.
fn byte_span(source: &str, place: &Place) -> std::ops::Range<usize> {
    let line_start: usize = source.split_inclusive('\n').take(place.line - 1).map(str::len).sum();
    let line = source[line_start.min(source.len())..].lines().next().unwrap_or("");
    let at = |characters: usize| line.char_indices().nth(characters).map_or(line.len(), |(byte, _)| byte);
    let start = at(place.column.saturating_sub(1));
    let end = at(place.column.saturating_sub(1) + place.length.max(1)).max(start);
    line_start + start..line_start + end
}
