//! A change that only a start brings into force: validated first, proved by the service that comes back,
//! and undone when it does not.

use std::time::Duration;

use super::{Change, Previous, Validation, append_to_message};
use crate::apply::oneshot::{self, Outcome};
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

impl<E: Engine> Change<'_, E> {
    /// Writes the files and restarts the service. When it does not come back with them although it answered
    /// before, the old files are put back and it is restarted with those.
    pub(super) async fn with_restart(&self, before: Before) -> Result<(), Error> {
        let previous = match (self.previous().await, before) {
            (Ok(previous), _) => Some(previous),
            (Err(error), Before::Answering) => return Err(error),
            (Err(_), Before::Silent) => None,
        };
        match self.validate_apart().await? {
            Validation::Refused(words, output) => return Err(self.refused(&words, output)),
            Validation::Valid => {}
            Validation::NotValidated(reason) => tracing::debug!("not validated before the restart: {reason}"),
        }
        self.session.check_cancelled()?;
        let files = &self.wanted.files;
        // What keeps a silent one from running may be a file that nobody here changed.
        let paths = match before {
            Before::Answering => self.changes.written(),
            Before::Silent => files.files.keys().cloned().collect(),
        };
        let attempt = match self.write_live_files(files, &paths, &self.changes.removed).await {
            Ok(()) => self.restart_and_wait().await,
            Err(error) => Err(error),
        };
        match (attempt, previous, before) {
            (Ok(()), ..) => self.commit_manifest(files).await,
            // Stopped by the user: the manifest doubts the files, so the next command ends what was begun.
            (Err(error), ..) if error.code == ExitCode::Interrupted => Err(error),
            (Err(error), Some(previous), Before::Answering) => Err(self.restart_with(&previous, error).await),
            (Err(error), ..) => Err(append_to_message(
                error,
                "it did not answer before this change either, so the new files stay where they are",
            )),
        }
    }

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

    /// The way back: the old files, and a start with them.
    async fn restart_with(&self, previous: &Previous, failure: Error) -> Error {
        let paths: Vec<String> = previous.files.files.keys().cloned().collect();
        let added: Vec<String> = self
            .changes
            .added
            .iter()
            .filter(|path| !previous.files.files.contains_key(*path))
            .cloned()
            .collect();
        let back = match self.write_live_files(&previous.files, &paths, &added).await {
            // What was asked for before may not be what answers now (another password), so only a crash counts.
            Ok(()) => match self.restart_and_wait().await {
                Ok(()) => self.commit_manifest(&previous.files).await,
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        match back {
            Ok(()) => {
                append_to_message(failure, "the old files are back on disk, and it was restarted with them")
            }
            Err(again) => {
                let text = format!("putting the old files back failed too: {}", again.message);
                append_to_message(failure, &text)
                    .hint("`confidexmon up` writes the files again and says what is in force")
            }
        }
    }
}
