//! What an expression can return: which values, and whether anything at all.
//!
//! Nothing here guesses. An expression of which nothing is known can be anything, and a claim is made only
//! where no data whatever could disprove it. One assumption is made: what `rate` and its kin read are
//! counters, which are neither negative nor NaN.

mod advice;
mod arithmetic;
mod claims;
mod exclusion;
mod functions;
mod join;
mod labels;
mod matchers;
mod never;
mod of_expr;
mod same;
mod span;
mod words;

pub use never::{Never, dead_sides, never};
pub use of_expr::{fills, values};
pub use span::{Span, Values};
pub use words::{named, range, symbol};

#[cfg(test)]
mod evaluate;
#[cfg(test)]
mod soundness;
#[cfg(test)]
mod tests;
