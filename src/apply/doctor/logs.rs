//! The end of a container's log.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::StreamExt;

use crate::engine::{LogQuery, Processes};

const LIMIT: Duration = Duration::from_secs(2);

/// At most so many lines that are not older than `age`; empty when the log cannot be read.
pub(super) async fn tail<E: Processes>(
    engine: &E,
    container_id: &str,
    lines: u64,
    age: Option<Duration>,
) -> Vec<String> {
    let since = age.and_then(|age| SystemTime::now().checked_sub(age)?.duration_since(UNIX_EPOCH).ok());
    let since = since.map(|at| format!("{}.000000000", at.as_secs()));
    let read = engine.logs(container_id, LogQuery { follow: false, since, tail: Some(lines) });
    let read = read.filter_map(|line| async move { line.ok().map(|line| line.text) }).collect::<Vec<_>>();
    tokio::time::timeout(LIMIT, read).await.unwrap_or_default()
}
