//! Every stack of an engine, read from its labels: their settings lie elsewhere.

use std::collections::BTreeMap;
use std::net::IpAddr;

use futures_util::future::join_all;

use crate::apply::{PROBE_DEADLINE, probe};
use crate::engine::Engine;
use crate::error::Error;
use crate::health::Health;
use crate::model::{ContainerState, Observed, ObservedContainer, Project, ServiceKind, labels};
use crate::net::HttpClient;
use crate::net::redis::{self, Ping};
use crate::services::{Protocol, profile};
use crate::update::recovery::is_kept;

/// One stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack {
    pub name: String,
    /// `None` for one that an older version started.
    pub project: Option<Project>,
    pub services: Vec<Service>,
    /// When its oldest container was made, in seconds since the epoch.
    pub created: i64,
}

/// A service of a stack that was found by its labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    pub kind: ServiceKind,
    pub state: ContainerState,
    /// On the host; `None` when it is not published now.
    pub port: Option<u16>,
    pub answers: bool,
}

impl Service {
    /// True while its process runs.
    pub fn is_running(&self) -> bool {
        self.state == ContainerState::Running
    }
}

impl Stack {
    /// Healthy: all answer. Stopped: none runs. Else unhealthy.
    pub fn health(&self) -> Health {
        if self.services.iter().all(|service| service.answers) {
            Health::Healthy
        } else if self.services.iter().any(Service::is_running) {
            Health::Unhealthy
        } else {
            Health::Stopped
        }
    }
}

/// The stacks by name, each running service asked once, side by side.
pub async fn all<E: Engine>(engine: &E, observed: &Observed) -> Result<Vec<Stack>, Error> {
    let mut containers: BTreeMap<&str, Vec<&ObservedContainer>> = BTreeMap::new();
    let services = observed.containers.iter().filter(|one| !one.is_temporary() && !is_kept(one));
    for container in services {
        if let Some(name) = container.label(labels::STACK) {
            containers.entry(name).or_default().push(container);
        }
    }
    let http = HttpClient::new(PROBE_DEADLINE)?;
    let stacks = containers.into_iter().map(|(name, containers)| stack(engine, &http, name, containers));
    Ok(join_all(stacks).await)
}

async fn stack<E: Engine>(
    engine: &E,
    http: &HttpClient,
    name: &str,
    containers: Vec<&ObservedContainer>,
) -> Stack {
    let project = containers.iter().find_map(|container| Project::of_labels(&container.labels));
    let created = containers.iter().map(|container| container.created).min().unwrap_or_default();
    let services = containers.iter().filter_map(|container| {
        let kind = container.service()?;
        Some(async move {
            let published = container.ports.first().filter(|_| container.has_its_ports());
            let answers = match published {
                Some((bind, port, _)) if container.is_running() => {
                    answers(http, kind, &host(engine, bind), *port).await
                }
                _ => false,
            };
            Service {
                kind,
                state: container.state.clone(),
                port: published.map(|(_, port, _)| *port),
                answers,
            }
        })
    });
    let mut services: Vec<Service> = join_all(services).await;
    services.sort_by_key(|service| service.kind);
    Stack { name: name.to_owned(), project, services, created }
}

fn host<E: Engine>(engine: &E, bind: &str) -> String {
    let info = engine.info();
    let bind = bind.parse().unwrap_or(IpAddr::from([127, 0, 0, 1]));
    probe::host(&info.endpoint, info.ports_are_local, bind)
}

/// Credentials are not known here, so being refused for the lack of them is an answer too.
async fn answers(http: &HttpClient, kind: ServiceKind, host: &str, port: u16) -> bool {
    let path = match profile(kind).protocol {
        Protocol::Http { ready } => ready,
        Protocol::Redis => {
            let ping = tokio::time::timeout(PROBE_DEADLINE, redis::ping(host, port, None)).await;
            return match ping {
                Ok(Ping::Pong) => true,
                Ok(Ping::Refused(words)) => words.contains("NOAUTH"),
                Ok(Ping::Unreachable(_)) | Err(_) => false,
            };
        }
    };
    let answer = http.get(&format!("http://{host}:{port}{path}"), None).await;
    answer.is_ok_and(|answer| matches!(answer.status, 200 | 401))
}
