//! What stands behind operators and aggregations: which labels count, and how series meet.

use super::ast::{Cardinality, Grouping, Matching};
use super::parser::{Parsed, Parser};

/// What may stand behind an operator.
pub(super) struct Modifiers {
    pub(super) returns_bool: bool,
    pub(super) matching: Matching,
    pub(super) cardinality: Cardinality,
    pub(super) fills: bool,
}

impl Default for Modifiers {
    fn default() -> Self {
        Self {
            returns_bool: false,
            matching: Matching::All,
            cardinality: Cardinality::OneToOne,
            fills: false,
        }
    }
}

impl Parser<'_> {
    pub(super) fn modifiers(&mut self) -> Parsed<Modifiers> {
        let returns_bool = self.scanner.take_keyword("bool");
        let mut modifiers = Modifiers { returns_bool, ..Modifiers::default() };
        if self.scanner.take_keyword("on") {
            modifiers.matching = Matching::On(self.labels()?);
        } else if self.scanner.take_keyword("ignoring") {
            modifiers.matching = Matching::Ignoring(self.labels()?);
        }
        if modifiers.matching != Matching::All {
            if self.scanner.take_keyword("group_left") {
                modifiers.cardinality = Cardinality::GroupLeft(self.copied()?);
            } else if self.scanner.take_keyword("group_right") {
                modifiers.cardinality = Cardinality::GroupRight(self.copied()?);
            }
        }
        while self.fill()? {
            modifiers.fills = true;
        }
        Ok(modifiers)
    }

    fn copied(&mut self) -> Parsed<Vec<String>> {
        if self.scanner.peek() == Some(b'(') { self.labels() } else { Ok(Vec::new()) }
    }

    /// `fill(0)`, `fill_left(…)`, `fill_right(…)`; without brackets these are names of metrics.
    fn fill(&mut self) -> Parsed<bool> {
        let before = self.scanner.at;
        let keyword =
            ["fill", "fill_left", "fill_right"].into_iter().any(|word| self.scanner.take_keyword(word));
        if !keyword || self.scanner.peek() != Some(b'(') {
            self.scanner.at = before;
            return Ok(false);
        }
        self.scanner.at += 1;
        let _ = self.scanner.take("-") || self.scanner.take("+");
        if self.number()?.is_none() {
            return Err(self.scanner.unexpected("a number was expected"));
        }
        self.scanner.expect(")", "behind the value to fill in")?;
        Ok(true)
    }

    pub(super) fn grouping(&mut self) -> Parsed<Option<Grouping>> {
        Ok(if self.scanner.take_keyword("by") {
            Some(Grouping::By(self.labels()?))
        } else if self.scanner.take_keyword("without") {
            Some(Grouping::Without(self.labels()?))
        } else {
            None
        })
    }

    /// `(a, b, "c.d",)`.
    fn labels(&mut self) -> Parsed<Vec<String>> {
        self.scanner.expect("(", "before the labels")?;
        let mut labels = Vec::new();
        while !self.scanner.take(")") {
            let quoted = self.scanner.string()?;
            let label = match quoted {
                Some(label) => label,
                None => match self.scanner.word(true) {
                    Some(word) => {
                        self.scanner.at += word.len();
                        word.to_owned()
                    }
                    None => return Err(self.scanner.unexpected("a label was expected")),
                },
            };
            labels.push(label);
            if !self.scanner.take(",") {
                self.scanner.expect(")", "behind the labels")?;
                break;
            }
        }
        Ok(labels)
    }
}
