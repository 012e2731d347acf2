//! A container's log, as whole lines.

use std::time::Duration;

use futures_util::stream::BoxStream;

use crate::engine::{EngineError, LogLine, LogQuery};

use super::frames::LogDecoder;
use super::ops::short;
use super::query::with_query;
use super::stream::decoded;
use super::wire::Wire;

/// The longest silence of a log that is not followed.
const IDLE: Duration = Duration::from_secs(10);

pub(super) fn read(
    wire: Wire,
    id: &str,
    query: &LogQuery,
) -> BoxStream<'static, Result<LogLine, EngineError>> {
    let action = format!("read the log of container `{}`", short(id));
    let idle = (!query.follow).then_some(IDLE);
    decoded(wire, action, path(id, query), idle, LogDecoder::default())
}

fn path(id: &str, query: &LogQuery) -> String {
    let tail = query.tail.map(|lines| lines.to_string());
    let mut pairs = vec![("stdout", "1"), ("stderr", "1"), ("timestamps", "1")];
    if query.follow {
        pairs.push(("follow", "1"));
    }
    if let Some(since) = &query.since {
        pairs.push(("since", since));
    }
    if let Some(tail) = &tail {
        pairs.push(("tail", tail));
    }
    with_query(&format!("/containers/{id}/logs"), &pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_holds_what_was_asked() {
        let query = LogQuery { follow: true, since: Some("1700000000.000000001".to_owned()), tail: Some(20) };
        assert_eq!(
            path("ab", &query),
            "/containers/ab/logs?stdout=1&stderr=1&timestamps=1&follow=1&since=1700000000.000000001&tail=20"
        );
        assert_eq!(path("ab", &LogQuery::default()), "/containers/ab/logs?stdout=1&stderr=1&timestamps=1");
    }
}
