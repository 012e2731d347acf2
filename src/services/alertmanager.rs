//! Alertmanager: groups, inhibits, silences and delivers.

use std::time::Duration;

use crate::model::{FileSet, RenderedFile, ServiceKind};
use crate::render::context::{links, secret_path};
use crate::render::files::{NOBODY, web_config};
use crate::render::{Renderer, runbook};
use crate::services::prometheus::log_level;
use crate::services::{
    Api, DesiredService, FileEffect, Probe, Profile, Protocol, base_spec, basic_auth, host_gateway,
};
use crate::settings::Settings;

pub(super) const PROFILE: Profile = Profile {
    port: 9093,
    protocol: Protocol::Http { ready: "/-/ready" },
    api: Api::Alertmanager,
    beside: None,
    data: Some("/alertmanager"),
    loopback_only: false,
    // It asks nobody.
    learns_passwords: 3,
    stop_grace: Duration::from_secs(30),
    validator: Some(&["amtool", "check-config", "/etc/alertmanager/alertmanager.yml"]),
    reloads_on_signal: true,
    file_effect,
    define,
    files,
    // Its silences and its log are protocol buffers, which both directions read.
    incompatible: |_, _| None,
    public_url: |links| links.alertmanager.as_deref(),
    rules: &[],
};

fn define(settings: &Settings, files: FileSet) -> DesiredService {
    let mut spec = base_spec(settings, ServiceKind::Alertmanager, &files);
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

fn files(settings: &Settings, renderer: &mut Renderer<'_>) -> FileSet {
    let mut files = FileSet::new("/etc/alertmanager", NOBODY, NOBODY);
    files.insert(RenderedFile::plain(
        "/etc/alertmanager/alertmanager.yml",
        renderer.template("alertmanager.yml"),
    ));
    let mut links = renderer.template("links.tmpl");
    links.push_str(&runbook::names_in_links(
        renderer.project.runbooks().map(|(alert_name, _)| alert_name),
        settings.links.runbooks.is_some(),
    ));
    files.insert(RenderedFile::plain("/etc/alertmanager/templates/links.tmpl", links));
    for (name, file) in renderer.project.notification_templates() {
        files.insert(RenderedFile::plain(format!("/etc/alertmanager/templates/{name}"), file.text.clone()));
    }
    let receivers = &settings.receivers;
    for (path, secret) in [
        (secret_path::SLACK, &receivers.slack_webhook),
        (secret_path::SLACK_CRITICAL, &receivers.slack_webhook_critical),
        (secret_path::PAGERDUTY, &receivers.pagerduty_service_key),
        (secret_path::WEBHOOK, &receivers.webhook_url),
    ] {
        if let Some(secret) = secret {
            files.insert(RenderedFile::secret(secret_path::named(path, secret), secret.clone()));
        }
    }
    for one in &receivers.others {
        if let Some(secret) = &one.secret {
            files.insert(RenderedFile::secret(secret_path::receiver(one.kind.key, secret), secret.clone()));
        }
    }
    files.insert(web_config("/etc/alertmanager/web.yml", settings.security.web_auth.as_ref()));
    files
}
