//! What is true of a service whatever the settings say. Each service's file has one; whoever treats services
//! differently asks it instead of the service's name.

use std::time::Duration;

use crate::model::ServiceKind;
use crate::services::{FileEffect, alertmanager, grafana, prometheus, redis};

/// One service's constants.
#[derive(Debug)]
pub struct Profile {
    /// The port that it listens on, in its container.
    pub port: u16,
    pub protocol: Protocol,
    /// From the stop signal to the kill.
    pub stop_grace: Duration,
    /// The image's own tool with its arguments, which validates all files at their real paths.
    pub validator: Option<&'static [&'static str]>,
    /// Whether SIGHUP makes it read its files again.
    pub reloads_on_signal: bool,
    /// What a changed file at a path means while it runs.
    pub file_effect: fn(&str) -> FileEffect,
}

/// How a service is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `GET` of the path answers 200 once it is ready.
    Http {
        ready: &'static str,
    },
    Redis,
}

/// The constants of a service.
pub const fn profile(service: ServiceKind) -> &'static Profile {
    match service {
        ServiceKind::Prometheus => &prometheus::PROFILE,
        ServiceKind::Grafana => &grafana::PROFILE,
        ServiceKind::Alertmanager => &alertmanager::PROFILE,
        ServiceKind::Redis => &redis::PROFILE,
    }
}
