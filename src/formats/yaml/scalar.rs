//! A YAML scalar that remembers where each of its characters was written.

use serde::Deserialize;
use serde_yaml::Spanned;

use crate::formats::yaml::source::{Position, Source};

/// The value of a scalar and the byte range of its text in the file: quotes included, and of a block
/// scalar the lines below its header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scalar {
    pub value: String,
    start: usize,
    end: usize,
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, defined, .. } = Spanned::<String>::deserialize(deserializer)?;
        let start = usize::try_from(defined.span().byte_offset().unwrap_or(0)).unwrap_or(0);
        let length = usize::try_from(defined.span().byte_len().unwrap_or(0)).unwrap_or(0);
        Ok(Self { value, start, end: start + length })
    }
}

impl Scalar {
    /// A text that was read from the bytes `start..end` of its file.
    pub const fn new(value: String, start: usize, end: usize) -> Self {
        Self { value, start, end }
    }

    /// Offset of its first character in the file.
    pub const fn start(&self) -> usize {
        self.start
    }

    /// The bytes of the file that hold the scalar.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.start..self.end
    }

    /// Where the scalar begins; for a block scalar this is its first line of text.
    pub fn place(&self, source: &Source) -> Position {
        source.place(self.start)
    }

    /// Where the character at byte `at` of the value was written.
    ///
    /// YAML folds and dedents white space only, so the n-th character that is not white space is the
    /// same in the file and in the value, whatever the scalar's style; only escapes need care. What is
    /// missing at the end is shown at the last character.
    pub fn place_of(&self, source: &Source, at: usize) -> Position {
        let wanted =
            self.value.get(..at).unwrap_or(&self.value).chars().filter(|c| !c.is_whitespace()).count();
        source.place(self.nth_visible(source, wanted))
    }

    /// True for the lines below `|` or `>`.
    fn is_block(&self, source: &Source) -> bool {
        let before = source.text.get(..self.start).unwrap_or_default().trim_end_matches(' ');
        let header = before.ends_with('\n').then(|| before.trim_end().lines().next_back()).flatten();
        header.is_some_and(|line| {
            let line = line.split_once(" #").map_or(line, |(line, _)| line).trim_end();
            line.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-'))
                .ends_with(['|', '>'])
        })
    }

    fn nth_visible(&self, source: &Source, wanted: usize) -> usize {
        let raw = source.text.get(self.start..self.end).unwrap_or_default();
        // A quote that begins a block's text is a character like others.
        let style = raw.chars().next().filter(|_| !self.is_block(source));
        let body = usize::from(matches!(style, Some('"' | '\'')));
        let (mut seen, mut last) = (0, 0);
        let mut rest = raw.char_indices().skip_while(|(at, _)| *at < body).peekable();
        while let Some((at, c)) = rest.next() {
            let visible = match (style, c) {
                (Some('"'), '\\') => {
                    rest.next().is_some_and(|(_, escaped)| !matches!(escaped, 'n' | 't' | 'r' | '\n' | ' '))
                }
                (Some('\''), '\'') => rest.next().is_some_and(|(_, next)| next == '\''),
                _ => !c.is_whitespace(),
            };
            if visible && seen == wanted {
                return self.start + at;
            }
            if visible {
                seen += 1;
                last = at;
            }
        }
        self.start + last
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[derive(Deserialize)]
    struct File {
        expr: Scalar,
    }

    #[test]
    fn what_is_missing_at_the_end_is_shown_there() {
        for (text, line, column) in [
            ("expr: sum(up\nfoo: 1\n", 1, 12),
            ("expr: 'sum(up'\nfoo: 1\n", 1, 13),
            ("expr: |\n  sum(\n    up\n\nfoo: 1\n", 3, 6),
            ("expr: ''\nfoo: 1\n", 1, 7),
        ] {
            let file: File = serde_yaml::from_str(text).unwrap();
            let place = file.expr.place_of(&Source::new("f", text), file.expr.value.len());
            assert_eq!(place, Position { line, column }, "{text}");
        }
    }

    /// The place of `needle` of the value, and what stands there in the file.
    fn find<'a>(text: &'a str, needle: &str) -> (Position, &'a str) {
        let file: File = serde_yaml::from_str(text).unwrap();
        let at = file.expr.value.find(needle).unwrap();
        let source = Source::new("f", text);
        let place = file.expr.place_of(&source, at);
        (place, &text[source.offset(place)..])
    }

    #[test]
    fn every_style_maps_back_to_the_file() {
        let styles = [
            ("expr: a + bee\n", 1, 11),
            ("expr: 'it''s + bee'\n", 1, 16),
            ("expr: \"a{b=\\\"c\\\"} + bee\"\n", 1, 21),
            ("# ü\nexpr: |\n  a\n  # c\n  + bee\n", 5, 5),
            ("expr: >-\n    ä +\n    bee\n", 3, 5),
            ("expr: a\n  + bee\n", 2, 5),
            ("{\"expr\": \"a\\n+ bee\"}\n", 1, 16),
            ("expr: | # note\n\n\n  a + bee\n", 4, 7),
            ("expr: |2\n   a\n  bee\n", 3, 3),
            ("expr: |- # note\n  \"a\" 'b' bee\n", 2, 11),
            ("expr: >\n\n  'it''s' \"\\n\" bee\n", 3, 16),
            ("expr:\n  'it''s bee'\n", 2, 10),
        ];
        for (text, line, column) in styles {
            let (place, found) = find(text, "bee");
            assert!(found.starts_with("bee"), "{text}: {found}");
            assert_eq!(place, Position { line, column }, "{text}");
        }
    }
}
