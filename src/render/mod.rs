//! Settings and project files in, configuration files out. Pure.
//!
//! Everything that a container reads is made here: templates are rendered with values that cannot
//! break out of their scalar, and what comes out is parsed back before anybody sees it.

pub mod assets;
pub mod context;
pub mod dashboards;
pub mod files;
pub mod overview;
pub mod runbook;
pub mod template;

pub use assets::ProjectFiles;
pub use files::{HOME_DASHBOARD, RenderedStack, Renderer};
