//! Carries out the plan of `down`.

use std::time::Duration;

use futures_util::future::{join_all, try_join};

use crate::apply::StackSession;
use crate::engine::{Engine, ErrorKind};
use crate::error::Error;
use crate::model::{Observed, StackName};
use crate::plan::removal::{ContainerRemoval, Data, End, Found, Removal, removal};
use crate::report::events::{Event, ServiceState};

/// What has just begun to run has little to save.
const LATE_START: Duration = Duration::from_secs(30);

/// Removes all of a stack, its data too.
pub async fn everything<E: Engine>(session: &StackSession<E>, stack: &StackName) -> Result<(), Error> {
    let observed = session.engine.list().await?;
    let found = gather(session, stack, observed, Volumes::Listed).await?;
    run(session, &removal(&found, stack, Data::Removed)).await
}

/// Whether the volumes are looked for: only where they are removed or shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Volumes {
    /// One more call.
    Listed,
    /// They stay, and nobody asks which.
    NotAskedFor,
}

/// Everything under the stack's names and labels; `observed` is the listing.
pub async fn gather<E: Engine>(
    session: &StackSession<E>,
    stack: &StackName,
    observed: Observed,
    volumes: Volumes,
) -> Result<Found, Error> {
    let (network, drill_network) = (stack.network(), stack.drill_network());
    let networks =
        try_join(session.engine.find_networks(&network), session.engine.find_networks(&drill_network));
    let volumes = async {
        match volumes {
            Volumes::Listed => session.engine.volumes(stack).await,
            Volumes::NotAskedFor => Ok(Vec::new()),
        }
    };
    let (networks, volumes) = try_join(networks, volumes).await?;
    Ok(Found { observed, networks: [networks.0, networks.1].concat(), volumes })
}

/// Containers side by side, then the networks, then the volumes.
pub async fn run<E: Engine>(session: &StackSession<E>, plan: &Removal) -> Result<(), Error> {
    for network in &plan.foreign_networks {
        let text = format!("the network `{network}` is not confidexmon's and stays");
        session.reporter.event(&Event::Warning { text });
    }
    let removals = join_all(plan.containers.iter().map(|container| remove(session, container))).await;
    removals.into_iter().collect::<Result<Vec<()>, Error>>()?;
    for network in &plan.networks {
        match session.engine.remove_network(&network.id).await {
            Err(error) if error.kind != ErrorKind::NotFound => {
                return Err(Error::from(error)
                    .hint(format!("see what is still attached: `docker network inspect {}`", network.name)));
            }
            _ => {}
        }
    }
    for volume in &plan.volumes {
        session.check_cancelled()?;
        session.engine.remove_volume(volume).await?;
    }
    Ok(())
}

async fn remove<E: Engine>(session: &StackSession<E>, container: &ContainerRemoval) -> Result<(), Error> {
    session.check_cancelled()?;
    if let End::Stopped(grace) = container.end {
        say(session, container, ServiceState::Working, "stopping".to_owned());
        session.engine.stop(&container.id, grace).await?;
    }
    match session.engine.remove_container(&container.id, container.end == End::Killed).await {
        // A start that a killed run had asked for came after the listing.
        Err(error) if error.kind == ErrorKind::Conflict => {
            session.engine.stop(&container.id, LATE_START).await?;
            session.engine.remove_container(&container.id, false).await?;
        }
        other => other?,
    }
    session.forget(&container.id);
    if container.end != End::Killed {
        say(session, container, ServiceState::Done, format!("removed {}", container.name));
    }
    Ok(())
}

/// A container of ours whose service is not known is nobody else's: it is told by its name.
fn say<E: Engine>(
    session: &StackSession<E>,
    container: &ContainerRemoval,
    state: ServiceState,
    detail: String,
) {
    match container.service {
        Some(service) => session.say(service, state, detail),
        None => session.reporter.event(&Event::Fact { text: format!("{}: {detail}", container.name) }),
    }
}
