//! From a line of a rendered file back to the line of the template that it came from.

use crate::check::finding::Finding;
use crate::check::validators::bug;
use crate::formats::yaml::source::Position;

/// A rendered file with its template.
#[derive(Clone, Copy, Debug)]
pub struct Rendered<'a> {
    /// The template as the user knows it.
    pub shown_as: &'a str,
    pub template: &'a str,
    pub text: &'a str,
}

impl<'a> Rendered<'a> {
    /// A file that is what the user wrote, without any template.
    pub const fn plain(shown_as: &'a str, text: &'a str) -> Self {
        Self { shown_as, template: text, text }
    }

    /// `line 3: field foo not found …`, as YAML readers say it.
    pub fn at_line(&self, id: &'static str, words: &str) -> Option<Finding> {
        let (number, message) = words.trim().strip_prefix("line ")?.split_once(": ")?;
        Some(self.on_line(id, number.parse().ok()?, message))
    }

    /// A message without a place, unless it carries one: `yaml: line 3: …`.
    pub fn finding(&self, id: &'static str, message: &str) -> Finding {
        let in_yaml = message.strip_prefix("yaml: ").and_then(|words| self.at_line(id, words));
        in_yaml.unwrap_or_else(|| match self.line_of_name(message) {
            Some(line) => self.on_line(id, line, message),
            None => bug(id, self.shown_as, Position::default(), format!("{id} refuses it: {message}")),
        })
    }

    fn on_line(&self, id: &'static str, rendered: usize, message: &str) -> Finding {
        let text = self.text.lines().nth(rendered.saturating_sub(1)).unwrap_or_default().trim();
        let shown = if self.template == self.text || text.is_empty() {
            String::new()
        } else {
            format!(" (rendered: `{text}`)")
        };
        let line = self.template_line(rendered).unwrap_or(0);
        let source = self.template.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        let indent = source.chars().take_while(|c| c.is_whitespace() || *c == '-').count();
        let place = Position { line, column: if line == 0 { 0 } else { indent + 1 } };
        bug(id, self.shown_as, place, format!("{id} refuses it: {message}{shown}"))
    }

    /// The only line that holds the name which the message quotes.
    fn line_of_name(&self, message: &str) -> Option<usize> {
        let name = crate::check::validators::quoted(message)?;
        let mut lines = self.text.lines().enumerate().filter(|(_, line)| line.contains(name));
        let (first, _) = lines.next()?;
        lines.next().is_none().then_some(first + 1)
    }

    /// The line of the template that gave this line; `None` when it cannot be told.
    ///
    /// Lines keep their order except in loops, so of several candidates the one is taken whose
    /// neighbours fit as well.
    pub fn template_line(&self, rendered: usize) -> Option<usize> {
        if self.template == self.text {
            return Some(rendered);
        }
        let lines: Vec<&str> = self.text.lines().collect();
        let wanted = *lines.get(rendered.checked_sub(1)?)?;
        let patterns: Vec<Option<Pattern<'_>>> = self.template.lines().map(Pattern::of).collect();
        let fits = |at: usize, line: &str| {
            patterns.get(at).and_then(Option::as_ref).is_some_and(|pattern| pattern.fits(line))
        };
        let score = |at: usize| {
            let before = rendered.checked_sub(2).and_then(|index| lines.get(index));
            let above = (0..at).rev().find(|index| patterns[*index].is_some());
            let after = lines.get(rendered);
            let below = (at + 1..patterns.len()).find(|index| patterns[*index].is_some());
            let exact = self.template.lines().nth(at) == Some(wanted);
            usize::from(exact) * 4
                + usize::from(before.zip(above).is_some_and(|(line, index)| fits(index, line))) * 2
                + usize::from(after.zip(below).is_some_and(|(line, index)| fits(index, line)))
        };
        let candidates: Vec<(usize, usize)> =
            (0..patterns.len()).filter(|at| fits(*at, wanted)).map(|at| (score(at), at)).collect();
        let best = candidates.iter().map(|(score, _)| *score).max()?;
        let mut winners = candidates.iter().filter(|(score, _)| *score == best);
        winners.next().map(|(_, at)| at + 1)
    }
}

/// What a line of the template can become: these pieces, with anything between them.
struct Pattern<'a>(Vec<&'a str>);

impl<'a> Pattern<'a> {
    /// `None` for lines that only steer.
    fn of(line: &'a str) -> Option<Self> {
        let trimmed = line.trim();
        if trimmed.starts_with("{%") || trimmed.starts_with("{#") || trimmed.ends_with("#}") {
            return None;
        }
        let mut pieces = Vec::new();
        let mut rest = line;
        while let Some((before, after)) = rest.split_once("${{") {
            pieces.push(before);
            rest = after.split_once("}}").map_or("", |(_, rest)| rest);
        }
        pieces.push(rest.trim_end());
        Some(Self(pieces))
    }

    fn fits(&self, line: &str) -> bool {
        match self.0.as_slice() {
            [] => false,
            [only] => line.trim_end() == *only,
            [first, middle @ .., last] => {
                let rest = line.strip_prefix(first).map(str::trim_end);
                let Some(mut rest) = rest.and_then(|rest| rest.strip_suffix(last)) else { return false };
                middle.iter().all(|piece| {
                    let found = rest.split_once(piece).map(|(_, behind)| behind);
                    rest = found.unwrap_or_default();
                    found.is_some()
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEMPLATE: &str = "global:\n  x: ${{ x }}\n{% for a in b %}\n  - name: ${{ a }}\n    on: true\n{% endfor %}\nroute:\n  on: ${{ x }}\n";
    const TEXT: &str = "global:\n  x: \"1\"\n  - name: \"p\"\n    on: true\n  - name: \"q\"\n    on: true\nroute:\n  on: \"1\"\n";

    #[test]
    fn a_rendered_line_leads_back_to_its_template() {
        let rendered = Rendered { shown_as: "config/templates/x.yml", template: TEMPLATE, text: TEXT };
        let lines: Vec<_> = (1..=9).map(|line| rendered.template_line(line)).collect();
        assert_eq!(lines, [Some(1), Some(2), Some(4), Some(5), Some(4), Some(5), Some(7), Some(8), None]);
        let finding = rendered.at_line("promtool", "  line 5: field name not found");
        assert_eq!(finding.map(|f| (f.place.line, f.place.column)), Some((4, 5)));
    }

    #[test]
    fn values_may_stand_anywhere_in_a_line() {
        let cases = [
            ("a: 1", "a: 1  ", true),
            ("a: 1", "a: 12", false),
            ("a: ${{ x }}", "a: ", true),
            ("a: ${{ x }}/b", "a: x/y/b", true),
            ("a: ${{ x }}/b", "a: x/c", false),
            ("${{ x }}-${{ y }}-z", "1-2-z", true),
            ("${{ x }}-${{ y }}-z", "1-z", false),
            ("ab${{ x }}bc", "abc", false),
        ];
        for (template, line, expected) in cases {
            assert_eq!(Pattern::of(template).is_some_and(|p| p.fits(line)), expected, "{template} {line}");
        }
        assert!(Pattern::of("  {% if x %}").is_none());
    }

    #[test]
    fn a_name_that_stands_on_one_line_is_found() {
        let finding = Rendered::plain("am.yml", "route:\n  receiver: nope\n")
            .finding("amtool", "undefined receiver \"nope\" used in route");
        assert_eq!((finding.place.line, finding.place.column), (2, 3));
    }
}
