//! What an expression can return: which values, and whether anything at all.
//!
//! Nothing here guesses. An expression of which nothing is known can be anything, and a claim is made only
//! where no data whatever could disprove it. One assumption is made: what `rate` and its kin read are
//! counters, which are neither negative nor NaN.

mod advice;
mod arithmetic;
mod constraints;
mod describe;
mod equivalence;
mod exclusion;
mod functions;
mod infer;
mod interval;
mod join;
mod labels;
mod matchers;
mod stale;
mod unsatisfiable;

pub use describe::{named, range, symbol};
pub use infer::{fills, values};
pub use interval::{Interval, ValueSet};
pub use unsatisfiable::{Never, dead_sides, never};

#[cfg(test)]
mod evaluate;
#[cfg(test)]
mod soundness;
#[cfg(test)]
mod tests;
