//! The plain part of YAML that rule files are written in, read without a YAML parser.
//!
//! Ten thousand rules are five megabytes of keys, one-line values and literal blocks; the real parser
//! takes longer for them than all lints together. This reader knows only block mappings and lists of
//! one-line scalars, literal blocks and one-line flow mappings, and declines everything else: anchors,
//! tags, folded and multi-line scalars, documents, escapes, tabs. What it accepts it must read as the
//! parser does, places included; the tests compare both.

use crate::formats::yaml::node::Node;
use crate::formats::yaml::scalar::Scalar;

/// `None` for what is not plain enough, valid or not.
pub(super) fn read(text: &str) -> Option<Node> {
    if !text.bytes().all(is_plain) {
        return None;
    }
    let mut reader = Reader { text, at: 0 };
    let Some(first) = reader.line() else { return Some(Node::Null) };
    let root = reader.block(first, 0)?;
    reader.line().is_none().then_some(root)
}

/// Text beyond ASCII has characters that YAML treats on their own; the parser knows which.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b'\n' | b' '..=b'~')
}

/// Deeper than any configuration, and far from the end of the stack.
const DEEPEST: usize = 32;

struct Reader<'a> {
    text: &'a str,
    /// Always the start of a line between two nodes.
    at: usize,
}

/// A line that holds something.
#[derive(Clone, Copy)]
struct Line {
    indent: usize,
    /// Offset of its first character that is no space.
    start: usize,
}

