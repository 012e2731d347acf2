//! Redis: a changed password is set in the running one, and proved by signing in with it.

use std::time::Duration;

use crate::apply::reload::Change;
use crate::engine::Engine;
use crate::error::{Error, ExitCode};
use crate::model::{FileSet, Secret};
use crate::net::redis::{self, Ping};
use crate::render::context::secret_path;
use crate::render::template::redis_unquote;

const DEADLINE: Duration = Duration::from_secs(5);

/// Makes the password of `set` the one in force; `before` holds the one that may be in force now.
pub(super) async fn reload_and_verify<E: Engine>(
    change: &Change<'_, E>,
    set: &FileSet,
    before: &FileSet,
) -> Result<(), Error> {
    let Some(new) = password(set) else { return Ok(()) };
    let (host, port) = (&change.address.host, change.address.port);
    let settle = async {
        if redis::ping(host, port, Some(&new)).await == Ping::Pong {
            return Ok(());
        }
        let Some(old) = password(before) else { return Err("the old password is not known".to_owned()) };
        redis::set_password(host, port, &old, &new).await?;
        match redis::ping(host, port, Some(&new)).await {
            Ping::Pong => Ok(()),
            Ping::Refused(words) | Ping::Unreachable(words) => Err(words),
        }
    };
    let settled = tokio::time::timeout(DEADLINE, settle).await;
    settled.unwrap_or_else(|_| Err("no answer".to_owned())).map_err(|words| {
        Error::new(ExitCode::Failed, format!("Redis does not take the changed password: {words}"))
            .hint("`confidexmon restart redis` starts it with the password of its file")
    })
}

/// The password of the file that holds nothing else.
fn password(set: &FileSet) -> Option<Secret> {
    let text = String::from_utf8_lossy(set.files.get(secret_path::REDIS)?.bytes()).into_owned();
    redis_unquote(text.trim_end().strip_prefix("requirepass ")?).map(Secret::new)
}
