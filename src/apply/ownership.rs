//! Refuses to touch a stack that another project started.

use crate::apply::{StackSession, explain, gather};
use crate::engine::Engine;
use crate::error::Error;
use crate::model::{Observed, Project, StackName};
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
    let volumes = if has_containers { Vec::new() } else { session.engine.volumes(stack).await? };
    let other = other_project(stack, project, Remains { observed, volumes: &volumes });
    explain::blockers(other.as_slice()).map_or(Ok(()), Err)
}