impl Reader<'_> {
    /// The next line that is neither empty nor a comment; it is not taken.
    fn line(&mut self) -> Option<Line> {
        let bytes = self.text.as_bytes();
        loop {
            let indent = bytes.get(self.at..)?.iter().take_while(|byte| **byte == b' ').count();
            let start = self.at + indent;
            match bytes.get(start)? {
                b'\n' => self.at = start + 1,
                b'#' => self.at = self.after(start),
                _ => return Some(Line { indent, start }),
            }
        }
    }

    /// The end of the line around an offset.
    fn end(&self, at: usize) -> usize {
        self.text[at..].find('\n').map_or(self.text.len(), |length| at + length)
    }

    /// Where the line behind it begins.
    fn after(&self, at: usize) -> usize {
        (self.end(at) + 1).min(self.text.len())
    }

    fn is_item(&self, line: Line) -> bool {
        self.text[line.start..].starts_with("- ")
    }

    fn block(&mut self, line: Line, depth: usize) -> Option<Node> {
        if depth > DEEPEST {
            None
        } else if self.is_item(line) {
            self.list(line, depth)
        } else {
            self.mapping(line, depth)
        }
    }

    fn list(&mut self, first: Line, depth: usize) -> Option<Node> {
        let mut items = Vec::new();
        let mut line = first;
        loop {
            let content = self.skip_spaces(line.start + 2);
            let inner = Line { indent: first.indent + content - line.start, start: content };
            items.push(match self.key(content) {
                Some(_) => self.mapping(inner, depth + 1)?,
                None => self.value(content, first.indent, depth)?,
            });
            match self.line() {
                Some(next) if next.indent == first.indent && self.is_item(next) => line = next,
                Some(next) if next.indent > first.indent => return None,
                _ => return Some(Node::List(items)),
            }
        }
    }

    fn mapping(&mut self, first: Line, depth: usize) -> Option<Node> {
        let mut entries: Vec<(Scalar, Node)> = Vec::new();
        let mut line = first;
        loop {
            let (key, behind) = self.key(line.start)?;
            // That a key stands twice is for the parser to tell.
            if entries.iter().any(|(other, _)| other.value == key.value) {
                return None;
            }
            let value = self.nested(behind, first.indent, depth)?;
            entries.push((key, value));
            match self.line() {
                Some(next) if next.indent == first.indent && !self.is_item(next) => line = next,
                Some(next) if next.indent > first.indent => return None,
                _ => return Some(Node::Map(entries)),
            }
        }
    }

    /// A key of letters, digits, `_`, `-` and `.`, and where what follows the colon begins.
    fn key(&self, at: usize) -> Option<(Scalar, usize)> {
        let rest = &self.text.as_bytes()[at..];
        let first = rest.first()?;
        if !(first.is_ascii_alphabetic() || *first == b'_') {
            return None;
        }
        let inner = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        let length = rest.iter().take_while(inner).count();
        let ends =
            rest.get(length) == Some(&b':') && matches!(rest.get(length + 1), None | Some(b' ' | b'\n'));
        let key = || Scalar::new(self.text[at..at + length].to_owned(), at, at + length);
        ends.then(|| (key(), at + length + 1))
    }

    fn skip_spaces(&self, at: usize) -> usize {
        at + self.text.as_bytes()[at..].iter().take_while(|byte| **byte == b' ').count()
    }

    /// The value behind a key: in the same line, or a block below it.
    fn nested(&mut self, behind: usize, indent: usize, depth: usize) -> Option<Node> {
        let at = self.skip_spaces(behind);
        // A comment needs a space before it.
        let comment = at > behind && self.text[at..].starts_with('#');
        if at < self.end(at) && !comment {
            return self.value(at, indent, depth);
        }
        self.at = self.after(at);
        match self.line() {
            Some(line) if line.indent > indent => self.block(line, depth + 1),
            // Lists may stand right below their key.
            Some(line) if line.indent == indent && self.is_item(line) => self.list(line, depth + 1),
            _ => Some(Node::Null),
        }
    }

    /// A value that begins in this line.
    fn value(&mut self, at: usize, indent: usize, depth: usize) -> Option<Node> {
        let end = self.end(at);
        let line = &self.text[at..end];
        let (node, behind) = match line.bytes().next()? {
            b'\'' => self.single_quoted(at, end)?,
            b'"' => self.double_quoted(at, end)?,
            b'{' if depth < DEEPEST => self.flow(at, end)?,
            b'|' => return self.literal(at, indent),
            _ => {
                let plain = line.split_once(" #").map_or(line, |(plain, _)| plain).trim_end();
                (plain_scalar(plain, at)?, end)
            }
        };
        let rest = &self.text[behind..end];
        let nothing = rest.trim_start();
        if !(nothing.is_empty() || rest.starts_with(' ') && nothing.starts_with('#')) {
            return None;
        }
        self.at = self.after(end);
        Some(node)
    }

    fn single_quoted(&self, at: usize, end: usize) -> Option<(Node, usize)> {
        let mut value = String::new();
        let mut from = at + 1;
        loop {
            let quote = from + self.text[from..end].find('\'')?;
            value.push_str(&self.text[from..quote]);
            if !self.text[quote + 1..end].starts_with('\'') {
                return Some((Node::Scalar(Scalar::new(value, at, quote + 1)), quote + 1));
            }
            value.push('\'');
            from = quote + 2;
        }
    }

    fn double_quoted(&self, at: usize, end: usize) -> Option<(Node, usize)> {
        let mut value = String::new();
        let mut from = at + 1;
        loop {
            let stop = from + self.text[from..end].find(['"', '\\'])?;
            value.push_str(&self.text[from..stop]);
            if self.text[stop..].starts_with('"') {
                return Some((Node::Scalar(Scalar::new(value, at, stop + 1)), stop + 1));
            }
            match self.text[stop + 1..end].chars().next()? {
                escaped @ ('"' | '\\') => value.push(escaped),
                _ => return None,
            }
            from = stop + 2;
        }
    }

    /// `{severity: warning, team: "a"}`.
    fn flow(&self, start: usize, end: usize) -> Option<(Node, usize)> {
        let mut entries: Vec<(Scalar, Node)> = Vec::new();
        let mut at = self.skip_spaces(start + 1);
        loop {
            let (key, behind) = self.key(at).filter(|(_, behind)| *behind < end)?;
            if entries.iter().any(|(other, _)| other.value == key.value) {
                return None;
            }
            let from = self.skip_spaces(behind);
            let (value, behind) = match self.text[from..end].chars().next()? {
                '\'' => self.single_quoted(from, end)?,
                '"' => self.double_quoted(from, end)?,
                _ => {
                    let length = self.text[from..end].find([',', '}'])?;
                    let plain = self.text[from..from + length].trim_end();
                    if plain.contains(['[', ']', '{', '#']) {
                        return None;
                    }
                    (plain_scalar(plain, from)?, from + length)
                }
            };
            entries.push((key, value));
            let next = self.skip_spaces(behind);
            match self.text[next..end].chars().next()? {
                '}' => return Some((Node::Map(entries), next + 1)),
                ',' => at = self.skip_spaces(next + 1),
                _ => return None,
            }
        }
    }

    /// `|` or `|-`, with at least one line.
    fn literal(&mut self, header: usize, indent: usize) -> Option<Node> {
        let keeps_end = match &self.text[header..self.end(header)] {
            "|" => true,
            "|-" => false,
            _ => return None,
        };
        let begin = self.after(header);
        let first = self.text[begin..].split_inclusive('\n').next()?;
        let inner = first.len() - first.trim_start_matches(' ').len();
        // An empty line at the start has rules of its own.
        if inner <= indent || first.trim().is_empty() {
            return None;
        }
        let (mut value, mut empty, mut at, mut behind) = (String::new(), 0, begin, 0);
        for line in self.text[begin..].split_inclusive('\n') {
            let content = line.strip_suffix('\n').unwrap_or(line);
            let spaces = content.len() - content.trim_start_matches(' ').len();
            if content.is_empty() {
                empty += 1;
            } else if spaces == content.len() {
                // Spaces alone are content or not, depending on their number.
                return None;
            } else if spaces < inner {
                // The parser goes on to the first character that is no longer its own.
                behind = spaces;
                break;
            } else {
                if !value.is_empty() {
                    value.push('\n');
                }
                value.extend(std::iter::repeat_n('\n', empty));
                empty = 0;
                value.push_str(&content[inner..]);
            }
            at += line.len();
        }
        if keeps_end {
            value.push('\n');
        }
        self.at = at;
        Some(Node::Scalar(Scalar::new(value, begin + inner, at + behind)))
    }
}

