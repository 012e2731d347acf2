//! Redis: optional, for the backend's own use.

use crate::model::{FileSet, ServiceKind};
use crate::services::{DesiredService, Probe, base_spec};
use crate::settings::Settings;

const PORT: u16 = 6379;

pub(super) fn define(settings: &Settings, files: FileSet) -> DesiredService {
    let mut spec = base_spec(settings, ServiceKind::Redis, PORT, "/data", &files);
    // The password stands in the 0400 file, never on the command line that `ps` shows.
    spec.command = vec!["redis-server".to_owned(), "/etc/redis/redis.conf".to_owned()];
    let probe = Probe::Redis { container_port: PORT, password: settings.redis.password.clone() };
    DesiredService { spec, files, probe }
}
