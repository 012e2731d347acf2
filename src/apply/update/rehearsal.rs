//! Tries another version of Grafana on a copy of its data, before the running one is touched: a database is
//! migrated forward only, and two Grafanas must never share one. The copy is a backup that is kept.

use std::path::Path;
use std::time::Duration;

use crate::apply::StackSession;
use crate::apply::backup::{self, blocking};
use crate::apply::trial::Trial;
use crate::backup::Counts;
use crate::engine::Engine;
use crate::error::Error;
use crate::model::{ImageRef, ObservedContainer, ServiceKind};
use crate::report::events::ServiceState;
use crate::services::DesiredService;
use crate::store::incoming::Incoming;
use crate::store::meter::Meter;
use crate::store::{archive, outgoing};

/// A trial of one image on the data of one running Grafana.
pub struct Rehearsal<'a, E> {
    pub session: &'a StackSession<E>,
    pub wanted: &'a DesiredService,
    pub running: &'a ObservedContainer,
    pub image: &'a ImageRef,
    /// The folder that keeps the backups.
    pub backups: &'a Path,
    /// Data to try it on instead of the present one.
    pub earlier: Option<&'a Incoming>,
    /// How long the new version may take to migrate and to answer.
    pub limit: Duration,
}

impl<E: Engine> Rehearsal<'_, E> {
    /// Backs up, tries, compares what is there, and takes the trial away again.
    pub async fn run(&self) -> Result<(), Error> {
        self.say("backing it up before the update");
        let stack = &self.wanted.spec.stack;
        let request = backup::Request { stack, container: self.running, folder: self.backups };
        let written = backup::create(self.session, &request)
            .await
            .map_err(|error| error.hint("an update of Grafana needs a backup; nothing was touched"))?;
        self.say("trying the other version on a copy of its data");
        if let Some(earlier) = self.earlier {
            return self.try_on(earlier.folder(), &earlier.counts).await;
        }
        let archive = written.path.clone();
        let unpacked = blocking(move || -> Result<_, Error> {
            let folder = outgoing::scratch()?;
            archive::unpack(&archive, folder.path(), &Meter::default())?;
            outgoing::ensure_secret_key(&folder.path().join("data"))?;
            Ok(folder)
        });
        let folder = unpacked.await??;
        self.try_on(folder.path(), &written.manifest.counts).await
    }

    async fn try_on(&self, folder: &Path, counts: &Counts) -> Result<(), Error> {
        let trial =
            Trial { session: self.session, wanted: self.wanted, image: self.image, limit: self.limit };
        trial.run(folder, counts).await.map(drop).map_err(|error| Error {
            message: format!(
                "{} does not work on a copy of Grafana's data: {}; nothing was touched",
                self.image, error.message
            ),
            ..error
        })
    }

    fn say(&self, detail: &str) {
        self.session.say(ServiceKind::Grafana, ServiceState::Working, detail);
    }
}
