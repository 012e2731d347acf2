//! Stops and removes everything that carries the stack's label.

use std::time::Duration;

use futures_util::future::join_all;

use crate::apply::{Applier, network};
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
    applier: &Applier<E>,
    stack: &StackName,
    with_volumes: bool,
) -> Result<Removed, Error> {
    let observed = applier.engine.list().await?;
    let ours: Vec<&ObservedContainer> = super::gather::ours(&observed, stack).collect();
    let removals = join_all(ours.iter().map(|container| remove(applier, container))).await;
    let mut removed = Removed::default();
    for (container, result) in ours.iter().zip(removals) {
        result?;
        removed.containers.push(container.name.clone());
    }
    removed.networks = remove_networks(applier, stack).await?;
    super::drill::remove_network(applier, stack).await?;
    if with_volumes {
        for volume in applier.engine.volumes(stack).await? {
            applier.check_cancelled()?;
            applier.engine.remove_volume(&volume).await?;
            removed.volumes.push(volume);
        }
    }
    Ok(removed)
}

async fn remove<E: Engine>(applier: &Applier<E>, container: &ObservedContainer) -> Result<(), Error> {
    applier.check_cancelled()?;
    if container.is_temporary() {
        // It holds nothing that a graceful stop would save.
        return Ok(applier.engine.remove_container(&container.id, true).await?);
    }
    if !matches!(container.state.as_str(), "created" | "exited" | "dead" | "removing") {
        say(applier, container, ServiceState::Working, "stopping".to_owned());
        let grace = container.service().map_or(UNKNOWN_GRACE, stop_grace);
        applier.engine.stop(&container.id, grace).await?;
    }
    applier.engine.remove_container(&container.id, false).await?;
    applier.forget(&container.id);
    say(applier, container, ServiceState::Done, format!("removed {}", container.name));
    Ok(())
}

/// A container of ours whose service is not known is nobody else's: it is told by its name.
fn say<E: Engine>(applier: &Applier<E>, container: &ObservedContainer, state: ServiceState, detail: String) {
    match container.service() {
        Some(service) => applier.say(service, state, detail),
        None => applier.reporter.event(&Event::Fact { text: format!("{}: {detail}", container.name) }),
    }
}

async fn remove_networks<E: Engine>(applier: &Applier<E>, stack: &StackName) -> Result<Vec<String>, Error> {
    let mut removed = Vec::new();
    for network in applier.engine.find_networks(&stack.network()).await? {
        if !network::is_ours(&network, stack) {
            let text = format!("the network `{}` is not confidexmon's and stays", network.name);
            applier.reporter.event(&Event::Warning { text });
            continue;
        }
        match applier.engine.remove_network(&network.id).await {
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
