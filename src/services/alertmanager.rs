//! Alertmanager: groups, inhibits, silences and delivers.

use std::time::Duration;

use crate::model::{FileSet, ServiceKind};
use crate::render::context::links;
use crate::services::prometheus::log_level;
use crate::services::{
    DesiredService, FileEffect, Probe, Profile, Protocol, base_spec, basic_auth, host_gateway,
};
use crate::settings::Settings;

pub(super) const PROFILE: Profile = Profile {
    port: 9093,
    protocol: Protocol::Http { ready: "/-/ready" },
    stop_grace: Duration::from_secs(30),
    validator: Some(&["amtool", "check-config", "/etc/alertmanager/alertmanager.yml"]),
    reloads_on_signal: true,
    file_effect,
};

pub(super) fn define(settings: &Settings, files: FileSet) -> DesiredService {
    let mut spec = base_spec(settings, ServiceKind::Alertmanager, "/alertmanager", &files);
    spec.command = command(settings);
    // A webhook receiver may well be a service of the host.
    spec.extra_hosts = host_gateway();
    let probe =
        Probe::Http { container_port: PROFILE.port, path: "/-/ready", basic_auth: basic_auth(settings) };
    DesiredService { spec, files, probe }
}

fn command(settings: &Settings) -> Vec<String> {
    vec![
        "--config.file=/etc/alertmanager/alertmanager.yml".to_owned(),
        "--storage.path=/alertmanager".to_owned(),
        format!("--web.external-url={}/", links(settings).alertmanager),
        "--web.route-prefix=/".to_owned(),
        // A single instance: without this it listens for peers on all addresses.
        "--cluster.listen-address=".to_owned(),
        // Delivery can then be proven per receiver, not only per integration.
        "--enable-feature=receiver-name-in-metrics".to_owned(),
        format!("--log.level={}", log_level(settings.log_level)),
        // As with Prometheus: read at each request.
        "--web.config.file=/etc/alertmanager/web.yml".to_owned(),
    ]
}

/// Secrets are read when a notification is sent, `web.yml` at each request; the rest at a reload.
fn file_effect(path: &str) -> FileEffect {
    if path.contains("/secrets/") || path.ends_with("/web.yml") {
        FileEffect::Nothing
    } else {
        FileEffect::Reload
    }
}
