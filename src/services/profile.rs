//! What is true of a service whatever the settings say. Each service's file has one; whoever treats services
//! differently asks it instead of the service's name.

use std::time::Duration;

use crate::model::{FileSet, ServiceKind};
use crate::render::Renderer;
use crate::services::{DesiredService, FileEffect, alertmanager, grafana, prometheus, redis, redis_exporter};
use crate::settings::{LinkSettings, Settings};
use crate::update::compatibility::Incompatibility;

/// One service's constants.
#[derive(Debug)]
pub struct Profile {
    /// The port that it listens on, in its container.
    pub port: u16,
    /// How it is asked whether it is ready.
    pub protocol: Protocol,
    /// How it is told to read its files again, and asked what it holds.
    pub api: Api,
    /// The service that it is for: without that one it does not run.
    pub beside: Option<ServiceKind>,
    /// Where its data lies in its container; `None` for a service that keeps nothing.
    pub data: Option<&'static str>,
    /// Whether its port is published on loopback even where the others' are not.
    pub loopback_only: bool,
    /// Its place in the row when the password before Prometheus and Alertmanager comes: who asks stands before
    /// whoever is asked.
    pub learns_passwords: u8,
    /// From the stop signal to the kill.
    pub stop_grace: Duration,
    /// The image's own tool with its arguments, which validates all files at their real paths.
    pub validator: Option<&'static [&'static str]>,
    /// Whether SIGHUP makes it read its files again.
    pub reloads_on_signal: bool,
    /// What a changed file at a path means while it runs.
    pub file_effect: fn(&str) -> FileEffect,
    /// Its container, for these files.
    pub define: fn(&Settings, FileSet) -> DesiredService,
    /// Its files.
    pub files: fn(&Settings, &mut Renderer<'_>) -> FileSet,
    /// Why it cannot go from one tag to another.
    pub incompatible: fn(&str, &str) -> Option<Incompatibility>,
    /// Its address as people's browsers see it, where the settings say so.
    pub public_url: fn(&LinkSettings) -> Option<&str>,
    /// Beginnings of the paths below `rules/` that are about this service alone, as far as they are built in:
    /// where it does not run, they are left out.
    pub rules: &'static [&'static str],
}

/// How a service is asked whether it is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `GET` of the path answers 200 once it is ready.
    Http {
        /// The path.
        ready: &'static str,
    },
    /// `PING` is answered.
    Redis,
}

/// What a service understands beyond that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// Prometheus's own.
    Prometheus,
    /// Alertmanager's own.
    Alertmanager,
    /// Grafana's own.
    Grafana,
    /// Redis's commands.
    Redis,
    /// `/-/reload` and `/metrics`, and nothing that could be lost.
    RedisExporter,
}

/// The constants of a service.
pub const fn profile(service: ServiceKind) -> &'static Profile {
    match service {
        ServiceKind::Prometheus => &prometheus::PROFILE,
        ServiceKind::Grafana => &grafana::PROFILE,
        ServiceKind::Alertmanager => &alertmanager::PROFILE,
        ServiceKind::Redis => &redis::PROFILE,
        ServiceKind::RedisExporter => &redis_exporter::PROFILE,
    }
}
