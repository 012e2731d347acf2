//! Finishes or undoes what a killed run had begun. Every command that changes the stack begins with it.

use crate::apply::{StackSession, down, restore};
use crate::engine::{Engine, ErrorKind};
use crate::error::Error;
use crate::model::StackName;
use crate::store::state::Interruption;

/// For commands that change nothing: says in a line what is still to be ended, and by what.
///
/// # Errors
/// When the note about it cannot be read.
pub fn remind<E: Engine>(session: &StackSession<E>) -> Result<(), Error> {
    if let Some(interruption) = session.interruption()? {
        session.warn(format!("{interruption}; `confidexmon up` puts that right"));
    }
    Ok(())
}

/// Lifts a pause, or puts Grafana's previous data back. Nothing is done when nothing was interrupted, nor
/// while Grafana has no container: `up` creates one, and asks again.
///
/// # Errors
/// When it cannot be undone now; the note stays, so the next command tries again.
pub async fn finish<E: Engine>(session: &StackSession<E>) -> Result<(), Error> {
    let Some(interruption) = session.interruption()? else { return Ok(()) };
    match &interruption {
        Interruption::Paused { container_id } => match session.engine.unpause(container_id).await {
            Ok(()) => session.warn("a backup was interrupted: Grafana was paused for it and runs on now"),
            // The container is gone, and the pause with it.
            Err(error) if error.kind == ErrorKind::NotFound => {}
            Err(error) => return Err(error.into()),
        },
        Interruption::Restoring { container, previous } => {
            // Killed while the proof copied the database, it stands still; most often it does not.
            if let Err(error) = session.engine.unpause(container).await {
                tracing::debug!("no pause was lifted: {error}");
            }
            match Box::pin(restore::undo(session, container, previous.as_deref())).await {
                Ok(()) => session.warn("a restore was interrupted: Grafana has the data that it had before"),
                // Its volume can be written through a container only; the note stays until there is one.
                Err(error) if error.engine_kind == Some(ErrorKind::NotFound) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Interruption::Beside { stack } => {
            if let Some(stack) = StackName::new(stack) {
                Box::pin(down::everything(session, &stack)).await?;
            }
            session.warn(format!("a restore as `{stack}` was interrupted: what it had made is removed"));
        }
    }
    session.end()
}
