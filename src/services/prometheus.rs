//! Prometheus: scrapes the targets, evaluates the rules.

use std::time::Duration;

use crate::model::{FileSet, RenderedFile, ServiceKind};
use crate::render::Renderer;
use crate::render::context::{links, scrape_names, secret_path};
use crate::render::files::{NOBODY, web_config};
use crate::services::{
    Api, DesiredService, FileEffect, Probe, Profile, Protocol, base_spec, basic_auth, host_gateway,
};
use crate::settings::{LogLevel, Settings, TargetAuth};
use crate::update::TagVersion;
use crate::update::compatibility::Incompatibility;

pub(super) const PROFILE: Profile = Profile {
    port: 9090,
    protocol: Protocol::Http { ready: "/-/ready" },
    api: Api::Prometheus,
    beside: None,
    data: Some("/prometheus"),
    loopback_only: false,
    // Before Alertmanager, which it asks.
    learns_passwords: 2,
    // It flushes its head block.
    stop_grace: Duration::from_mins(5),
    // Lints are `check`'s matter.
    validator: Some(&["promtool", "check", "config", "--lint=none", "/etc/prometheus/prometheus.yml"]),
    reloads_on_signal: true,
    file_effect,
    define,
    files,
    incompatible,
    public_url: |links| links.prometheus.as_deref(),
    rules: &[],
};

fn define(settings: &Settings, files: FileSet) -> DesiredService {
    let mut spec = base_spec(settings, ServiceKind::Prometheus, &files);
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

fn files(settings: &Settings, renderer: &mut Renderer<'_>) -> FileSet {
    let mut files = FileSet::new("/etc/prometheus", NOBODY, NOBODY);
    files.insert(RenderedFile::plain("/etc/prometheus/prometheus.yml", renderer.template("prometheus.yml")));
    for (name, file) in renderer.project.rule_files() {
        files.insert(RenderedFile::plain(format!("/etc/prometheus/rules/{name}"), file.text.clone()));
    }
    for (target, name) in settings.targets.iter().zip(scrape_names(&settings.targets)) {
        for (kind, file) in target.tls.files() {
            let path = secret_path::target_tls(&name, kind, &file.text);
            files.insert(RenderedFile::secret(path, file.text.clone()));
        }
        let credential = match &target.auth {
            TargetAuth::None => continue,
            TargetAuth::Bearer(secret) | TargetAuth::Basic { password: secret, .. } => secret.clone(),
        };
        files.insert(RenderedFile::secret(
            secret_path::named(&secret_path::target(&name), &credential),
            credential,
        ));
    }
    let auth = settings.security.web_auth.as_ref();
    files.insert(web_config("/etc/prometheus/web.yml", auth));
    if let Some(auth) = auth {
        files.insert(RenderedFile::secret(
            secret_path::named(secret_path::PROMETHEUS_WEB_AUTH, &auth.password),
            auth.password.clone(),
        ));
    }
    files
}

/// The time series database: Prometheus 3 writes what only 2.55 and newer can read (its migration
/// guide). An update over that step could not be undone either, so it has to stop at 2.55 first.
fn incompatible(from: &str, to: &str) -> Option<Incompatibility> {
    let (before, after) = (TagVersion::parse(from)?, TagVersion::parse(to)?);
    let reads_3 = |version: &TagVersion| version.numbers >= vec![2, 55];
    if before.major() >= 3 && !reads_3(&after) {
        return Some(Incompatibility::new(
            format!("Prometheus {to} cannot read the database that {from} has written"),
            "the oldest version that can is 2.55",
        ));
    }
    if after.major() >= 3 && !reads_3(&before) {
        return Some(Incompatibility::new(
            format!(
                "after an update to {to} there would be no way back: Prometheus {from} cannot read what it writes"
            ),
            "go to 2.55 first: `confidexmon update prometheus --to 2.55.1`",
        ));
    }
    None
}
