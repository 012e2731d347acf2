//! A change that only a start brings into force: validated first, proved by the service that comes back,
//! and undone when it does not.

use std::time::Duration;

use super::{Change, Previous, Validation};
use crate::apply::oneshot::{self, Outcome};
use crate::apply::transaction::{Back, Transaction, WayBackWords};
use crate::apply::validators;
use crate::apply::wait::{self, Waited};
use crate::engine::{Engine, ExecOutput};
use crate::error::{Error, ExitCode};
use crate::services::profile;

/// How long a restarted service may take to crash or to answer. One that does neither (a long write-ahead
/// log, for example) is taken for one that is still starting: whoever called waits on, with its own limit.
const COMEBACK: Duration = Duration::from_mins(1);

/// Whether the service answered at all before the change: only then is there something to go back to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    Answering,
    Silent,
}

/// The files are written, and the service is started again with them. When it does not come back although it
/// answered before, the old files are put back and it is restarted with those.
pub(super) struct Restart<'a, E> {
    pub(super) change: &'a Change<'a, E>,
    pub(super) before: Before,
}

impl<E: Engine> Transaction for Restart<'_, E> {
    /// `None` where it is not known, and there is nothing to go back to.
    type Before = Option<Previous>;

    async fn stage(&mut self) -> Result<Self::Before, Error> {
        match (self.change.previous().await, self.before) {
            (Ok(previous), _) => Ok(Some(previous)),
            (Err(error), Before::Answering) => Err(error),
            (Err(_), Before::Silent) => Ok(None),
        }
    }

    async fn validate(&mut self, _: &Self::Before) -> Result<(), Error> {
        match self.change.validate_apart().await? {
            Validation::Refused(words, output) => return Err(self.change.refused(&words, output)),
            Validation::Valid => {}
            Validation::NotValidated(reason) => tracing::debug!("not validated before the restart: {reason}"),
        }
        self.change.session.check_cancelled()
    }

    async fn switch(&mut self, _: &Self::Before) -> Result<(), Error> {
        let files = &self.change.wanted.files;
        // What keeps a silent one from running may be a file that nobody here changed.
        let paths = match self.before {
            Before::Answering => self.change.changes.written(),
            Before::Silent => files.files.keys().cloned().collect(),
        };
        self.change.write_live_files(files, &paths, &self.change.changes.removed).await
    }

    async fn verify(&mut self, _: &Self::Before) -> Result<(), Error> {
        self.change.restart_and_wait().await
    }

    async fn commit(&mut self, _: &Self::Before) -> Result<(), Error> {
        self.change.commit_manifest(&self.change.wanted.files).await;
        Ok(())
    }

    async fn roll_back(&mut self, previous: Self::Before, failure: &mut Error) -> Result<Back, Error> {
        // Stopped by the user: the manifest doubts the files, so the next command ends what was begun.
        if failure.code == ExitCode::Interrupted {
            return Ok(Back::NotWanted);
        }
        let sentence = match previous.filter(|_| self.before == Before::Answering) {
            Some(previous) => {
                self.change.write_back(&previous).await?;
                // What was asked for before may not be what answers now (another password), so only a crash counts.
                self.change.restart_and_wait().await?;
                self.change.commit_manifest(&previous.files).await;
                "the old files are back on disk, and it was restarted with them"
            }
            None => "it did not answer before this change either, so the new files stay where they are",
        };
        Ok(Back::Done(sentence.to_owned()))
    }

    fn way_back(&self) -> WayBackWords {
        super::WAY_BACK
    }
}

impl<E: Engine> Change<'_, E> {
    /// Asks the official tool in a container of its own: this one may not run long enough to be asked.
    async fn validate_apart(&self) -> Result<Validation, Error> {
        let Some(command) = validators::whole_tree(self.service) else { return self.validate().await };
        let spec = &self.wanted.spec;
        let files = validators::without_secrets(&self.wanted.files);
        let job = validators::job_in(&spec.image, (&spec.stack, self.service), command, files);
        match oneshot::run(&self.session.engine, &self.session.cancel, &job).await {
            Ok(outcome) => {
                let Outcome { exit_code, stdout, stderr, .. } = outcome;
                Ok(Validation::of(command[0], ExecOutput { exit_code, stdout, stderr }))
            }
            Err(error) if error.code == ExitCode::Interrupted => Err(error),
            Err(error) => Ok(Validation::NotValidated(error.message)),
        }
    }

    async fn restart_and_wait(&self) -> Result<(), Error> {
        let engine = &self.session.engine;
        engine.restart(self.container_id, profile(self.service).stop_grace).await?;
        // A port that the engine chooses is another one after each start.
        let address = super::address(self.session, self.service, self.wanted, self.container_id).await?;
        let running = (self.container_id.to_owned(), address.port);
        match wait::one(self.session, self.service, self.wanted, &running, COMEBACK).await {
            Waited::Ready | Waited::StillStarting(_) => Ok(()),
            Waited::Hopeless(error) | Waited::Cancelled(error) => Err(error),
        }
    }
}
