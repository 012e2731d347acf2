//! Redis: optional, for the backend's own use.

use std::time::Duration;

use crate::model::{FileSet, RenderedFile, Secret, ServiceKind};
use crate::render::context::secret_path;
use crate::render::{Renderer, template};
use crate::services::{Api, DesiredService, FileEffect, Probe, Profile, Protocol, base_spec};
use crate::settings::Settings;
use crate::update::TagVersion;
use crate::update::compatibility::Incompatibility;

/// The user of the official image.
const USER: u32 = 999;

pub(super) const PROFILE: Profile = Profile {
    port: 6379,
    protocol: Protocol::Redis,
    api: Api::Redis,
    beside: None,
    data: Some("/data"),
    loopback_only: false,
    learns_passwords: 0,
    // It writes its append-only file out.
    stop_grace: Duration::from_mins(1),
    validator: None,
    reloads_on_signal: false,
    file_effect,
    define,
    files,
    incompatible,
    public_url: |_| None,
    rules: &[],
};

fn define(settings: &Settings, files: FileSet) -> DesiredService {
    let mut spec = base_spec(settings, ServiceKind::Redis, &files);
    // The password stands in the 0400 file, never on the command line that `ps` shows.
    spec.command = vec!["redis-server".to_owned(), "/etc/redis/redis.conf".to_owned()];
    let probe = Probe::Redis { container_port: PROFILE.port, password: settings.redis.password.clone() };
    DesiredService { spec, files, probe }
}

/// The password is set in the running one; the rest is read by a start only.
fn file_effect(path: &str) -> FileEffect {
    if path == secret_path::REDIS { FileEffect::Reload } else { FileEffect::Restart }
}

fn files(settings: &Settings, renderer: &mut Renderer<'_>) -> FileSet {
    let mut files = FileSet::new("/etc/redis", USER, USER);
    let text = renderer.template("redis.conf");
    // A template of the project's may well hold the password itself.
    files.insert(RenderedFile::secret("/etc/redis/redis.conf", Secret::new(text)));
    if let Some(password) = &settings.redis.password {
        let line = format!("requirepass {}\n", template::redis_quote(password.reveal().to_owned()));
        files.insert(RenderedFile::secret(secret_path::REDIS, Secret::new(line)));
    }
    files
}

/// It refuses files that a newer version has written.
fn incompatible(from: &str, to: &str) -> Option<Incompatibility> {
    let (before, after) = (TagVersion::parse(from)?, TagVersion::parse(to)?);
    let older = (after.major(), after.minor()) < (before.major(), before.minor());
    older.then(|| {
        Incompatibility::new(
            format!("Redis {to} does not read the files that {from} writes"),
            "choose a version that is not older, or begin with an empty volume",
        )
    })
}
