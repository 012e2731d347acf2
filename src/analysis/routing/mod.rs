//! Rules and routing together: where each alert would go, when, and what can silence it.

pub mod alerts;
pub mod inhibition;
pub mod known;
pub mod matrix;
mod text;
mod texts;
mod values;
pub mod walk;

pub use alerts::{Alert, Variant};
pub use known::{Certainty, Known, Labels};
pub use matrix::{Matrix, matrix};
pub use walk::{Hit, walk};

#[cfg(test)]
mod soundness;
#[cfg(test)]
mod tests;
