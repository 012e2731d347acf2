//! Tries a new version of Grafana on a copy of its data, before the running one is touched: a database is
//! migrated forward only, and two Grafanas must never share one. The copy is a backup that is kept.

use std::path::Path;
use std::time::Duration;

use futures_util::StreamExt;
use tokio::time::{Instant, sleep};
use tokio_util::io::{ReaderStream, SyncIoBridge};

use crate::apply::backup::{self, DATA, blocking};
use crate::apply::{StackSession, explain, oneshot};
use crate::engine::{Engine, EngineError, ErrorKind};
use crate::error::{Error, ExitCode};
use crate::health::{Verdict, verdict};
use crate::model::{ContainerSpec, ImageRef, ObservedContainer, RestartPolicy, ServiceKind};
use crate::render::files::GRAFANA_USER;
use crate::report::events::ServiceState;
use crate::services::DesiredService;
use crate::store::{archive, outgoing, tarball};

const PAUSE: Duration = Duration::from_millis(250);
/// Longest time to write the copy.
const UPLOAD: Duration = Duration::from_hours(1);

/// A trial of one image on the data of one running Grafana.
pub struct Rehearsal<'a, E> {
    pub session: &'a StackSession<E>,
    pub wanted: &'a DesiredService,
    pub running: &'a ObservedContainer,
    pub image: &'a ImageRef,
    /// The folder that keeps the backups.
    pub backups: &'a Path,
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
        self.say("trying the new version on a copy of its data");
        let spec = self.spec();
        let tried = self.try_on(&spec, &written).await;
        let removed = self.session.engine.remove_container(&spec.name, true).await;
        tried.map_err(|error| Error {
            message: format!(
                "{} does not work on a copy of Grafana's data: {}; nothing was touched",
                self.image, error.message
            ),
            ..error
        })?;
        Ok(removed?)
    }

    fn say(&self, detail: &str) {
        self.session.say(ServiceKind::Grafana, ServiceState::Working, detail);
    }

    /// The service's container without its volumes, its ports, and any network.
    fn spec(&self) -> ContainerSpec {
        let spec = self.wanted.spec.clone();
        let random = getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()));
        ContainerSpec {
            role: oneshot::ROLE.to_owned(),
            name: format!("{}-trial-{random:016x}", spec.stack),
            image: self.image.clone(),
            mounts: Vec::new(),
            ports: Vec::new(),
            network: None,
            aliases: Vec::new(),
            extra_hosts: Vec::new(),
            read_only_root: false,
            restart: RestartPolicy::No,
            ..spec
        }
    }

    async fn try_on(&self, spec: &ContainerSpec, written: &backup::Written) -> Result<(), Error> {
        let engine = &self.session.engine;
        let id = engine.create_container(spec).await?;
        self.session.check_cancelled()?;
        engine.upload(&id, "/", self.configuration()?).await?;
        self.upload_data(&id, &written.path).await?;
        self.session.check_cancelled()?;
        engine.start(&id).await?;
        self.until_it_answers(&id).await?;
        let observed = engine.list().await?;
        let trial = observed.containers.iter().find(|container| container.id == id);
        let Some(trial) = trial else { return Err(Error::new(ExitCode::Failed, "its container is gone")) };
        let found = backup::counts(self.session, trial).await?;
        let missing = written.manifest.counts.missing_in(&found);
        if missing.is_empty() {
            return Ok(());
        }
        Err(Error::new(ExitCode::Failed, format!("it holds only {} then", missing.join(", "))))
    }

    /// The provisioning belongs to it: without its files, a Grafana deletes what came from them.
    fn configuration(&self) -> Result<Vec<u8>, Error> {
        let set = &self.wanted.files;
        let mut archive = tarball::Archive::new(set.uid, set.gid);
        let mut pack = || -> std::io::Result<()> {
            for file in set.files.values() {
                archive.file(file.path.trim_start_matches('/'), file.bytes(), file.mode())?;
            }
            Ok(())
        };
        let packed = pack().and_then(|()| archive.finish());
        packed.map_err(|error| Error::new(ExitCode::Failed, format!("cannot pack its files: {error}")))
    }

    async fn upload_data(&self, id: &str, written: &Path) -> Result<(), Error> {
        let written = written.to_owned();
        let unpacked = blocking(move || -> Result<_, Error> {
            let folder = outgoing::scratch()?;
            archive::unpack(&written, folder.path())?;
            Ok(folder)
        });
        let folder = unpacked.await??;
        let data = folder.path().join("data");
        let (writer, reader) = tokio::io::duplex(1 << 20);
        let packing = blocking(move || outgoing::pack(&data, GRAFANA_USER, 0, SyncIoBridge::new(writer)));
        let tar = ReaderStream::with_capacity(reader, 1 << 18).boxed();
        let (packed, sent) = tokio::join!(packing, self.session.engine.upload_stream(id, DATA, tar, UPLOAD));
        sent?;
        packed?.map_err(|error| Error::new(ExitCode::Failed, format!("cannot pack the copy: {error}")))
    }

    /// It has no network, so it is asked from inside.
    async fn until_it_answers(&self, id: &str) -> Result<(), Error> {
        let deadline = Instant::now() + self.limit;
        loop {
            self.session.check_cancelled()?;
            if self.is_healthy(id).await? {
                return Ok(());
            }
            if let Verdict::Hopeless(reason) = verdict(&self.session.engine.inspect(id).await?) {
                return Err(self.failure(id, &reason).await);
            }
            if Instant::now() >= deadline {
                let reason = format!("it did not answer within {} s", self.limit.as_secs());
                return Err(self.failure(id, &reason).await);
            }
            sleep(PAUSE).await;
        }
    }

    async fn is_healthy(&self, id: &str) -> Result<bool, EngineError> {
        let command = ["wget", "-q", "-O", "-", "http://127.0.0.1:3000/api/health"].map(str::to_owned);
        match self.session.engine.exec(id, &command, None).await {
            Ok(output) => {
                let answer: serde_json::Value = serde_json::from_str(&output.stdout).unwrap_or_default();
                Ok(output.exit_code == 0 && answer["database"] == "ok")
            }
            // It has ended; the next look tells how.
            Err(error) if matches!(error.kind, ErrorKind::Conflict | ErrorKind::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn failure(&self, id: &str, reason: &str) -> Error {
        let log = explain::last_log_lines(&self.session.engine, id).await;
        Error::new(ExitCode::Unhealthy, reason).evidence(format!("  its last log lines:\n{log}"))
    }
}