/// A scalar without quotes; `None` where an indicator makes it something else.
fn plain_scalar(text: &str, at: usize) -> Option<Node> {
    const INDICATORS: &[u8] = b"-?:,[]{}#&*!|>'\"%@`";
    let first = text.bytes().next()?;
    if INDICATORS.contains(&first) || text.contains(": ") || text.ends_with(':') {
        return None;
    }
    Some(match text {
        "~" | "null" | "Null" | "NULL" => Node::Null,
        _ => Node::Scalar(Scalar::new(text.to_owned(), at, at + text.len())),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::formats::yaml::node::parsed;
    use crate::formats::yaml::source::Source;
    use proptest::prelude::*;

    /// What is accepted is read as the parser reads it.
    fn compare(text: &str) -> bool {
        let Some(ours) = read(text) else { return false };
        let theirs = parsed(&Source::new("f", text));
        assert_eq!(Ok(ours), theirs, "{text}");
        true
    }

    #[test]
    fn plain_files_are_accepted_and_others_declined() {
        let accepted = [
            "",
            "# nothing\n",
            "a: b",
            "a:\n",
            "a: b # c\nd: 'it''s' # e\nf: \"q \\\" \\\\\"\n",
            "a:\n- b\n- c: d\n  e: f\ng: ~\n",
            "a:\n  - b: |\n      x\n\n        y\n\n    c: |-\n      z\n# end\n",
            "a: {b: c, d: 'e, f', g: 1}\n",
            "a: x{b=\"c\"} > 5\n",
            "a: |\n  last line without its end",
        ];
        for text in accepted {
            assert!(compare(text), "{text}");
        }
        let declined = [
            "a: &b c\n",
            "a: *b\n",
            "a: !!str b\n",
            "a: >-\n  b\n",
            "a: b\n  c\n",
            "a: [b]\n",
            "- - a\n",
            "--- \na: b\n",
            "a: b: c\n",
            "a: 1\na: 2\n",
            "a: \"\\n\"\n",
            "a:\tb\n",
            "a: ü\n",
            "a: b\r\n",
            "\"a\": b\n",
            "a: 'b\n  c'\n",
            "a: |2\n   b\n",
            "a:\n - b\n  - c\n",
            "a: {b: c\n",
            "a: b\n c: d\n",
            "a: |\n\n  b\n",
            "a: @b\n",
            "? a\n: b\n",
            "a:\n  b\n",
        ];
        for text in declined {
            assert!(read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn rule_files_are_read_as_the_parser_reads_them() {
        fn files(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    files(&path, found);
                } else if path.extension().is_some_and(|end| end == "yml" || end == "json") {
                    found.push(path);
                }
            }
        }
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut found = Vec::new();
        for folder in ["rules", "config", "dashboards", "tests/mistakes"] {
            files(&root.join(folder), &mut found);
        }
        let accepted = found.iter().filter(|path| compare(&std::fs::read_to_string(path).unwrap())).count();
        assert!(accepted > 40, "only {accepted} of {} files are plain", found.len());
    }

    /// Pieces of which files are made, and some that do not belong there.
    fn piece() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "\n",
            "\n",
            "\n",
            "\n  ",
            "\n    ",
            "\n- ",
            "\n  - ",
            "\n   ",
            "a: ",
            "b: ",
            "c:",
            "d-e.f: ",
            "x",
            "y z",
            "'q''r'",
            "\"s \\\" t\"",
            "|\n    u\n",
            "|-\n  v\n\n   w\n",
            "{a: b, c: 'd'}",
            "{a: }",
            " # c",
            "#",
            "- ",
            ": ",
            ":",
            "null",
            "~",
            "1",
            "''",
            "|",
            ">",
            "*",
            "&a ",
            "!t ",
            "[a]",
            "---\n",
            "...",
            "%",
            "\t",
            "ü",
            "\"\\n\"",
            "'",
            "\"",
            "}",
            ",",
            "  ",
            "?",
            "@",
        ])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        #[test]
        fn whatever_is_accepted_is_read_alike(pieces in prop::collection::vec(piece(), 0..14)) {
            compare(&pieces.concat());
        }
    }
}
