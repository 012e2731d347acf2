//! Which labels the elements of a result have: certainly, perhaps, or never. The one inference that every
//! analysis and lint asks.
//!
//! A claim holds for any data that keeps to what is known of the series (`known`, usually the metric
//! contract by [`View::series_labels`](crate::analysis::view::View::series_labels)). Of series that nothing
//! is known of, nothing is claimed but what the expression itself says.

pub mod elements;
mod grouping;
mod infer;
mod label_set;
pub mod match_cardinality;
mod result_labels;
#[cfg(test)]
mod tests;

pub use grouping::explicit_grouping;
pub use infer::{output_labels, result_labels};
pub use label_set::LabelSet;
pub use result_labels::{Presence, ResultLabels};
