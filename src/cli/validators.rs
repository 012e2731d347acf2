//! The official validators as a command opens them: an engine, and who is told of their progress.

use tokio_util::sync::CancellationToken;

use crate::apply::validators::{ImagePull, Validators};
use crate::cli::context::Context;
use crate::cli::signals;
use crate::engine::docker::DockerEngine;
use crate::error::Error;
use crate::report::events::Reporter;
use crate::report::progress;

/// Everything that [`Validators`] borrow. An image that is missing is pulled.
pub struct OpenValidators {
    engine: DockerEngine,
    reporter: Box<dyn Reporter>,
    cancel: CancellationToken,
}

impl Context {
    /// Connects to the engine, for validators alone.
    pub async fn validators(&self) -> Result<OpenValidators, Error> {
        let engine = self.engine(&[]).await?;
        let cancel = signals::watch(self.output);
        Ok(OpenValidators { engine, reporter: progress::reporter(self.output), cancel })
    }
}

impl OpenValidators {
    /// To be run.
    pub fn get(&self) -> Validators<'_, DockerEngine> {
        Validators {
            engine: &self.engine,
            reporter: self.reporter.as_ref(),
            cancel: &self.cancel,
            pull: ImagePull::Missing,
        }
    }
}
