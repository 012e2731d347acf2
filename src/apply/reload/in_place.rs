//! A change of files that a running service reads again when it is told to.

use std::time::Duration;

use crate::apply::reload::reload_watchdog::Phase;
use crate::apply::reload::{Change, Previous, Upload, Validation, guard};
use crate::apply::transaction::{Back, Transaction, WayBackWords};
use crate::engine::Engine;
use crate::error::{Error, ExitCode};

/// How long a service may take to come back when it restarts in the middle of a change.
const COMEBACK: Duration = Duration::from_secs(30);

/// The files are written over the old ones, and the service is told.
pub(super) struct InPlace<'a, E> {
    pub(super) change: &'a Change<'a, E>,
}

impl<E: Engine> Transaction for InPlace<'_, E> {
    type Before = Previous;

    async fn stage(&mut self) -> Result<Previous, Error> {
        let (staged, previous) = tokio::join!(self.change.stage(), self.change.previous());
        staged?;
        previous
    }

    async fn validate(&mut self, _: &Previous) -> Result<(), Error> {
        let change = self.change;
        // Not before it is known what lies there, or the new ones would be taken for the old.
        change.stage_secrets().await?;
        let root = &change.wanted.files.root;
        let watchdog = change.watchdog.start(&change.session.engine, change.container_id, root);
        let (validation, ()) = tokio::join!(change.validate(), watchdog);
        match validation? {
            Validation::Refused(words, output) => Err(change.refused(&words, output)),
            _ => change.session.check_cancelled(),
        }
    }

    async fn discard(&mut self, previous: &Previous) {
        self.change.discard_staged(previous).await;
    }

    async fn switch(&mut self, previous: &Previous) -> Result<(), Error> {
        let change = self.change;
        let door = guard::door_to_shut(change, previous);
        let mut paths = change.files_to_write();
        paths.retain(|path| Some(path) != door.as_ref());
        change.write_live_files(&change.wanted.files, &paths, &change.changes.removed).await
    }

    async fn verify(&mut self, previous: &Previous) -> Result<(), Error> {
        let change = self.change;
        let files = &change.wanted.files;
        change.reload_and_verify(files, &previous.files).await?;
        match guard::door_to_shut(change, previous) {
            Some(path) => change.write(Upload::of(files, &[path], Phase::Switched)).await,
            None => Ok(()),
        }
    }

    async fn commit(&mut self, _: &Previous) -> Result<(), Error> {
        self.change.commit_manifest(&self.change.wanted.files).await;
        Ok(())
    }

    /// The old files, or, where even that is not possible any more, whichever the service can be proved to hold.
    async fn roll_back(&mut self, previous: Previous, failure: &mut Error) -> Result<Back, Error> {
        let change = self.change;
        if change.is_overtaken().await {
            return Ok(Back::Instead(overtaken(change, failure)));
        }
        match change.write_back(&previous).await {
            Ok(()) => {
                // Readiness decides nothing here; the proof that follows does.
                change.reading_within(COMEBACK).await;
                change.reload_and_verify(&previous.files, &change.wanted.files).await?;
                change.commit_manifest(&previous.files).await;
                Ok(Back::Done("the old files are back, in force and on disk".to_owned()))
            }
            // The engine is gone, so the files stay as they are: memory has to follow them.
            Err(error) => {
                let in_force = change.reload_and_verify(&change.wanted.files, &previous.files).await;
                in_force.map_err(|_| error)?;
                change.session.warn(format!(
                    "{}, but the new files of {} are in force and on disk",
                    failure.message, change.service
                ));
                Ok(Back::NewInForce)
            }
        }
    }

    fn way_back(&self) -> WayBackWords {
        super::WAY_BACK
    }
}

fn overtaken<E>(change: &Change<'_, E>, failure: &Error) -> Error {
    let what = format!("another run changed the files of {} at the same time", change.service);
    let mut error = Error::new(ExitCode::Locked, format!("{what}; what it wrote stays"));
    error.causes.push(failure.message.clone());
    error.hint("run the command again when the other one has finished")
}
