//! Rules and routing together: where each alert would go, when, and what can silence it.

pub mod alerts;
pub mod inhibition;
pub mod label_domain;
pub mod matrix;
mod string_set;
mod values;
pub mod walk;

pub use alerts::{Alert, Variant};
pub use label_domain::{LabelDomain, Labels, Tristate};
pub use matrix::{Matrix, matrix};
pub use walk::{Hit, walk};

#[cfg(test)]
mod soundness;
#[cfg(test)]
mod tests;
