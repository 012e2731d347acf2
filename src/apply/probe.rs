//! Asks a service whether it is ready, and knows at which address it answers.

use std::net::IpAddr;

use crate::apply::StackSession;
use crate::engine::Engine;
use crate::health::Reading;
use crate::net::http::one_line;
use crate::net::redis::{self, Ping};
use crate::services::{DesiredService, Probe};

/// Where a service's published port answers, as seen from this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub host: String,
    pub port: u16,
}

impl Address {
    /// The URL of a path there.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}:{}{path}", self.host, self.port)
    }
}

/// The host under which ports published on `bind` answer here.
pub fn host(endpoint: &str, ports_are_local: bool, bind: IpAddr) -> String {
    let ip = if bind.is_unspecified() { "127.0.0.1".to_owned() } else { bracketed(bind) };
    if ports_are_local {
        return ip;
    }
    // A remote engine: its ports are on its own host, unless a concrete address is published.
    if !bind.is_loopback() && !bind.is_unspecified() {
        return ip;
    }
    let authority = endpoint.split("://").nth(1).unwrap_or(endpoint);
    let host_port = authority.rsplit('@').next().unwrap_or(authority);
    host_port.rsplit_once(':').map_or(host_port, |(host, _)| host).to_owned()
}

fn bracketed(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

impl<E: Engine> StackSession<E> {
    /// The address of a service's only published port; `port` is the port the engine bound.
    pub fn address(&self, wanted: &DesiredService, port: u16) -> Address {
        let bind =
            wanted.spec.ports.first().map_or(IpAddr::from([127, 0, 0, 1]), |published| published.host_ip);
        let info = self.engine.info();
        Address { host: host(&info.endpoint, info.ports_are_local, bind), port }
    }

    /// One probe. Never an error: not being reachable is a reading.
    pub async fn probe(&self, probe: &Probe, address: &Address) -> Reading {
        match probe {
            Probe::Http { path, basic_auth, .. } => {
                match self.http.get(&address.url(path), basic_auth.as_ref()).await {
                    Ok(answer) if answer.status == 200 => Reading::Ready,
                    Ok(answer) => Reading::Answered {
                        status: Some(answer.status),
                        text: format!("{path} answered {}: {}", answer.status, one_line(&answer.body)),
                    },
                    Err(error) => Reading::Silent(innermost(&error)),
                }
            }
            Probe::Redis { password, .. } => {
                let ping = redis::ping(&address.host, address.port, password.as_ref());
                match tokio::time::timeout(super::PROBE_DEADLINE, ping).await {
                    Ok(Ping::Pong) => Reading::Ready,
                    Ok(Ping::Refused(words)) => {
                        Reading::Answered { status: None, text: format!("PING: {words}") }
                    }
                    Ok(Ping::Unreachable(reason)) => Reading::Silent(format!("PING: {reason}")),
                    Err(_) => Reading::Silent("PING: no answer".to_owned()),
                }
            }
        }
    }
}

/// The last cause of an error: "connection refused" says more than "error sending request".
fn innermost(error: &dyn std::error::Error) -> String {
    let causes = crate::error::chain(error);
    match causes.last() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
