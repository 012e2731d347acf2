//! YAML with the place of every key and value.

pub mod node;
mod plain_yaml;
pub mod scalar;
pub mod source;
pub mod unquote;
