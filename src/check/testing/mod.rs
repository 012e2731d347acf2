//! Unit tests of rules: what promtool said about them, and what they cover.

pub mod coverage;
pub mod evidence;
pub mod junit;
pub mod results;

pub use coverage::Coverage;
pub use results::{FileResult, ScenarioResult};
