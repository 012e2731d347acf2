//! Settings: YAML, `.env`, environment and flags, handed in as text and maps; every problem at once.

pub mod types;

pub use types::*;
