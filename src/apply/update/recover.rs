//! Finishes or undoes an update that was cut off. Every command that changes a stack begins with it.

use crate::apply::StackSession;
use crate::apply::update::locking;
use crate::apply::update::replace::WayBack;
use crate::engine::{Engine, EngineError, ErrorKind};
use crate::error::Error;
use crate::model::{Observed, StackName};
use crate::services::profile;
use crate::update::ImagesLock;
use crate::update::recovery::{self, Recovery, Way};

/// True when there was something to settle: what was observed before is out of date then.
pub async fn run<E: Engine>(
    session: &StackSession<E>,
    observed: &Observed,
    stack: &StackName,
    lock: &ImagesLock,
) -> Result<bool, Error> {
    let recoveries = recovery::decide(observed, stack, lock);
    for recovery in &recoveries {
        session.warn(recovery.to_string());
        settle(session, recovery, lock).await?;
    }
    Ok(!recoveries.is_empty())
}

async fn settle<E: Engine>(
    session: &StackSession<E>,
    recovery: &Recovery,
    lock: &ImagesLock,
) -> Result<(), Error> {
    match &recovery.way {
        Way::Finish => {
            let stopped = session.engine.stop(&recovery.kept_id, profile(recovery.service).stop_grace).await;
            gone_is_fine(stopped)?;
            session.engine.remove_container(&recovery.kept_id, false).await?;
            super::database::forget(session, &recovery.kept_id);
            Ok(())
        }
        Way::Undo { new } => {
            let way_back = WayBack {
                session,
                service: recovery.service,
                name: &recovery.name,
                kept_id: &recovery.kept_id,
                new: new.as_ref().map(|new| (new.id.clone(), new.was_started)),
            };
            way_back.go().await?;
            if let Some(locked) = lock.images.get(&recovery.service) {
                locking::restore_tag(session, locked).await;
            }
            Ok(())
        }
    }
}

/// An engine goes on removing a container for a run that is dead by now.
pub(super) fn gone_is_fine(result: Result<(), EngineError>) -> Result<(), EngineError> {
    result.or_else(|error| if error.kind == ErrorKind::NotFound { Ok(()) } else { Err(error) })
}
