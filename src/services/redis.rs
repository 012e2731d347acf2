//! Redis: optional, for the backend's own use.

use std::time::Duration;

use crate::model::{FileSet, ServiceKind};
use crate::render::context::secret_path;
use crate::services::{DesiredService, FileEffect, Probe, Profile, Protocol, base_spec};
use crate::settings::Settings;

pub(super) const PROFILE: Profile = Profile {
    port: 6379,
    protocol: Protocol::Redis,
    // It writes its append-only file out.
    stop_grace: Duration::from_mins(1),
    validator: None,
    reloads_on_signal: false,
    file_effect,
};

pub(super) fn define(settings: &Settings, files: FileSet) -> DesiredService {
    let mut spec = base_spec(settings, ServiceKind::Redis, "/data", &files);
    // The password stands in the 0400 file, never on the command line that `ps` shows.
    spec.command = vec!["redis-server".to_owned(), "/etc/redis/redis.conf".to_owned()];
    let probe = Probe::Redis { container_port: PROFILE.port, password: settings.redis.password.clone() };
    DesiredService { spec, files, probe }
}

/// The password is set in the running one; the rest is read by a start only.
fn file_effect(path: &str) -> FileEffect {
    if path == secret_path::REDIS { FileEffect::Reload } else { FileEffect::Restart }
}
