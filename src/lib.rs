//! confidexmon: a supervisor for a Prometheus, Grafana and Alertmanager stack.

pub mod check;
pub mod engine;
pub mod model;
pub mod net;
pub mod plan;
pub mod render;
pub mod services;
pub mod settings;
pub mod store;
