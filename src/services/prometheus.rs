//! Prometheus: scrapes the targets, evaluates the rules.

use std::time::Duration;

use crate::model::{FileSet, ServiceKind};
use crate::render::context::links;
use crate::services::{
    DesiredService, FileEffect, Probe, Profile, Protocol, base_spec, basic_auth, host_gateway,
};
use crate::settings::{LogLevel, Settings};

pub(super) const PROFILE: Profile = Profile {
    port: 9090,
    protocol: Protocol::Http { ready: "/-/ready" },
    // It flushes its head block.
    stop_grace: Duration::from_mins(5),
    // Lints are `check`'s matter.
    validator: Some(&["promtool", "check", "config", "--lint=none", "/etc/prometheus/prometheus.yml"]),
    reloads_on_signal: true,
    file_effect,
};

pub(super) fn define(settings: &Settings, files: FileSet) -> DesiredService {
    let mut spec = base_spec(settings, ServiceKind::Prometheus, "/prometheus", &files);
    spec.command = command(settings);
    spec.extra_hosts = host_gateway();
    let probe =
        Probe::Http { container_port: PROFILE.port, path: "/-/ready", basic_auth: basic_auth(settings) };
    DesiredService { spec, files, probe }
}

fn command(settings: &Settings) -> Vec<String> {
    let external_url = links(settings).prometheus;
    let mut command = vec![
        "--config.file=/etc/prometheus/prometheus.yml".to_owned(),
        "--storage.tsdb.path=/prometheus".to_owned(),
        format!("--storage.tsdb.retention.time={}", settings.prometheus.retention_time),
        format!("--web.external-url={external_url}/"),
        "--web.route-prefix=/".to_owned(),
        // The default answers every origin: a page in the user's browser could read everything.
        format!("--web.cors.origin={}", regex::escape(&external_url)),
        format!("--log.level={}", log_level(settings.log_level)),
        // Read at each request, so that a password is set, changed and taken away without a restart.
        "--web.config.file=/etc/prometheus/web.yml".to_owned(),
    ];
    if let Some(size) = &settings.prometheus.retention_size {
        command.push(format!("--storage.tsdb.retention.size={size}"));
    }
    if settings.lifecycle_api() {
        command.push("--web.enable-lifecycle".to_owned());
    }
    command
}

/// The spelling that Prometheus and Alertmanager share.
pub(super) const fn log_level(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Debug => "debug",
        LogLevel::Info => "info",
        LogLevel::Warn => "warn",
        LogLevel::Error => "error",
    }
}

/// `web.yml` is read at each request, the rest at a reload. The name of a secret's file changes with it,
/// and so does the configuration that names it: the file itself needs nothing.
fn file_effect(path: &str) -> FileEffect {
    if path.contains("/secrets/") || path.ends_with("/web.yml") {
        FileEffect::Nothing
    } else {
        FileEffect::Reload
    }
}
