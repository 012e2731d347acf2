//! The state of each service as the engine and the service itself tell it.

use futures_util::future::join_all;

use crate::apply::{StackSession, gather};
use crate::engine::Engine;
use crate::health::{Health, Reading};
use crate::model::{ContainerState, Observed, ObservedContainer, ServiceKind};
use crate::services::{Desired, DesiredService};

/// One service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub service: ServiceKind,
    /// The engine's word, `absent` when there is no container.
    pub state: String,
    pub health: Health,
    pub image: String,
    /// The address and the port on this machine where the container that runs is published.
    pub bound: Option<(String, u16)>,
    pub restarts: i64,
    /// RFC 3339.
    pub started_at: Option<String>,
    /// RFC 3339: since when a container that does not run has not run.
    pub stopped_at: Option<String>,
    /// Why it is not healthy, else empty.
    pub note: String,
}

/// One inspect and one probe per service of the listing, side by side.
pub async fn gather<E: Engine>(
    session: &StackSession<E>,
    desired: &Desired,
    observed: &Observed,
) -> Vec<Row> {
    let ours: Vec<&ObservedContainer> = gather::services(observed, &desired.stack).collect();
    let mut services: Vec<ServiceKind> = desired.services.keys().copied().collect();
    services.extend(ours.iter().filter_map(|container| container.service()));
    services.sort_unstable();
    services.dedup();
    let rows = services.into_iter().map(|service| {
        let name = desired.stack.container(service);
        let container = ours.iter().find(|container| container.name == name).copied();
        row(session, desired, service, container)
    });
    join_all(rows).await
}

async fn row<E: Engine>(
    session: &StackSession<E>,
    desired: &Desired,
    service: ServiceKind,
    container: Option<&ObservedContainer>,
) -> Row {
    let wanted = desired.services.get(&service);
    let Some(container) = container else {
        let image = wanted.map_or_else(String::new, |wanted| wanted.spec.image.to_string());
        let note = "`confidexmon up` creates it".to_owned();
        return Row {
            service,
            state: "absent".into(),
            health: Health::Absent,
            image,
            bound: None,
            restarts: 0,
            started_at: None,
            stopped_at: None,
            note,
        };
    };
    let inside = wanted.map(|wanted| wanted.probe.container_port());
    let bound = container
        .ports
        .iter()
        .find(|(_, _, container_port)| inside.is_none_or(|inside| inside == *container_port))
        .map(|(ip, host_port, _)| (ip.clone(), *host_port));
    let port = bound.as_ref().map(|(_, port)| *port);
    let probe = async {
        match (wanted, port) {
            (Some(wanted), Some(port)) if container.is_running() => {
                Some(session.probe(&wanted.probe, &session.address(wanted, port)).await)
            }
            _ => None,
        }
    };
    let doubt = in_doubt(session, container, wanted);
    let (detail, reading, doubt) = tokio::join!(session.engine.inspect(&container.id), probe, doubt);
    let detail = detail.unwrap_or_default();
    let (health, note) = match (container.is_running(), wanted, port) {
        (true, Some(wanted), None) => (Health::Unhealthy, unpublished(container, wanted)),
        _ => health(container, reading, &detail),
    };
    let note = if note.is_empty() && doubt { UNFINISHED.to_owned() } else { note };
    let known = |at: String| Some(at).filter(|at| !at.is_empty() && !at.starts_with("0001"));
    let stopped_at = known(detail.finished_at).filter(|_| container.state.is_stopped());
    Row {
        service,
        state: container.state.to_string(),
        health,
        image: container.image.clone(),
        bound,
        restarts: detail.restart_count,
        started_at: known(detail.started_at),
        stopped_at,
        note,
    }
}

/// Said of a container whose processes are frozen.
const PAUSED: &str = "somebody paused it, so it answers nobody; `confidexmon doctor --fix` lets it go on";
/// Said of a service whose manifest doubts its files.
const UNFINISHED: &str = "a change of its files is under way or was interrupted; `confidexmon up` finishes it and proves what is in force";

/// Said of a service that answers, and asks for another password than that of the settings.
const PASSWORD_NOT_IN_FORCE: &str = "it answers, but the password of the settings is not the one in force: `confidexmon up` (or `confidexmon reload`) puts it in force";

/// True when a change of a running container's files was begun and its end is not written down. One
/// more call, and only for a container whose files this machine does not remember.
async fn in_doubt<E: Engine>(
    session: &StackSession<E>,
    container: &ObservedContainer,
    wanted: Option<&DesiredService>,
) -> bool {
    let Some(wanted) = wanted.filter(|_| container.is_running()) else { return false };
    let known = gather::known_files(session, &container.id, &wanted.files.root).await;
    known.is_ok_and(|files| files.is_some_and(|files| files.has_unverified()))
}

/// Why a running container of an enabled service has no port on the host.
fn unpublished(container: &ObservedContainer, wanted: &DesiredService) -> String {
    match &wanted.spec.network {
        Some(network) if !container.networks.contains_key(network) => {
            format!("it is not attached to the network `{network}`; `confidexmon up` repairs it")
        }
        _ => "it publishes no port; `confidexmon up` repairs it".to_owned(),
    }
}

/// How long a service may be silent after its start and still be on its way; a first start of Grafana takes
/// half a minute on a busy machine.
const YOUTH: i64 = 60;

/// True for a container that was started a short while ago, and not because it keeps dying.
fn is_young(detail: &crate::model::ContainerDetail) -> bool {
    let Ok(started) = detail.started_at.parse::<jiff::Timestamp>() else { return false };
    let age = jiff::Timestamp::now().as_second() - started.as_second();
    detail.restart_count == 0 && (0..YOUTH).contains(&age)
}

fn health(
    container: &ObservedContainer,
    reading: Option<Reading>,
    detail: &crate::model::ContainerDetail,
) -> (Health, String) {
    match (&container.state, reading) {
        (ContainerState::Running, Some(Reading::Ready)) => (Health::Healthy, String::new()),
        (ContainerState::Running, Some(reading)) if reading.refuses_password() => {
            (Health::Unknown, PASSWORD_NOT_IN_FORCE.to_owned())
        }
        // A service that answers, but with something else than 200, is on its way.
        (ContainerState::Running, Some(reading)) if reading.is_starting() || is_young(detail) => {
            (Health::Starting, reading.text().to_owned())
        }
        (ContainerState::Running, Some(reading)) => (Health::Unhealthy, reading.text().to_owned()),
        (ContainerState::Running, None) => {
            (Health::Unknown, "not enabled in the settings, so it is not probed".to_owned())
        }
        (ContainerState::Restarting, _) => {
            (Health::Unhealthy, format!("it keeps exiting with code {}", detail.exit_code))
        }
        (ContainerState::Paused, _) => (Health::Unhealthy, PAUSED.to_owned()),
        (_, _) if detail.oom_killed => {
            (Health::Stopped, "it was killed because it ran out of memory (OOM)".to_owned())
        }
        (_, _) => (Health::Stopped, container.status.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ContainerDetail;

    #[test]
    fn a_paused_container_is_not_called_stopped() {
        let container = ObservedContainer { state: ContainerState::Paused, ..ObservedContainer::default() };
        let (word, note) = health(&container, None, &ContainerDetail::default());
        assert_eq!(word, Health::Unhealthy);
        assert!(note.contains("paused"), "{note}");
    }
}
