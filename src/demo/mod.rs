//! A demo backend: serves what the real one exports, moving like a live system, with switches for
//! each way in which it can fail. Users need it to see the dashboards alive and to rehearse alerts.
//!
//! Pure but for `server`: `shape` reads the captured exposition, `model` moves its values, `scenario`
//! says what each failure changes.

mod model;
mod random;
pub mod scenario;
pub mod server;
mod shape;

pub use scenario::{Active, SCENARIOS, parse_scenario};
pub use server::{DemoError, DemoOptions, Running, serve, spawn};
