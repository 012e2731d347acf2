//! An exporter: told to read its passwords again, and proved by whether it can sign in with them.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::apply::reload::Change;
use crate::engine::Engine;
use crate::error::{Error, ExitCode};
use crate::net::alertmanager::sample;

/// How long the service that it watches may take to learn the same password.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(100);
/// 1 while it can sign in.
const UP: &str = "redis_up";

pub(super) async fn reload_and_verify<E: Engine>(change: &Change<'_, E>) -> Result<(), Error> {
    let http = &change.session.http;
    let answer = http.post(&change.address.url("/-/reload"), None, None).await?;
    if answer.status != 200 {
        let text = format!("{} does not read its passwords again: {}", change.service, answer.body.trim());
        return Err(refused(change, text));
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        let metrics = http.get(&change.address.url("/metrics"), None).await?;
        if sample(&metrics.body, UP, "") == Some(1.0) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let text = format!("{} cannot sign in with the changed password", change.service);
            return Err(refused(change, text));
        }
        sleep(PAUSE).await;
    }
}

fn refused<E: Engine>(change: &Change<'_, E>, text: String) -> Error {
    Error::new(ExitCode::Failed, text).hint(format!(
        "its reason is in its log: `confidexmon logs {} --tail 20`; `confidexmon status` says whether Redis runs",
        change.service
    ))
}
