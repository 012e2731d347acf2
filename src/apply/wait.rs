//! Waits until every service answers, and stops at once when one of them never will.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use crate::apply::probe::Address;
use crate::apply::{StackSession, explain, gather};
use crate::engine::{Engine, EngineError};
use crate::error::{Error, ExitCode};
use crate::health::{Reading, Verdict, verdict};
use crate::model::{ImageRef, Observed, ServiceKind};
use crate::report::events::ServiceState;
use crate::report::words;
use crate::services::{Desired, DesiredService, Protocol, profile};

/// The pause between two probes grows from the first to the second value.
const FIRST_PAUSE: Duration = Duration::from_millis(25);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
/// The engine is asked about a silent service only after this long, then this often.
const ENGINE_PATIENCE: Duration = Duration::from_millis(1500);
const ENGINE_INTERVAL: Duration = Duration::from_millis(500);

/// Container ids and bound host ports of the stack's services.
pub type Running = BTreeMap<ServiceKind, (String, u16)>;

/// One listing: which container runs each service, and on which host port it is published.
pub async fn running<E: Engine>(
    session: &StackSession<E>,
    desired: &Desired,
) -> Result<Running, EngineError> {
    Ok(running_in(&session.engine.list().await?, desired))
}

/// The same from a listing that was taken before.
pub fn running_in(observed: &Observed, desired: &Desired) -> Running {
    let ours = gather::services(observed, &desired.stack).filter_map(|container| {
        let service = container.service()?;
        let wanted = desired.services.get(&service).filter(|wanted| wanted.spec.name == container.name)?;
        let port = container.ports.iter().find(|(_, _, inside)| *inside == wanted.probe.container_port());
        let fixed = wanted.spec.ports.first().map_or(0, |port| port.host);
        Some((service, (container.id.clone(), port.map_or(fixed, |(_, host_port, _)| *host_port))))
    });
    ours.collect()
}

/// Waits for all services of the stack. The error names every service that did not make it.
pub async fn until_ready<E: Engine>(
    session: &StackSession<E>,
    desired: &Desired,
    running: &Running,
    limit: Duration,
) -> Result<(), Error> {
    let deadline = Instant::now() + limit;
    let waits = desired.services.iter().map(|(service, wanted)| async move {
        let wait = ServiceWait { session, service: *service, wanted, deadline, limit };
        let waited = wait.run(running.get(service)).await;
        waited.map_err(|error| match desired.worked_before.get(service) {
            Some(image) if error.code == ExitCode::Unhealthy => error.hint(way_back(*service, image)),
            _ => error,
        })
    });
    let failures: Vec<Error> = join_all(waits).await.into_iter().filter_map(Result::err).collect();
    Error::all(failures).map_or(Ok(()), Err)
}

/// How to go back to the image that worked.
fn way_back(service: ServiceKind, image: &ImageRef) -> String {
    let key = service.key();
    let variable = format!("CONFIDEXMON_IMAGE_{}", key.to_uppercase());
    format!(
        "it worked with {image}: put that back as `images.{key}` in config/confidexmon.yml (or in {variable}, where that is set), then `confidexmon up`; `confidexmon update {service}` keeps the old container until the new image works"
    )
}

/// What waiting for one service came to.
#[derive(Debug)]
pub enum Waited {
    Ready,
    /// It had not answered by the deadline, and nothing says that it never will.
    StillStarting(Error),
    /// It exits, or cannot be started.
    Hopeless(Error),
    Cancelled(Error),
}

/// Waits for one service.
pub async fn one<E: Engine>(
    session: &StackSession<E>,
    service: ServiceKind,
    wanted: &DesiredService,
    (container_id, port): &(String, u16),
    limit: Duration,
) -> Waited {
    let wait = ServiceWait { session, service, wanted, deadline: Instant::now() + limit, limit };
    wait.until_known(container_id, *port).await
}

