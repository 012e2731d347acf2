//! The engine is asked while the project is read: both take as long as each other, and neither needs the other.

use std::sync::{Mutex, PoisonError};

use tokio::task::JoinHandle;

use crate::cli::args::Command;
use crate::engine::docker::{self, DockerEngine, EndpointChoice};
use crate::engine::{Containers, EngineError};
use crate::model::Observed;

/// What a command will ask first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ahead {
    /// It locks before it looks.
    Connection,
    /// It only looks.
    Listing,
}

impl Command {
    /// What the command asks the engine first, whatever the project says; `None` where that depends on it.
    pub const fn asks_first(&self) -> Option<Ahead> {
        match self {
            Self::Status(_) | Self::Plan(_) | Self::Alerts => Some(Ahead::Listing),
            Self::Up(_) | Self::Down(_) | Self::Restart(_) | Self::Reload(_) | Self::ReloadRules(_) => {
                Some(Ahead::Connection)
            }
            _ => None,
        }
    }
}

type Answer = Option<(Result<DockerEngine, EngineError>, Option<Observed>)>;

/// A connection that was begun, and what it brought.
#[derive(Default)]
pub struct Early {
    begun: Mutex<Option<JoinHandle<Answer>>>,
    listing: Mutex<Option<Observed>>,
}

impl Early {
    /// Connects in the background. Over ssh the ports to forward have to be known first, so nothing is begun.
    pub fn begin(&self, choice: EndpointChoice, ahead: Ahead) {
        let asked = tokio::spawn(async move {
            let engine = docker::connect_directly(choice).await?;
            let listing = match (&engine, ahead) {
                (Ok(engine), Ahead::Listing) => engine.list().await.ok(),
                _ => None,
            };
            Some((engine, listing))
        });
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = Some(asked);
    }

    /// The connection that was begun; `None` when none was, and once it is taken.
    pub async fn engine(&self) -> Option<Result<DockerEngine, EngineError>> {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let (engine, listing) = begun.await.ok()??;
        *self.listing.lock().unwrap_or_else(PoisonError::into_inner) = listing;
        Some(engine)
    }

    /// What was listed ahead; only once, for it grows old.
    pub fn listing(&self) -> Option<Observed> {
        self.listing.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
