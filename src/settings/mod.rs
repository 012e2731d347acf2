//! Settings: YAML, `.env`, environment and flags, handed in as text and maps; every problem at once.

pub mod dotenv;
pub mod env_vars;
pub mod fields;
mod pasted;
mod placeholders;
mod problem;
mod reader;
pub mod receivers;
mod resolve;
mod rules;
mod scalar;
pub mod schema;
mod targets;
#[cfg(test)]
mod tests;
mod tree;
pub mod types;

pub use resolve::{FlagOverrides, Sources, resolve};
pub use scalar::url;
pub use types::*;
