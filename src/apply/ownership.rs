//! Refuses to touch a stack that another project started.

use crate::apply::{StackSession, explain, gather};
use crate::engine::{Engine, EngineError};
use crate::error::Error;
use crate::model::{Observed, ObservedVolume, Project, StackName};
use crate::plan::ownership::{Adoption, Remains, other_project};

/// For commands that change a stack without a plan.
///
/// # Errors
/// When the stack's containers, or its volumes where no container is left, are another project's.
pub async fn check<E: Engine>(
    session: &StackSession<E>,
    (stack, project): (&StackName, &Project),
    observed: &Observed,
    adoption: Adoption,
) -> Result<(), Error> {
    if adoption == Adoption::Allowed {
        return Ok(());
    }
    let has_containers = gather::services(observed, stack).next().is_some();
    let volumes = if has_containers { Vec::new() } else { volumes(session, stack).await? };
    let other = other_project(stack, project, Remains { observed, volumes: &volumes });
    explain::blockers(other.as_slice()).map_or(Ok(()), Err)
}

/// The stack's volumes with the labels of whoever they belong to today: a volume keeps the labels that it was
/// made with, and a stack may have been taken over since.
pub async fn volumes<E: Engine>(
    session: &StackSession<E>,
    stack: &StackName,
) -> Result<Vec<ObservedVolume>, EngineError> {
    let mut volumes = session.engine.volumes(stack).await?;
    for volume in &mut volumes {
        if let Some(made_by) = Project::of_labels(&volume.labels) {
            volume.labels.extend(session.owner(&made_by).labels());
        }
    }
    Ok(volumes)
}

/// Remembers a stack that was taken over, also for the time when only its volumes are left.
///
/// # Errors
/// When the engine cannot be asked.
pub async fn adopted<E: Engine>(
    session: &StackSession<E>,
    stack: &StackName,
    by: &Project,
) -> Result<(), EngineError> {
    for volume in session.engine.volumes(stack).await? {
        if let Some(from) = Project::of_labels(&volume.labels) {
            session.adopt(&from, by);
        }
    }
    Ok(())
}
