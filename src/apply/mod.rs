//! Carries plans out. No choices here: what to do was decided in `plan`; how to go on after a
//! failure is written where the failure can happen.

pub mod backup;
pub mod beside;
pub mod doctor;
pub mod down;
pub mod drill;
pub mod examine;
pub mod explain;
pub mod gather;
pub mod generate;
pub mod grafana;
pub mod interrupted;
pub mod live;
pub mod logs;
pub mod metered;
pub mod network;
pub mod oneshot;
pub mod overview;
pub mod ownership;
pub mod probe;
pub mod pull;
pub mod reload;
pub mod restore;
pub mod rule_tests;
pub mod services;
pub mod stacks;
pub mod status;
mod transaction;
pub mod trial;
pub mod update;
pub mod validation;
pub mod validators;
pub mod wait;

use std::sync::Mutex;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::engine::Engine;
use crate::error::Error;
use crate::model::{Manifest, Project, ServiceKind, StackName};
use crate::net::HttpClient;
use crate::report::events::{Event, Reporter, ServiceState};
use crate::store::lock::{self, Scope};
use crate::store::state::{Interruption, StackState};

/// What every step needs: the engine, who listens, what is remembered, and the way to be stopped.
pub struct StackSession<E> {
    pub engine: E,
    pub reporter: Box<dyn Reporter>,
    pub state: Mutex<StackState>,
    pub http: HttpClient,
    /// Cancelled by the first Ctrl-C: the call in flight is finished, no new one begins.
    pub cancel: CancellationToken,
}

/// The deadline of one readiness probe; probes are repeated.
pub const PROBE_DEADLINE: Duration = Duration::from_secs(2);

impl<E: Engine> StackSession<E> {
    /// Reports how far a service is.
    pub fn say(&self, service: ServiceKind, state: ServiceState, detail: impl Into<String>) {
        self.reporter.event(&Event::Service { service, state, detail: detail.into() });
    }

    /// Reports a warning.
    pub fn warn(&self, text: impl Into<String>) {
        self.reporter.event(&Event::Warning { text: text.into() });
    }

    /// An error once the user has asked to stop; checked before every step.
    pub fn check_cancelled(&self) -> Result<(), Error> {
        if self.cancel.is_cancelled() {
            return Err(Error::new(crate::error::ExitCode::Interrupted, "stopped by a signal")
                .hint("nothing is lost: `confidexmon up` goes on from here, `confidexmon down` removes it"));
        }
        Ok(())
    }

    /// What the container's config volume holds, as far as this machine remembers.
    pub fn remembered(&self, container_id: &str) -> Option<Manifest> {
        self.state.lock().ok()?.manifest(container_id).cloned()
    }

    /// Notes on this machine what lies in a container's config volume.
    pub fn remember(&self, container_id: &str, manifest: Manifest) {
        self.change_state(|state| state.remember(container_id, manifest));
    }

    /// True when exactly these files were proved to be in force in the container before.
    pub fn is_proved(&self, container_id: &str, digest: &str) -> bool {
        self.state.lock().is_ok_and(|state| state.is_proved(container_id, digest))
    }

    /// Notes on this machine that these files are in force.
    pub fn remember_proof(&self, container_id: &str, digest: &str) {
        self.change_state(|state| state.remember_proof(container_id, digest));
    }

    /// Whose what carries the label of `made_by` is today.
    pub fn owner(&self, made_by: &Project) -> Project {
        self.state.lock().map_or_else(|_| made_by.clone(), |state| state.owner(made_by))
    }

    /// Remembers that what carries the label of `from` belongs to another project now.
    pub fn adopt(&self, from: &Project, by: &Project) {
        self.change_state(|state| state.adopt(from, by));
    }

    /// From here on everything is proved again.
    pub fn forget_proofs(&self) {
        self.change_state(StackState::forget_proofs);
    }

    /// Nothing is known of this container any more.
    pub fn forget(&self, container_id: &str) {
        self.change_state(|state| state.forget(container_id));
    }

    /// Notes what must be finished or undone should this run be killed.
    ///
    /// # Errors
    /// When the note cannot be written: then it must not begin.
    pub fn begin(&self, interruption: &Interruption) -> Result<(), Error> {
        let state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(state.begin(interruption)?)
    }

    /// What a killed run had begun, if it had.
    ///
    /// # Errors
    /// When the note about it cannot be read.
    pub fn interruption(&self) -> Result<Option<Interruption>, Error> {
        let state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(state.interruption()?)
    }

    /// True while a drill of this stack runs on this machine.
    pub fn is_drilled(&self, stack: &StackName) -> bool {
        let state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let directory = state.directory().to_owned();
        lock::is_held(&directory, &self.engine.info().endpoint, (stack, Scope::Drill))
    }

    /// It has ended, well or undone.
    ///
    /// # Errors
    /// When the note cannot be removed.
    pub fn end(&self) -> Result<(), Error> {
        let state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(state.end()?)
    }

    /// The state is only a cache: failing to write it costs a call later, so it is a warning.
    fn change_state(&self, change: impl FnOnce(&mut StackState) -> Result<(), crate::store::StoreError>) {
        let Ok(mut state) = self.state.lock() else { return };
        if let Err(error) = change(&mut state) {
            tracing::warn!("{error}: {:?}", error.source);
        }
    }
}

#[cfg(test)]
mod tests;
