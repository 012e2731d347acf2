//! confidexmon: a supervisor for a Prometheus, Grafana and Alertmanager stack.

pub mod check;
pub mod engine;
pub mod model;
pub mod settings;
