//! Gathers the facts that `doctor` decides on. Everything is asked at the same time, each question has a
//! deadline of its own, and no answer is a fact as well.

mod alertmanager;
pub mod bundle;
mod containers;
mod engine;
mod env_file;
pub mod fix;
mod grafana;
mod logs;
mod machine;
mod plan;
mod prometheus;
mod redis;
mod rule_metrics;
mod targets;
mod wanted;

pub(super) use alertmanager::failures;

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use crate::apply::{StackSession, gather, probe};
use crate::doctor::facts::{Asked, Facts};
use crate::doctor::{Topic, secrets};
use crate::engine::Engine;
use crate::error::in_full;
use crate::model::{Observed, ObservedContainer, Secret, ServiceKind};
use crate::net::HttpClient;
use crate::net::http::Credentials;
use crate::services::Desired;
use crate::settings::Settings;

/// The deadline of one request.
pub const REQUEST: Duration = Duration::from_secs(2);
/// The deadline of all that is asked of one service.
const SERVICE: Duration = Duration::from_millis(6500);
const ENGINE: Duration = Duration::from_secs(3);

/// What is looked at, and with what.
pub struct Inspector<'a, E> {
    pub settings: &'a Settings,
    pub desired: &'a Desired,
    /// The project's dashboards: path as shown, and text.
    pub dashboards: Vec<(String, String)>,
    pub project_dir: &'a Path,
    /// The engine, or why there is none.
    pub session: Result<&'a StackSession<E>, String>,
    /// Its containers, or why they could not be listed.
    pub observed: Result<&'a Observed, String>,
    pub http: HttpClient,
    /// All when empty.
    pub topics: &'a [Topic],
    /// False when the password was refused before: Grafana locks a login after five wrong tries.
    pub may_sign_in: bool,
}

/// Looks at everything.
pub async fn facts<E: Engine>(inspector: &Inspector<'_, E>) -> Facts {
    let (engine, containers, networks, plan, machine) = tokio::join!(
        engine::gather(inspector),
        containers::gather(inspector),
        plan::networks(inspector),
        plan::gather(inspector),
        machine::gather(inspector),
    );
    let (prometheus, grafana, alertmanager, env_file, redis) = tokio::join!(
        within("Prometheus", SERVICE, prometheus::gather(inspector)),
        within("Grafana", SERVICE, grafana::gather(inspector)),
        within("Alertmanager", SERVICE, alertmanager::gather(inspector)),
        env_file::gather(inspector.project_dir),
        redis::gather(inspector),
    );
    let mut facts = Facts {
        now: now(),
        wanted: wanted::of(inspector),
        env_file,
        engine,
        machine,
        containers,
        networks,
        plan,
        prometheus,
        grafana,
        alertmanager,
        redis,
    };
    grafana::name_missing_metrics(&mut facts);
    grafana::tell_since_when(inspector, &mut facts).await;
    facts
}

/// Seconds since the epoch.
fn now() -> f64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

/// Seconds since then.
fn since(at: jiff::Timestamp) -> f64 {
    (now() - at.as_duration().as_secs_f64()).max(0.0)
}

/// The answer, or that there was none in time.
async fn within<T>(who: &str, limit: Duration, question: impl Future<Output = Asked<T>>) -> Asked<T> {
    let late = || Asked::NoAnswer(format!("{who} does not answer within {} s", limit.as_secs()));
    tokio::time::timeout(limit, question).await.unwrap_or_else(|_| late())
}

/// What a failed request says.
fn asked<T, F: std::error::Error + 'static>(result: Result<T, F>) -> Asked<T> {
    result.map_err(|error| in_full(&error)).into()
}

impl<E: Engine> Inspector<'_, E> {
    fn wants(&self, topic: Topic) -> bool {
        self.topics.is_empty() || self.topics.contains(&topic)
    }

    fn container(&self, service: ServiceKind) -> Option<&ObservedContainer> {
        let name = self.settings.stack.container(service);
        let observed = self.observed.as_ref().ok()?;
        gather::services(observed, &self.settings.stack).find(|container| container.name == name)
    }

    /// Where a service answers: as the engine bound it, else as the settings say.
    fn base_url(&self, service: ServiceKind) -> Result<String, String> {
        let wanted = self.desired.services.get(&service).ok_or_else(|| format!("{service} is left out"))?;
        let container = self.container(service);
        if self.observed.is_ok() {
            let state = container.map_or_else(|| "absent".to_owned(), |one| one.state.to_string());
            if container.is_none_or(|one| !one.is_running()) {
                return Err(format!("{service} is {state}"));
            }
        }
        let inside = wanted.probe.container_port();
        let bound = container.and_then(|one| one.ports.iter().find(|(_, _, port)| *port == inside));
        let port = bound.map_or_else(|| self.settings.port(service), |(_, port, _)| *port);
        if port == 0 {
            return Err(format!("{service} publishes no port"));
        }
        let loopback = ("127.0.0.1".to_owned(), true);
        let (endpoint, is_local) = self.session.as_ref().map_or(loopback, |session| {
            (session.engine.info().endpoint.clone(), session.engine.info().ports_are_local)
        });
        Ok(format!("http://{}:{port}", probe::host(&endpoint, is_local, self.settings.bind)))
    }

    fn credentials(&self, service: ServiceKind) -> Option<Credentials> {
        self.desired.services.get(&service)?.probe.basic_auth()
    }

    fn secrets(&self) -> Vec<(String, Secret)> {
        secrets::of(self.settings)
    }
}
