//! Images of a running stack: locked, updated as a transaction, gone back to, carried to other machines.
//!
//! Gather (what the registries have) → decide (`crate::update`) → pull and validate everything → replace one
//! service after the other. The order within a replacement, and what a killed run leaves, are told in
//! `replace` and `crate::update::recovery`.

pub mod ask;
pub mod carry;
mod database;
pub mod locking;
pub mod prepare;
pub mod recover;
pub mod rehearsal;
pub mod replace;
pub mod works;

use std::collections::BTreeMap;
use std::path::Path;

use crate::apply::StackSession;
use crate::engine::Engine;
use crate::error::Error;
use crate::model::{ImageRef, ObservedContainer, ServiceKind};
use crate::services::{Desired, DesiredService};
use crate::store::images_lock::LockFile;
use crate::store::incoming::Incoming;
use crate::update::LockedImage;
use prepare::Prepared;
use rehearsal::Rehearsal;
use replace::{Patience, Replacement};

/// What an update needs beside the images.
pub struct Update<'a, E> {
    pub session: &'a StackSession<E>,
    /// The services to update, as they are now.
    pub desired: &'a Desired,
    /// Their containers.
    pub containers: Vec<&'a ObservedContainer>,
    pub patience: Patience,
    /// Where backups lie: Grafana's data is kept there before its update.
    pub backups: &'a Path,
    /// Grafana's data from before, which its older version goes back to.
    pub earlier: Option<&'a Incoming>,
}

impl<E: Engine> Update<'_, E> {
    /// Validators every new image with the present configuration, then replaces one service after the other.
    /// The first failure ends it; services before it stay updated, those after it were not touched.
    pub async fn run(
        &self,
        prepared: &[Prepared],
        named: &BTreeMap<ServiceKind, ImageRef>,
        file: &mut LockFile,
    ) -> Result<(), Error> {
        let checked = self.validate(prepared).await;
        if let Err(error) = checked {
            self.restore_tags().await;
            return Err(error);
        }
        for one in prepared {
            let replaced = self.replace(one, named, file).await;
            if let Err(error) = replaced {
                self.restore_tags_after(prepared, one.service).await;
                return Err(error);
            }
        }
        Ok(())
    }

    async fn validate(&self, prepared: &[Prepared]) -> Result<(), Error> {
        for one in prepared {
            let wanted = &self.desired.services[&one.service];
            prepare::validate(self.session, wanted, one).await?;
            if one.service == ServiceKind::Grafana {
                self.rehearse(wanted, one).await?;
            }
        }
        Ok(())
    }

    async fn rehearse(&self, wanted: &DesiredService, one: &Prepared) -> Result<(), Error> {
        let running = self.containers.iter().find(|container| container.service() == Some(one.service));
        let Some(running) = running else { return Ok(()) };
        let rehearsal = Rehearsal {
            session: self.session,
            wanted,
            running,
            image: &one.image,
            backups: self.backups,
            earlier: self.earlier,
            limit: self.patience.to_work,
        };
        rehearsal.run().await
    }

    async fn replace(
        &self,
        one: &Prepared,
        named: &BTreeMap<ServiceKind, ImageRef>,
        file: &mut LockFile,
    ) -> Result<(), Error> {
        let Some(old) = self.containers.iter().find(|old| old.service() == Some(one.service)) else {
            return Ok(());
        };
        let mut desired = self.desired.clone();
        desired.services.retain(|service, _| *service == one.service);
        if let Some(wanted) = desired.services.get_mut(&one.service) {
            wanted.spec.image = one.image.clone();
        }
        let settings = named.get(&one.service).unwrap_or(&one.image);
        let mut locked = LockedImage::of(&one.image, settings, &one.local, locking::now());
        locked.platform_digest.clone_from(&one.platform_digest);
        let replacement = Replacement {
            session: self.session,
            desired: &desired,
            service: one.service,
            old,
            patience: self.patience,
            earlier: self.earlier.filter(|_| one.service == ServiceKind::Grafana),
        };
        replacement.run(locked, file).await
    }

    /// Nothing was replaced: every tag means what it meant.
    pub async fn restore_tags(&self) {
        for locked in self.desired.locked.values() {
            locking::restore_tag(self.session, locked).await;
        }
    }

    /// The services that come after the one that failed keep their images.
    async fn restore_tags_after(&self, prepared: &[Prepared], failed: ServiceKind) {
        let after = prepared.iter().skip_while(|one| one.service != failed);
        for locked in after.filter_map(|one| self.desired.locked.get(&one.service)) {
            locking::restore_tag(self.session, locked).await;
        }
    }
}
