//! A throw-away Grafana on a copy of some data, without a network and without the stack's volumes: what
//! proves a backup, and what tries a new version before the running one is touched.

use std::path::Path;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::apply::backup::{self, blocking};
use crate::apply::{StackSession, explain, restore};
use crate::backup::Counts;
use crate::backup::contents::is_provisioning;
use crate::engine::{Engine, EngineError, ErrorKind};
use crate::error::{Error, ExitCode};
use crate::health::{Verdict, verdict};
use crate::model::Role;
use crate::model::{ContainerSpec, FileSet, ImageRef, RenderedFile, RestartPolicy};
use crate::render::context::secret_path;
use crate::services::DesiredService;
use crate::store::{outgoing, tarball};

const PAUSE: Duration = Duration::from_millis(250);
/// The port on which Grafana listens in its container.
const PORT: u16 = 3000;

/// One image, tried on one copy.
pub struct Trial<'a, E> {
    pub session: &'a StackSession<E>,
    pub wanted: &'a DesiredService,
    pub image: &'a ImageRef,
    /// How long it may take to migrate and to answer.
    pub limit: Duration,
}

/// What a trial that succeeded has shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tried {
    pub sign_in: SignIn,
}

/// Whether the password of the settings signs in to the copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignIn {
    Works,
    /// The copy knows another password.
    Refused,
    /// The image has no tool that could ask (`busybox nc`).
    NotAsked,
}

impl<E: Engine> Trial<'_, E> {
    /// Starts it on the files below `folder/data`, with the provisioning files below `folder/provisioning` where
    /// there are any, and compares what it holds with `counts`. The container is gone afterwards; one that a
    /// killed run leaves is swept by the next command, like a validator's.
    ///
    /// # Errors
    /// When it does not answer, or holds less.
    pub async fn run(&self, folder: &Path, counts: &Counts) -> Result<Tried, Error> {
        let spec = self.spec();
        let tried = self.try_on(&spec, folder, counts).await;
        let removed = self.session.engine.remove_container(&spec.name, true).await;
        let tried = tried?;
        removed?;
        Ok(tried)
    }

    /// The service's container without its volumes, its ports, and any network.
    fn spec(&self) -> ContainerSpec {
        let spec = self.wanted.spec.clone();
        let random = getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()));
        ContainerSpec {
            role: Role::Validator,
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

    async fn try_on(&self, spec: &ContainerSpec, folder: &Path, counts: &Counts) -> Result<Tried, Error> {
        let engine = &self.session.engine;
        let id = engine.create_container(spec).await?;
        self.session.check_cancelled()?;
        engine.upload(&id, "/", self.configuration(folder).await?).await?;
        restore::upload(self.session, &id, folder.join("data")).await?;
        self.session.check_cancelled()?;
        engine.start(&id).await?;
        self.until_it_answers(&id).await?;
        let observed = engine.list().await?;
        let trial = observed.containers.iter().find(|container| container.id == id);
        let Some(trial) = trial else { return Err(Error::new(ExitCode::Failed, "its container is gone")) };
        let found = backup::counts(self.session, trial).await?;
        let missing = counts.missing_in(&found);
        if !missing.is_empty() {
            return Err(holds_only(&missing));
        }
        self.ask_its_api(&id, counts).await
    }

    async fn configuration(&self, folder: &Path) -> Result<Vec<u8>, Error> {
        let set = with_archives_files(&self.wanted.files, folder).await?;
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
        let url = format!("http://127.0.0.1:{PORT}/api/health");
        let command = ["wget", "-q", "-O", "-", &url].map(str::to_owned);
        match self.session.engine.exec(id, &command, None).await {
            Ok(output) => {
                let answer: Value = serde_json::from_str(&output.stdout).unwrap_or_default();
                Ok(output.exit_code == 0 && answer["database"] == "ok")
            }
            // It has ended; the next look tells how.
            Err(error) if matches!(error.kind, ErrorKind::Conflict | ErrorKind::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Signs in and counts through the API what the database was said to hold.
    async fn ask_its_api(&self, id: &str, counts: &Counts) -> Result<Tried, Error> {
        let Some((status, _)) = self.get(id, "/api/user").await? else {
            return Ok(Tried { sign_in: SignIn::NotAsked });
        };
        if status != 200 {
            return Ok(Tried { sign_in: SignIn::Refused });
        }
        let mut missing = Vec::new();
        for (what, path, wanted) in [
            ("datasource", "/api/datasources", counts.datasources),
            ("dashboard", "/api/search?type=dash-db&limit=5000", counts.dashboards.min(5000)),
        ] {
            let Some((200, body)) = self.get(id, path).await? else {
                return Err(Error::new(ExitCode::Failed, format!("its API does not answer {path}")));
            };
            let listed: Value = serde_json::from_str(&body).unwrap_or_default();
            let found = listed.as_array().map_or(0, Vec::len) as u64;
            if found < wanted {
                missing.push(format!("{found} of {wanted} {what}s through its API"));
            }
        }
        if missing.is_empty() { Ok(Tried { sign_in: SignIn::Works }) } else { Err(holds_only(&missing)) }
    }

    /// Status and body of a GET as the administrator; `None` without a tool to ask with. The password goes
    /// through standard input, so that no list of processes shows it.
    async fn get(&self, id: &str, path: &str) -> Result<Option<(u16, String)>, Error> {
        let user = self.wanted.spec.env.get("GF_SECURITY_ADMIN_USER").map_or("admin", String::as_str);
        let Some(password) = self.wanted.files.files.get(secret_path::GRAFANA_ADMIN) else { return Ok(None) };
        let pair = format!("{user}:{}", String::from_utf8_lossy(password.bytes()));
        let request = format!(
            "GET {path} HTTP/1.0\r\nHost: localhost\r\nAuthorization: Basic {}\r\n\r\n",
            BASE64_STANDARD.encode(pair)
        );
        let command = ["busybox", "nc", "127.0.0.1", &PORT.to_string()].map(str::to_owned);
        let output = match self.session.engine.exec(id, &command, Some(request.as_bytes())).await {
            Ok(output) => output,
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if matches!(output.exit_code, 126 | 127) {
            return Ok(None);
        }
        let (head, body) = output.stdout.split_once("\r\n\r\n").unwrap_or((&output.stdout, ""));
        let status = head.split_whitespace().nth(1).and_then(|status| status.parse().ok());
        Ok(status.map(|status| (status, body.to_owned())))
    }

    async fn failure(&self, id: &str, reason: &str) -> Error {
        let log = explain::last_log_lines(&self.session.engine, id).await;
        Error::new(ExitCode::Unhealthy, reason).evidence(format!("  its last log lines:\n{log}"))
    }
}

/// The files of a Grafana that works with what was unpacked into `folder`. The provisioning belongs to the
/// data: without its files, a Grafana deletes what came from them.
///
/// # Errors
/// When the unpacked files cannot be read.
pub async fn with_archives_files(own: &FileSet, folder: &Path) -> Result<FileSet, Error> {
    let mut set = own.clone();
    let provisioning = folder.join("provisioning");
    let kept = blocking(move || outgoing::read_folder(&provisioning)).await??;
    if !kept.is_empty() {
        set.files.retain(|path, _| !is_provisioning(tarball::relative(&own.root, path)));
    }
    for (below, bytes) in kept {
        set.insert(RenderedFile::read_back(format!("{}/{below}", own.root), bytes, false));
    }
    Ok(set)
}

fn holds_only(missing: &[String]) -> Error {
    Error::new(ExitCode::Failed, format!("it holds only {} then", missing.join(", ")))
}
