//! `PromQL`, parsed to be linted. What the parser cannot read is not linted: only Prometheus itself
//! says what is invalid.
//!
//! The parser is our own. `promql-parser` has no positions (each finding needs its column), does not
//! read an eighth of what Prometheus 3.14 does, and took more time than all lints together; the tests
//! compare both.

mod ast;
mod durations;
mod functions;
mod modifiers;
mod parser;
mod scanner;
mod selectors;
#[cfg(test)]
mod tests;
mod types;

pub use ast::{Binary, Cardinality, Expr, Grouping, Kind, MatchOp, Matcher, Matching, Op, Selector, Shift};
pub use scanner::Unread;

/// The tree of an expression, or why it is not linted.
pub fn parse(text: &str) -> Result<Expr, Unread> {
    parser::parse(text)
}
