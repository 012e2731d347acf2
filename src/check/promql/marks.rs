//! Where the tokens of an expression stand. The parser's tree has no positions, so this finds those of
//! each kind of node in the order of the text, which is also the order of a walk through the tree.

/// Byte offsets by kind of node.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Marks {
    pub(super) selectors: Vec<SelectorMark>,
    pub(super) calls: Vec<usize>,
    pub(super) aggregates: Vec<usize>,
    pub(super) operators: Vec<usize>,
    pub(super) numbers: Vec<usize>,
    /// `=~"…"` and `!~"…"`: where the operator and where the quote stand.
    pub(super) patterns: Vec<(usize, usize)>,
    /// The deepest nesting of brackets.
    pub(super) depth: usize,
}

#[derive(Debug, Default, PartialEq)]
pub(super) struct SelectorMark {
    pub(super) at: usize,
    /// Offsets of the matchers' labels.
    pub(super) matchers: Vec<usize>,
}

const AGGREGATORS: [&str; 14] = [
    "sum",
    "avg",
    "count",
    "min",
    "max",
    "group",
    "stddev",
    "stdvar",
    "topk",
    "bottomk",
    "count_values",
    "quantile",
    "limitk",
    "limit_ratio",
];

pub(super) fn marks(text: &str) -> Marks {
    let mut scanner = Scanner { text, at: 0, after_operand: false, marks: Marks::default(), depth: 0 };
    while scanner.step() {}
    scanner.marks
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// True when a `-` here is a subtraction and not a sign.
    after_operand: bool,
    marks: Marks,
    depth: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(byte) = self.peek() {
            if byte == b'#' {
                self.at += self.text[self.at..].find('\n').unwrap_or(self.text.len() - self.at);
            } else if byte.is_ascii_whitespace() {
                self.at += 1;
            } else {
                break;
            }
        }
    }

    fn step(&mut self) -> bool {
        self.skip_space();
        let Some(byte) = self.peek() else { return false };
        match byte {
            b'(' => self.open(),
            b')' => self.close(),
            b'[' => self.skip_past(b']'),
            b'{' => self.braces(None),
            b'"' | b'\'' | b'`' => {
                self.quoted();
                self.after_operand = true;
            }
            b'@' => {
                self.at += 1;
                self.skip_argument();
            }
            b'0'..=b'9' | b'.' => self.number(),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b':' => self.word(),
            _ => self.symbol(byte),
        }
        true
    }

    fn open(&mut self) {
        self.at += 1;
        self.depth += 1;
        self.marks.depth = self.marks.depth.max(self.depth);
        self.after_operand = false;
    }

    fn close(&mut self) {
        self.at += 1;
        self.depth = self.depth.saturating_sub(1);
        self.after_operand = true;
    }

    fn symbol(&mut self, byte: u8) {
        let start = self.at;
        let wide = matches!(self.text.as_bytes().get(start + 1), Some(b'='))
            && matches!(byte, b'=' | b'!' | b'<' | b'>');
        // A sign or a character beyond ASCII moves by one character, never into the middle of one.
        self.at += if wide { 2 } else { self.text[start..].chars().next().map_or(1, char::len_utf8) };
        if byte == b',' {
            self.after_operand = false;
        } else if b"+-*/%^=!<>".contains(&byte) {
            if self.after_operand {
                self.marks.operators.push(start);
            }
            self.after_operand = false;
        }
    }

    fn number(&mut self) {
        self.marks.numbers.push(self.at);
        self.skip_number();
        self.after_operand = true;
    }

    fn skip_number(&mut self) {
        let mut previous = b' ';
        while let Some(byte) = self.peek() {
            let exponent_sign = matches!(byte, b'+' | b'-') && matches!(previous, b'e' | b'E');
            if !(byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_' || exponent_sign) {
                break;
            }
            previous = byte;
            self.at += 1;
        }
    }

    fn name(&mut self) -> usize {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':') {
            self.at += 1;
        }
        start
    }

    fn word(&mut self) {
        let start = self.name();
        let word = self.text[start..self.at].to_ascii_lowercase();
        self.skip_space();
        let next = self.peek();
        match word.as_str() {
            "and" | "or" | "unless" | "atan2" if self.after_operand => {
                self.marks.operators.push(start);
                self.after_operand = false;
            }
            "by" | "without" if next == Some(b'(') => {
                self.skip_past(b')');
                self.after_operand = true;
            }
            "on" | "ignoring" | "group_left" | "group_right" | "fill" | "fill_left" | "fill_right" => {
                if next == Some(b'(') {
                    self.skip_past(b')');
                }
                self.after_operand = false;
            }
            "bool" if !self.after_operand => {}
            "offset" if self.after_operand => self.skip_argument(),
            "smoothed" | "anchored" if self.after_operand => {}
            "inf" | "nan" => {
                self.marks.numbers.push(start);
                self.after_operand = true;
            }
            _ if AGGREGATORS.contains(&word.as_str()) && self.starts_aggregation() => {
                self.marks.aggregates.push(start);
            }
            _ if next == Some(b'(') => self.marks.calls.push(start),
            _ => self.braces(Some(start)),
        }
    }

    fn starts_aggregation(&self) -> bool {
        let rest = &self.text[self.at..];
        rest.starts_with('(') || rest.starts_with("by") || rest.starts_with("without")
    }

    /// A selector, from its name or from its opening brace.
    fn braces(&mut self, name: Option<usize>) {
        let mut mark = SelectorMark { at: name.unwrap_or(self.at), matchers: Vec::new() };
        if self.peek() == Some(b'{') {
            self.at += 1;
            self.matchers(&mut mark);
        }
        self.marks.selectors.push(mark);
        self.after_operand = true;
    }

    fn matchers(&mut self, mark: &mut SelectorMark) {
        let mut expects_label = true;
        let mut operator = None;
        loop {
            self.skip_space();
            let Some(byte) = self.peek() else { return };
            let start = self.at;
            match byte {
                b'}' => {
                    self.at += 1;
                    return;
                }
                b',' => {
                    self.at += 1;
                    expects_label = true;
                    operator = None;
                }
                b'"' | b'\'' | b'`' => {
                    self.marks.patterns.extend(operator.take().map(|at| (at, start)));
                    self.quoted();
                }
                b'=' | b'!' if self.text.as_bytes().get(start + 1) == Some(&b'~') => {
                    operator = Some(start);
                    self.at += 2;
                    continue;
                }
                _ if self.name() == self.at => {
                    self.at += self.text[self.at..].chars().next().map_or(1, char::len_utf8);
                    continue;
                }
                _ => {}
            }
            if byte != b',' && expects_label {
                mark.matchers.push(start);
                expects_label = false;
            }
        }
    }

    fn quoted(&mut self) {
        let Some(quote) = self.peek() else { return };
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += if byte == b'\\' && quote != b'`' { 2 } else { 1 };
            if byte == quote {
                break;
            }
        }
        self.at = self.at.min(self.text.len());
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
    }

    fn skip_past(&mut self, end: u8) {
        while let Some(byte) = self.peek() {
            if matches!(byte, b'"' | b'\'' | b'`') {
                self.quoted();
                continue;
            }
            self.at += 1;
            if byte == end {
                break;
            }
        }
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
    }

    /// What follows `offset` or `@`: a signed number or duration, or `start()` and `end()`.
    fn skip_argument(&mut self) {
        self.skip_space();
        while matches!(self.peek(), Some(b'-' | b'+')) {
            self.at += 1;
            self.skip_space();
        }
        if self.peek().is_some_and(|byte| byte.is_ascii_alphabetic()) {
            self.name();
            self.skip_space();
        } else {
            self.skip_number();
        }
        if self.peek() == Some(b'(') && self.text[self.at..].starts_with("()") {
            self.at += 2;
        }
        self.after_operand = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_each_kind_in_order() {
        let text =
            r#"sum by (a) (rate(x{b="1}", c=~"2"}[5m] offset -1m)) / -2 > bool on (a) max(y) by (b) - 1e-3"#;
        let marks = marks(text);
        let at = |needle: &str| text.find(needle);
        assert_eq!(marks.selectors.iter().map(|m| Some(m.at)).collect::<Vec<_>>(), [at("x{"), at("y)")]);
        assert_eq!(marks.selectors.first().map(|m| m.matchers.len()), Some(2));
        assert_eq!(marks.calls.first().copied(), at("rate"));
        assert_eq!(marks.aggregates.len(), 2);
        assert_eq!(
            marks.operators.iter().map(|m| Some(*m)).collect::<Vec<_>>(),
            [at("/ -2"), at("> b"), at("- 1e")]
        );
        assert_eq!(marks.numbers.len(), 2);
    }

    #[test]
    fn never_panics_on_rubbish() {
        for text in [
            "{",
            "\"",
            "x{a=\"\\",
            "[",
            "ü{ä=\"ö\"}",
            "@",
            "offset",
            "((((",
            "-",
            "a{ü",
            "sum by",
            "'\\ü",
            "[ü",
        ] {
            marks(text);
        }
    }
}