struct ServiceWait<'a, E> {
    session: &'a StackSession<E>,
    service: ServiceKind,
    wanted: &'a DesiredService,
    deadline: Instant,
    limit: Duration,
}

impl<E: Engine> ServiceWait<'_, E> {
    async fn run(&self, running: Option<&(String, u16)>) -> Result<(), Error> {
        let Some((container_id, port)) = running else {
            return Err(Error::new(ExitCode::Unhealthy, format!("{} has no container", self.service)));
        };
        match self.until_known(container_id, *port).await {
            Waited::Ready => Ok(()),
            Waited::StillStarting(error) | Waited::Hopeless(error) | Waited::Cancelled(error) => Err(error),
        }
    }

    async fn until_known(&self, container_id: &str, port: u16) -> Waited {
        let address = self.session.address(self.wanted, port);
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut ask_engine_at = began + ENGINE_PATIENCE;
        loop {
            let answer = match self.session.probe(&self.wanted.probe, &address).await {
                Reading::Ready => {
                    self.session.say(
                        self.service,
                        ServiceState::Ready,
                        format!("ready at {}", self.shown_url(&address)),
                    );
                    return Waited::Ready;
                }
                other => other.text().to_owned(),
            };
            if let Err(error) = self.session.check_cancelled() {
                return Waited::Cancelled(error);
            }
            self.session.say(self.service, ServiceState::Waiting, format!("waiting: {answer}"));
            if Instant::now() >= ask_engine_at {
                ask_engine_at = Instant::now() + ENGINE_INTERVAL;
                if let Err(error) = self.give_up_if_hopeless(container_id, &answer).await {
                    return Waited::Hopeless(error);
                }
            }
            if Instant::now() + pause >= self.deadline {
                let reason = format!("it did not answer within {}", words::elapsed(self.limit));
                return Waited::StillStarting(self.failure(container_id, &reason, &answer).await);
            }
            sleep(pause).await;
            pause = (pause * 3 / 2).min(LONGEST_PAUSE);
        }
    }

    fn shown_url(&self, address: &Address) -> String {
        match profile(self.service).protocol {
            Protocol::Redis => format!("{}:{}", address.host, address.port),
            Protocol::Http { .. } => address.url("").replace("127.0.0.1", "localhost"),
        }
    }

    async fn give_up_if_hopeless(&self, container_id: &str, answer: &str) -> Result<(), Error> {
        // The engine not answering just now is no reason to give up a service.
        let Ok(detail) = self.session.engine.inspect(container_id).await else { return Ok(()) };
        match verdict(&detail) {
            Verdict::Wait => Ok(()),
            Verdict::Hopeless(reason) => Err(self.failure(container_id, &reason, answer).await),
        }
    }

    /// The whole evidence: state, exit code, memory kill, last answer, last log lines.
    async fn failure(&self, container_id: &str, reason: &str, answer: &str) -> Error {
        self.session.say(self.service, ServiceState::Failed, reason);
        let mut evidence = format!("{} ({})\n", self.service, self.wanted.spec.name);
        if let Ok(detail) = self.session.engine.inspect(container_id).await {
            evidence.push_str(&format!(
                "  state: {}, exit code {}, killed for memory: {}, restarts: {}\n",
                detail.state,
                detail.exit_code,
                if detail.oom_killed { "yes" } else { "no" },
                detail.restart_count
            ));
            if !detail.error.is_empty() {
                evidence.push_str(&format!("  engine: {}\n", detail.error));
            }
        }
        evidence.push_str(&format!("  last answer: {answer}\n  last log lines:\n"));
        evidence.push_str(&explain::last_log_lines(&self.session.engine, container_id).await);
        Error::new(ExitCode::Unhealthy, format!("{} did not become healthy: {reason}", self.service))
            .evidence(evidence)
            .hint(format!("see all of its log: `confidexmon logs {}`", self.service))
    }
}
