//! Where everything arrives: an HTTP server of ours that the scratch containers post to.
//!
//! It listens on the one address under which containers reach this machine and believes only
//! paths that begin with a random token.

use std::future::IntoFuture;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, ExitCode};

/// The name under which containers know this machine.
const HOST: &str = "host.docker.internal";

/// Something that arrived.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    pub(super) at: Instant,
    pub(super) slot: usize,
    pub(super) what: What,
}

#[derive(Clone, Debug)]
pub(super) enum What {
    /// Alerts as a Prometheus sends them to every Alertmanager.
    Alerts(Value),
    /// A notification of the integration with these numbers.
    Message { receiver: usize, integration: usize, body: Value },
}

#[derive(Debug)]
pub(super) struct Sink {
    port: u16,
    token: String,
    arrivals: Arrivals,
    stop: CancellationToken,
}

type Arrivals = Arc<Mutex<Vec<Arrival>>>;

#[derive(Clone)]
struct Shared {
    token: String,
    arrivals: Arrivals,
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Sink {
    /// Listens where a container's hosts file says that this machine is. Behind a virtual machine
    /// (Docker Desktop, rootless engines) that address is not ours, and what is sent there comes out
    /// on our loopback.
    pub(super) async fn open(hosts_file: &str, token: String) -> Result<Self, Error> {
        let gateway = gateway(hosts_file);
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let mut listener = None;
        for ip in gateway.into_iter().chain([loopback]) {
            if let Ok(bound) = TcpListener::bind(SocketAddr::new(ip, 0)).await {
                listener = Some(bound);
                break;
            }
        }
        let port =
            listener.as_ref().and_then(|listener| listener.local_addr().ok()).map(|address| address.port());
        let (Some(listener), Some(port)) = (listener, port) else {
            return Err(Error::new(ExitCode::Failed, "cannot listen for the messages of the drill"));
        };
        let arrivals = Arrivals::default();
        let stop = CancellationToken::new();
        let shared = Shared { token: token.clone(), arrivals: arrivals.clone() };
        let router = Router::new()
            .route("/{token}/tap/{slot}/api/v2/alerts", post(tap))
            .route("/{token}/sink/{slot}/{receiver}/{integration}", post(message))
            // Some integrations append to the address that they are given.
            .route("/{token}/sink/{slot}/{receiver}/{integration}/{*rest}", post(message_below))
            .with_state(shared);
        tokio::spawn(
            axum::serve(listener, router)
                .with_graceful_shutdown(stop.clone().cancelled_owned())
                .into_future(),
        );
        Ok(Self { port, token, arrivals, stop })
    }

    /// `host:port` as the containers know it.
    pub(super) fn host(&self) -> String {
        format!("{HOST}:{}", self.port)
    }

    /// The path before `/api/v2/alerts` for the Prometheus of a slot.
    pub(super) fn tap_path(&self, slot: usize) -> String {
        format!("/{}/tap/{slot}", self.token)
    }

    pub(super) fn url(&self, slot: usize, receiver: usize, integration: usize) -> String {
        format!("http://{}/{}/sink/{slot}/{receiver}/{integration}", self.host(), self.token)
    }

    /// What has arrived for a slot so far.
    pub(super) fn arrivals(&self, slot: usize) -> Vec<Arrival> {
        let arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        arrivals.iter().filter(|arrival| arrival.slot == slot).cloned().collect()
    }

    /// True when nothing at all has arrived.
    pub(super) fn is_silent(&self) -> bool {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

/// The address of this machine in a container's hosts file.
fn gateway(hosts_file: &str) -> Option<IpAddr> {
    hosts_file.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let ip: IpAddr = words.next()?.parse().ok()?;
        words.any(|name| matches!(name, HOST | "host.containers.internal")).then_some(ip)
    })
}

async fn tap(
    State(shared): State<Shared>,
    Path((token, slot)): Path<(String, usize)>,
    body: Bytes,
) -> Response {
    match serde_json::from_slice(&body) {
        Ok(alerts) => shared.note(&token, slot, What::Alerts(alerts)),
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

async fn message(
    State(shared): State<Shared>,
    Path((token, slot, receiver, integration)): Path<(String, usize, usize, usize)>,
    body: Bytes,
) -> Response {
    let text = || Value::String(String::from_utf8_lossy(&body).into_owned());
    let body = serde_json::from_slice(&body).unwrap_or_else(|_| text());
    shared.note(&token, slot, What::Message { receiver, integration, body })
}

async fn message_below(
    state: State<Shared>,
    Path((token, slot, receiver, integration, _)): Path<(String, usize, usize, usize, String)>,
    body: Bytes,
) -> Response {
    message(state, Path((token, slot, receiver, integration)), body).await
}

impl Shared {
    fn note(&self, token: &str, slot: usize, what: What) -> Response {
        if token != self.token {
            return StatusCode::NOT_FOUND.into_response();
        }
        let mut arrivals = self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        arrivals.push(Arrival { at: Instant::now(), slot, what });
        // Enough for every integration that reads its answer.
        let answer = json!({"ok": true, "status": "success", "result": {"message_id": 1, "chat": {"id": 1}}});
        (StatusCode::OK, axum::Json(answer)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_this_machine_in_a_hosts_file() {
        let hosts = "127.0.0.1\tlocalhost\n::1 localhost\n172.17.0.1\thost.docker.internal\n172.18.0.2 abc\n";
        assert_eq!(gateway(hosts), "172.17.0.1".parse().ok());
        assert_eq!(
            gateway("10.88.0.1 host.containers.internal host.docker.internal"),
            "10.88.0.1".parse().ok()
        );
        assert_eq!(gateway("127.0.0.1 localhost"), None);
        assert_eq!(gateway("nonsense\n"), None);
    }
}
