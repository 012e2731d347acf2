//! The stack that a command works on, opened once: the engine, the session, what was listed, and, for commands
//! that change something, the lock and the end of what an earlier run began.

use crate::apply::{StackSession, interrupted};
use crate::cli::context::{Context, Loaded};
use crate::engine::Containers;
use crate::engine::docker::DockerEngine;
use crate::error::Error;
use crate::model::Observed;
use crate::store::lock::RunLock;

/// An open stack. Other runs are held off for as long as `lock` lives.
pub struct Opened {
    pub session: StackSession<DockerEngine>,
    pub observed: Observed,
    pub lock: Option<RunLock>,
}

impl Context {
    /// Opens a stack to look at it: nothing is locked, and what was interrupted is said.
    pub async fn look_at(&self, loaded: &Loaded) -> Result<Opened, Error> {
        let engine = self.engine(&loaded.ports()).await?;
        let session = self.session(engine, &loaded.settings.stack)?;
        interrupted::remind(&session)?;
        let observed = match self.early.listing() {
            Some(observed) => observed,
            None => session.engine.list().await?,
        };
        Ok(Opened { session, observed, lock: None })
    }

    /// Opens a stack to change it: locked, and what an interrupted run left is finished or undone first.
    ///
    /// # Errors
    /// Also when another run holds the lock; `command` is what its own error would name.
    pub async fn take(&self, loaded: &Loaded, command: &str) -> Result<Opened, Error> {
        let stack = &loaded.settings.stack;
        let engine = self.engine(&loaded.ports()).await?;
        let lock = self.lock(&engine, stack, command)?;
        let session = self.session(engine, stack)?;
        interrupted::finish(&session).await?;
        let observed = session.engine.list().await?;
        Ok(Opened { session, observed, lock: Some(lock) })
    }
}
