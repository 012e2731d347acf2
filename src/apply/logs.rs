//! Logs of all services as one stream in time order.
//!
//! Each service is followed by its name, not by a container id: after a restart or a recreation the
//! new container is read from the last line seen, and lines that were seen already are dropped. The
//! engine stamps every line with nanoseconds, which is the order and the identity of a line.

use std::collections::{BinaryHeap, HashSet};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use tokio::sync::mpsc::{self, Sender};
use tokio::time::{Instant, sleep, sleep_until};

use crate::apply::{StackSession, gather};
use crate::engine::{Engine, ErrorKind, LogQuery};
use crate::error::Error;
use crate::model::{ServiceKind, StackName};

/// What to read.
#[derive(Clone, Debug)]
pub struct Query {
    pub services: Vec<ServiceKind>,
    pub follow: bool,
    /// Seconds since the epoch with nanoseconds.
    pub since: Option<String>,
    pub tail: Option<u64>,
}

/// One line, with the service that wrote it. Ordered by time, then by service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MergedLine {
    /// RFC 3339 with nanoseconds in UTC: its text order is its time order.
    pub timestamp: String,
    pub service: ServiceKind,
    pub text: String,
}

/// While following, a line waits this long for an older one of another service.
const REORDER: Duration = Duration::from_millis(150);
/// How often a follower looks for the container that comes after one that is gone.
const RETRY: Duration = Duration::from_millis(200);

/// Reads until the logs end, or (following) until the user stops.
pub async fn run<E: Engine>(
    session: &StackSession<E>,
    stack: &StackName,
    query: &Query,
    output: Sender<MergedLine>,
) -> Result<(), Error> {
    // A first look makes an unreachable engine an error rather than silence.
    let observed = session.engine.list().await?;
    let there: Vec<ServiceKind> = gather::services(&observed, stack)
        .filter_map(super::super::model::observed::ObservedContainer::service)
        .collect();
    warn_of_absent(session, stack, query, &there);
    let services = query.services.iter().copied().filter(|service| query.follow || there.contains(service));
    let (sender, receiver) = mpsc::channel(1024);
    let readers = services.map(|service| follow_service(session, stack, service, query, sender.clone()));
    let readers: Vec<_> = readers.collect();
    drop(sender);
    if query.follow {
        tokio::select! {
            _ = async { tokio::join!(join_all(readers), reorder(receiver, output)) } => {}
            () = session.cancel.cancelled() => {}
        }
    } else {
        tokio::join!(join_all(readers), sort_all(receiver, output));
    }
    Ok(())
}

/// Silence would look as if the services had nothing to say.
fn warn_of_absent<E: Engine>(
    session: &StackSession<E>,
    stack: &StackName,
    query: &Query,
    there: &[ServiceKind],
) {
    let then = if query.follow { "; waiting for it" } else { "" };
    if there.is_empty() {
        session.warn(format!(
            "the stack `{stack}` has no containers, so there are no logs{then} (`confidexmon up` starts it)"
        ));
        return;
    }
    // All of them are asked for when none is named; then it is no news which are not enabled.
    let named = query.services.len() < ServiceKind::ALL.len();
    for service in query.services.iter().filter(|service| named && !there.contains(service)) {
        session.warn(format!("there is no container of {service}, so it has no logs{then}"));
    }
}

/// The whole of finite logs, sorted.
async fn sort_all(mut receiver: mpsc::Receiver<MergedLine>, output: Sender<MergedLine>) {
    let mut lines = Vec::new();
    while let Some(line) = receiver.recv().await {
        lines.push(line);
    }
    lines.sort();
    for line in lines {
        if output.send(line).await.is_err() {
            return;
        }
    }
}

/// Lets each line wait for older ones of other services, then passes it on.
async fn reorder(mut receiver: mpsc::Receiver<MergedLine>, output: Sender<MergedLine>) {
    let mut waiting: BinaryHeap<std::cmp::Reverse<(MergedLine, Instant)>> = BinaryHeap::new();
    loop {
        let due = waiting.peek().map(|entry| entry.0.1);
        tokio::select! {
            line = receiver.recv() => match line {
                Some(line) => waiting.push(std::cmp::Reverse((line, Instant::now() + REORDER))),
                None => break,
            },
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                if let Some(std::cmp::Reverse((line, _))) = waiting.pop()
                    && output.send(line).await.is_err()
                {
                    return;
                }
            }
        }
    }
    while let Some(std::cmp::Reverse((line, _))) = waiting.pop() {
        let _ = output.send(line).await;
    }
}

/// What has been passed on of one service, so that a second container's reading repeats nothing.
#[derive(Default)]
struct Seen {
    last: String,
    /// Lines that carry exactly the last timestamp.
    at_last: HashSet<String>,
}

impl Seen {
    /// True when the line is new; remembers it.
    fn is_new(&mut self, timestamp: &str, text: &str) -> bool {
        if timestamp < self.last.as_str() {
            return false;
        }
        if timestamp > self.last.as_str() {
            timestamp.clone_into(&mut self.last);
            self.at_last.clear();
        }
        self.at_last.insert(text.to_owned())
    }
}

async fn follow_service<E: Engine>(
    session: &StackSession<E>,
    stack: &StackName,
    service: ServiceKind,
    query: &Query,
    sender: Sender<MergedLine>,
) {
    let name = stack.container(service);
    let mut seen = Seen::default();
    let mut first = true;
    loop {
        let container_id = container_id(session, stack, service).await;
        if let Some(container_id) = &container_id {
            let since = epoch(&seen.last).or_else(|| query.since.clone());
            let tail = if first { query.tail } else { None };
            let log_query = LogQuery { follow: query.follow, since, tail };
            let mut lines = session.engine.logs(container_id, log_query);
            first = false;
            while let Some(line) = lines.next().await {
                match line {
                    Ok(line) if seen.is_new(&line.timestamp, &line.text) => {
                        let merged = MergedLine { timestamp: line.timestamp, service, text: line.text };
                        if sender.send(merged).await.is_err() {
                            return;
                        }
                    }
                    Ok(_) => {}
                    Err(error) if query.follow || error.kind == ErrorKind::NotFound => break,
                    Err(error) => {
                        session.warn(format!("the log of `{name}` ended early: {}", error.source));
                        return;
                    }
                }
            }
        }
        if !query.follow {
            return;
        }
        sleep(RETRY).await;
    }
}

async fn container_id<E: Engine>(
    session: &StackSession<E>,
    stack: &StackName,
    service: ServiceKind,
) -> Option<String> {
    let observed = session.engine.list().await.ok()?;
    let name = stack.container(service);
    gather::services(&observed, stack)
        .find(|container| container.name == name)
        .map(|container| container.id.clone())
}

/// An RFC 3339 timestamp as the engine's `since` wants it.
fn epoch(timestamp: &str) -> Option<String> {
    let at: jiff::Timestamp = timestamp.parse().ok()?;
    Some(format!("{}.{:09}", at.as_second(), at.subsec_nanosecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_passed_on_once_even_when_two_share_a_timestamp() {
        let mut seen = Seen::default();
        assert!(seen.is_new("2026-01-01T00:00:00.000000001Z", "a"));
        assert!(seen.is_new("2026-01-01T00:00:00.000000001Z", "b"));
        assert!(!seen.is_new("2026-01-01T00:00:00.000000001Z", "a"));
        assert!(seen.is_new("2026-01-01T00:00:00.000000002Z", "a"));
        assert!(!seen.is_new("2026-01-01T00:00:00.000000001Z", "c"));
    }
}
