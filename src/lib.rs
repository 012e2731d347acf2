//! confidexmon: a supervisor for a Prometheus, Grafana and Alertmanager stack.

pub mod apply;
pub mod check;
pub mod cli;
pub mod demo;
pub mod drill;
pub mod engine;
pub mod error;
pub mod health;
pub mod model;
pub mod net;
pub mod plan;
pub mod render;
pub mod report;
pub mod services;
pub mod settings;
pub mod store;
