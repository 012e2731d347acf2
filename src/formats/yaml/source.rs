//! A user's file: its path, its text, and the way from an offset to a line and column.

/// Where something is: 1-based line and column, the column in characters. Zero means the whole file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

/// A file that was read before.
#[derive(Clone, Debug)]
pub struct Source {
    /// As seen from the working directory; `<embedded>/…` for shipped defaults.
    pub path: String,
    pub text: String,
    /// Byte offset of the start of each line.
    starts: Vec<usize>,
}

impl Source {
    /// A file under the path by which its user knows it.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { path: path.into(), text, starts }
    }

    /// The place of a byte offset; offsets beyond the end give the end.
    pub fn place(&self, offset: usize) -> Position {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        Position { line, column: self.text[start..offset].chars().count() + 1 }
    }

    /// The text of a 1-based line without its line break; empty when there is no such line.
    pub fn line(&self, line: usize) -> &str {
        let Some(start) = line.checked_sub(1).and_then(|index| self.starts.get(index)) else { return "" };
        let end = self.starts.get(line).copied().unwrap_or(self.text.len());
        self.text[*start..end].trim_end_matches(['\n', '\r'])
    }

    /// How many lines it has; after a final line break there is one more, empty.
    pub fn line_count(&self) -> usize {
        self.starts.len()
    }

    /// The byte offset of a place, for excerpts; the end of the line when the column is beyond it.
    pub fn offset(&self, place: Position) -> usize {
        let Some(start) = place.line.checked_sub(1).and_then(|index| self.starts.get(index)) else {
            return 0;
        };
        let line = self.line(place.line);
        let within = line.char_indices().nth(place.column.saturating_sub(1)).map_or(line.len(), |(at, _)| at);
        start + within
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_columns_in_characters() {
        let source = Source::new("a.yml", "one\nzwei ä b\n");
        assert_eq!(source.place(0), Position { line: 1, column: 1 });
        assert_eq!(source.place(4), Position { line: 2, column: 1 });
        assert_eq!(source.place(12), Position { line: 2, column: 8 });
        assert_eq!(source.place(999), Position { line: 3, column: 1 });
        assert_eq!(source.line(2), "zwei ä b");
        assert_eq!(source.line(9), "");
        assert_eq!(source.offset(Position { line: 2, column: 8 }), 12);
    }
}
