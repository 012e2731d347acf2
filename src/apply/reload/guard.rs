//! The password before Prometheus and Alertmanager: their `web.yml` is read at each request, so it comes, changes
//! and goes without a restart. Whoever scrapes is told first when it comes, and last when it goes.

use crate::apply::reload::{Change, Previous};
use crate::engine::Engine;
use crate::health::Reading;
use crate::model::{FileSet, Secret, ServiceKind};
use crate::net::http::Credentials;
use crate::render::context::secret_path::{PROMETHEUS_WEB_AUTH, REDIS, stem};

/// The key of `web.yml` under which users stand.
const USERS: &str = "basic_auth_users";

/// True for a service that answers, and refuses only a password that this change makes the right one.
pub(super) fn refuses_only_the_new_password<E: Engine>(change: &Change<'_, E>, reading: &Reading) -> bool {
    let touches = |wanted: fn(&str) -> bool| change.changes.touched().any(|path| wanted(path));
    match reading {
        Reading::Answered { status: Some(401), .. } => touches(|path| path.ends_with("/web.yml")),
        Reading::Answered { status: None, text } => {
            touches(|path| path == REDIS) && (text.contains("WRONGPASS") || text.contains("NOAUTH"))
        }
        _ => false,
    }
}

/// The file that shuts the door, where it stood open before: it is written after everything else.
pub(super) fn door_to_shut<E: Engine>(change: &Change<'_, E>, previous: &Previous) -> Option<String> {
    let is_door = |path: &&String| path.ends_with("/web.yml");
    let path = change.wanted.files.files.keys().find(is_door)?;
    (change.auth().is_some() && users(&previous.files, path).is_none()).then(|| path.clone())
}

/// Who may come in by a `web.yml`.
fn users(files: &FileSet, path: &str) -> Option<String> {
    let text = String::from_utf8_lossy(files.files.get(path)?.bytes()).into_owned();
    let value: serde_json::Value = serde_yaml::from_str(&text).ok()?;
    value[USERS].as_object()?.keys().next().cloned()
}

/// What Prometheus asked for before this change, read from its own files.
pub(super) async fn old_credentials<E: Engine>(change: &Change<'_, E>) -> Option<Credentials> {
    if change.service != ServiceKind::Prometheus {
        return None;
    }
    let files = change.previous().await.ok()?.files;
    let user = users(&files, "/etc/prometheus/web.yml")?;
    let file = files.files.iter().find(|(path, _)| stem(path) == Some(PROMETHEUS_WEB_AUTH));
    let password = String::from_utf8_lossy(file?.1.bytes()).into_owned();
    Some((user, Secret::new(password)))
}
