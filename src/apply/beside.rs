//! Restores a backup beside what runs: as Grafana of another stack, of which nothing is there yet.

use std::time::Duration;

use crate::apply::{StackSession, backup, down, gather, restore, services, trial};
use crate::engine::Engine;
use crate::error::{Error, ExitCode};
use crate::model::ServiceKind;
use crate::plan::{Plan, Policy, PullPolicy, Step, reconcile};
use crate::services::Desired;
use crate::store::incoming::Incoming;
use crate::store::state::Interruption;

/// Makes the stack, which has only Grafana, on the data that was read. On any failure nothing of it is left; a
/// run that is killed leaves a note by which the next command on that stack removes it.
///
/// # Errors
/// When there is something of that name already, or Grafana does not work with the data.
pub async fn restore<E: Engine>(
    session: &StackSession<E>,
    mut desired: Desired,
    incoming: &Incoming,
    limit: Duration,
) -> Result<(), Error> {
    nothing_is_there(session, &desired).await?;
    if let Some(wanted) = desired.services.get_mut(&ServiceKind::Grafana) {
        wanted.files = trial::with_archives_files(&wanted.files, incoming.folder()).await?;
    }
    let stack = desired.stack.clone();
    session.begin(&Interruption::Beside { stack: stack.to_string() })?;
    let made = match make(session, &desired, incoming).await {
        Ok(()) => restore::prove(session, &desired, &incoming.counts, limit).await,
        Err(error) => Err(error),
    };
    let Err(mut failure) = made else { return session.end() };
    match down::everything(session, &stack).await {
        Ok(()) => {
            session.end()?;
            failure.message = format!("{}; nothing of `{stack}` is left", failure.message);
            Err(failure)
        }
        Err(second) => {
            failure.causes.push(format!("removing `{stack}` failed too: {}", second.message));
            Err(failure.hint("run the same command again: it removes what is left first"))
        }
    }
}

async fn nothing_is_there<E: Engine>(session: &StackSession<E>, desired: &Desired) -> Result<(), Error> {
    let stack = &desired.stack;
    let observed = session.engine.list().await?;
    let is_there = gather::ours(&observed, stack).next().is_some();
    if !is_there && session.engine.volumes(stack).await?.is_empty() {
        return Ok(());
    }
    Err(Error::new(ExitCode::Failed, format!("there is a stack `{stack}` already, and it was not touched"))
        .hint(format!(
            "choose another name, or remove it: `CONFIDEXMON_STACK={stack} confidexmon down --volumes`"
        )))
}

/// Network, container and files as `up` makes them; the data goes in before the first start.
async fn make<E: Engine>(
    session: &StackSession<E>,
    desired: &Desired,
    incoming: &Incoming,
) -> Result<(), Error> {
    let observed = session.engine.list().await?;
    let facts = gather::facts(session, desired, observed).await?;
    let plan = without_start(reconcile(desired, &facts, &Policy::default()));
    if let Err(errors) = services::run(session, desired, &plan, PullPolicy::default()).await {
        return Err(Error::all(errors).unwrap_or_else(|| Error::new(ExitCode::Failed, "the plan failed")));
    }
    let observed = session.engine.list().await?;
    let container = backup::container(&observed, &desired.stack)?;
    restore::upload(session, &container.id, incoming.folder().join("data")).await?;
    session.check_cancelled()?;
    Ok(session.engine.start(&container.id).await?)
}

fn without_start(mut plan: Plan) -> Plan {
    for service in &mut plan.services {
        service.steps.retain(|step| !matches!(step, Step::Start { .. }));
    }
    plan
}
