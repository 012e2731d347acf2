//! Stops and removes everything that carries the stack's label.

use std::time::Duration;

use futures_util::future::join_all;

use crate::apply::{StackSession, network};
use crate::engine::{Engine, ErrorKind};
use crate::error::Error;
use crate::model::{ObservedContainer, ServiceKind, StackName};
use crate::report::events::{Event, ServiceState};
use crate::services::stop_grace;

/// What was removed, for the report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    pub containers: Vec<String>,
    pub networks: Vec<String>,
    pub volumes: Vec<String>,
}

/// What a container gets whose service is not known: the longest that any service needs.
const UNKNOWN_GRACE: Duration = stop_grace(ServiceKind::Prometheus);

/// Containers side by side, then the network, then (only when asked) the volumes.
pub async fn run<E: Engine>(
    session: &StackSession<E>,
    stack: &StackName,
    with_volumes: bool,
) -> Result<Removed, Error> {
    let observed = session.engine.list().await?;
    let ours: Vec<&ObservedContainer> = super::gather::ours(&observed, stack).collect();
    let removals = join_all(ours.iter().map(|container| remove(session, container))).await;
    let mut removed = Removed::default();
    for (container, result) in ours.iter().zip(removals) {
        result?;
        removed.containers.push(container.name.clone());
    }
    removed.networks = remove_networks(session, stack).await?;
    super::drill::remove_network(session, stack).await?;
    if with_volumes {
        for volume in session.engine.volumes(stack).await? {
            session.check_cancelled()?;
            session.engine.remove_volume(&volume.name).await?;
            removed.volumes.push(volume.name);
        }
    }
    Ok(removed)
}

async fn remove<E: Engine>(session: &StackSession<E>, container: &ObservedContainer) -> Result<(), Error> {
    session.check_cancelled()?;
    if container.is_temporary() {
        // It holds nothing that a graceful stop would save.
        return Ok(session.engine.remove_container(&container.id, true).await?);
    }
    if container.state.needs_a_stop() {
        say(session, container, ServiceState::Working, "stopping".to_owned());
        let grace = container.service().map_or(UNKNOWN_GRACE, stop_grace);
        session.engine.stop(&container.id, grace).await?;
    }
    session.engine.remove_container(&container.id, false).await?;
    session.forget(&container.id);
    say(session, container, ServiceState::Done, format!("removed {}", container.name));
    Ok(())
}

/// A container of ours whose service is not known is nobody else's: it is told by its name.
fn say<E: Engine>(
    session: &StackSession<E>,
    container: &ObservedContainer,
    state: ServiceState,
    detail: String,
) {
    match container.service() {
        Some(service) => session.say(service, state, detail),
        None => session.reporter.event(&Event::Fact { text: format!("{}: {detail}", container.name) }),
    }
}

async fn remove_networks<E: Engine>(
    session: &StackSession<E>,
    stack: &StackName,
) -> Result<Vec<String>, Error> {
    let mut removed = Vec::new();
    for network in session.engine.find_networks(&stack.network()).await? {
        if !network::is_ours(&network, stack) {
            let text = format!("the network `{}` is not confidexmon's and stays", network.name);
            session.reporter.event(&Event::Warning { text });
            continue;
        }
        match session.engine.remove_network(&network.id).await {
            Ok(()) => removed.push(network.name),
            Err(error) if error.kind == ErrorKind::NotFound => {}
            Err(error) => {
                return Err(Error::from(error)
                    .hint(format!("see what is still attached: `docker network inspect {}`", network.name)));
            }
        }
    }
    Ok(removed)
}
