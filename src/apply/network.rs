//! The stack's network: made once, one of its name.

use crate::apply::StackSession;
use crate::engine::{Engine, EngineError, ErrorKind};
use crate::error::Error;
use crate::model::{NetworkSpec, ObservedNetwork, StackName, labels};
use crate::plan::Plan;
use crate::services::Desired;

/// Shared by the services that wait for it.
pub type NetworkResult = Result<(), std::sync::Arc<EngineError>>;

/// Creates the network when the plan says so. A conflict means that it is there by now: ours is fine.
pub async fn ensure<E: Engine>(session: &StackSession<E>, desired: &Desired, plan: &Plan) -> NetworkResult {
    if plan.network.is_none() || session.cancel.is_cancelled() {
        return Ok(());
    }
    match session.engine.create_network(&desired.network).await {
        Ok(_) => Ok(()),
        Err(error) if error.kind == ErrorKind::Conflict => ours_or_foreign(session, &desired.network).await,
        Err(error) => Err(error.into()),
    }
}

async fn ours_or_foreign<E: Engine>(session: &StackSession<E>, spec: &NetworkSpec) -> NetworkResult {
    let found = session.engine.find_networks(&spec.name).await?;
    if found.iter().any(|network| is_ours(network, &spec.stack)) {
        return Ok(());
    }
    let action = format!("create the network `{}`", spec.name);
    let answer =
        "a network with this name exists and is not confidexmon's; remove it or choose another `stack:` name";
    Err(EngineError::new(action, ErrorKind::Conflict, answer).into())
}

/// Leaves one of several networks of ours with one name: an engine before 25 takes two runs at once
/// at their word. The first by id stays unless another one is in use already, which the engine does
/// not let go; so two runs that meet the duplicates keep the same one.
pub async fn remove_duplicates<E: Engine>(
    session: &StackSession<E>,
    spec: &NetworkSpec,
) -> Result<(), Error> {
    let mut found = session.engine.find_networks(&spec.name).await?;
    found.retain(|network| is_ours(network, &spec.stack));
    found.sort_by(|a, b| a.id.cmp(&b.id));
    let Some((first, others)) = found.split_first() else { return Ok(()) };
    let mut in_use = false;
    for network in others {
        in_use |= !remove_unused(session, network).await?;
    }
    if in_use {
        remove_unused(session, first).await?;
    }
    Ok(())
}

/// False when the network is in use and stays.
async fn remove_unused<E: Engine>(
    session: &StackSession<E>,
    network: &ObservedNetwork,
) -> Result<bool, Error> {
    match session.engine.remove_network(&network.id).await {
        Ok(()) => Ok(true),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(true),
        Err(error) if error.kind == ErrorKind::Conflict => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// It carries the stack's label; of others only the name may be the same.
pub fn is_ours(network: &ObservedNetwork, stack: &StackName) -> bool {
    network.labels.get(labels::STACK).map(String::as_str) == Some(stack.as_str())
}
