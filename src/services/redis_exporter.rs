//! Redis's exporter: what Prometheus sees Redis through. It runs where Redis runs.

use std::time::Duration;

use serde_json::json;

use crate::model::{FileSet, RenderedFile, Secret, ServiceKind};
use crate::render::Renderer;
use crate::render::context::secret_path;
use crate::services::{Api, DesiredService, FileEffect, Probe, Profile, Protocol, base_spec, redis};
use crate::settings::{LogLevel, Settings};

/// The user of the official image.
const USER: u32 = 59000;
/// The longest that it waits for Redis.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) const PROFILE: Profile = Profile {
    port: 9121,
    protocol: Protocol::Http { ready: "/health" },
    api: Api::RedisExporter,
    beside: Some(ServiceKind::Redis),
    data: None,
    // It asks for no password, and would connect to any Redis that a request names.
    loopback_only: true,
    learns_passwords: 0,
    stop_grace: Duration::from_secs(10),
    validator: None,
    reloads_on_signal: false,
    file_effect,
    define,
    files,
    // It keeps nothing.
    incompatible: |_, _| None,
    public_url: |_| None,
    rules: &["stack-redis.yml", "tests/stack-redis.yml", "runbooks/Redis"],
};

fn define(settings: &Settings, files: FileSet) -> DesiredService {
    let mut spec = base_spec(settings, ServiceKind::RedisExporter, &files);
    spec.command = command(settings);
    let probe = Probe::Http { container_port: PROFILE.port, path: "/health", basic_auth: None };
    DesiredService { spec, files, probe }
}

fn command(settings: &Settings) -> Vec<String> {
    // A Redis that hangs must be seen as one that is down, not as a scrape that took too long.
    let patience = PATIENCE.min(settings.prometheus.scrape_timeout.length() / 2);
    let mut command = vec![
        format!("--redis.addr={}", address(settings)),
        format!("--redis.password-file={}", secret_path::REDIS_EXPORTER),
        format!("--connection-timeout={}ms", patience.as_millis()),
        "--redis-only-metrics=true".to_owned(),
    ];
    if settings.log_level == LogLevel::Debug {
        command.push("--debug=true".to_owned());
    }
    command
}

fn address(settings: &Settings) -> String {
    format!("redis://{}:{}", settings.stack.container(ServiceKind::Redis), redis::PROFILE.port)
}

fn files(settings: &Settings, _renderer: &mut Renderer<'_>) -> FileSet {
    let mut files = FileSet::new("/etc/redis-exporter", USER, USER);
    let password = settings.redis.password.as_ref().map_or("", Secret::reveal);
    let passwords = json!({ address(settings): password });
    files.insert(RenderedFile::secret(secret_path::REDIS_EXPORTER, Secret::new(format!("{passwords}\n"))));
    files
}

/// It is told to read its passwords again.
const fn file_effect(_path: &str) -> FileEffect {
    FileEffect::Reload
}
