//! HTTP and Redis conversations with the services. The only place that names reqwest.

pub mod alertmanager;
pub mod backend;
pub mod grafana;
pub mod http;
pub mod prometheus;
pub mod redis;
pub mod registry;
pub mod scrape;

pub use http::{HttpClient, NetError};
