//! Changes files of a running service as a transaction: stage → validate inside the container → switch →
//! reload → prove; on any failure the old files go back, are reloaded, and that is proved too.
//!
//! Prometheus's own reload is not atomic, and a broken rule file that stays on disk stops the next
//! start (both measured), which is why files are restored and not only reported.

mod alertmanager;
pub mod diff;
mod exporter;
mod grafana;
mod guard;
mod in_place;
mod prometheus;
mod redis;
mod reload_watchdog;
pub mod request;
mod restart;

use std::time::Duration;

use crate::apply::StackSession;
use crate::apply::probe::Address;
use crate::apply::reload::in_place::InPlace;
use crate::apply::reload::reload_watchdog::{Phase, ReloadWatchdog};
use crate::apply::reload::restart::{Before, Restart};
use crate::apply::transaction::{self, WayBackWords};
use crate::engine::{Engine, ErrorKind, ExecOutput};
use crate::error::{Error, ExitCode};
use crate::health::Reading;
use crate::model::{FileChanges, FileSet, Manifest, RenderedFile, ServiceKind};
use crate::services::{Api, DesiredService, FileEffect, file_effect, profile};
use crate::store::tarball;

/// The directory below a config root in which a new tree is checked before it counts.
const STAGING: &str = ".staged/";
/// Larger config trees are refused rather than held in memory.
const LARGEST_FILE: usize = 16 * 1024 * 1024;
/// How long a service that does not answer just now is given before it is restarted instead.
const PATIENCE: Duration = Duration::from_secs(2);
/// The way back of both kinds of change.
const WAY_BACK: WayBackWords = WayBackWords {
    name: "putting the old files back",
    hint: "`confidexmon up` writes the files again and says what is in force",
};

/// A change of one running service's files.
pub struct Change<'a, E> {
    pub session: &'a StackSession<E>,
    pub service: ServiceKind,
    pub wanted: &'a DesiredService,
    pub container_id: &'a str,
    pub changes: &'a FileChanges,
    pub address: Address,
    watchdog: ReloadWatchdog,
}

/// The files as they were, for the way back.
struct Previous {
    files: FileSet,
}

/// What goes into a container's config volume in one archive.
struct Upload<'a> {
    set: &'a FileSet,
    /// Which files of the set.
    paths: &'a [String],
    /// The directory below the root that they go to; empty for their real places.
    below: &'a str,
    manifest: Option<&'a Manifest>,
    /// What the watchdog is told.
    phase: Phase,
}

impl<'a> Upload<'a> {
    /// Files at their real places, without a manifest.
    const fn of(set: &'a FileSet, paths: &'a [String], phase: Phase) -> Self {
        Self { set, paths, below: "", manifest: None, phase }
    }
}

/// What the official tool said about a staged tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Validation {
    Valid,
    /// The words about it, and what the tool printed, where it was one.
    Refused(String, Option<ExecOutput>),
    /// There is no validator in this image, or the service has none.
    NotValidated(String),
}

impl Validation {
    /// What an exit code and the words on both streams mean.
    fn of(tool: &str, output: ExecOutput) -> Self {
        match output.exit_code {
            0 => Self::Valid,
            // The shell's and the engine's codes for "cannot be run" and "not there".
            126 | 127 => Self::NotValidated(format!("`{tool}` is not in the image")),
            _ => {
                let words = strip_success_lines(&format!("{}{}", output.stdout, output.stderr));
                Self::Refused(words, Some(output))
            }
        }
    }
}

/// Applies `changes`; with `restart` the service is restarted, because only a start reads them.
pub async fn change<E: Engine>(
    session: &StackSession<E>,
    wanted: &DesiredService,
    container_id: &str,
    changes: &FileChanges,
    restart: bool,
) -> Result<(), Error> {
    let change = Change::open(session, wanted.spec.service, wanted, container_id, changes).await?;
    // A service that does not answer, because it crashes again and again for example, cannot be told
    // to reload; a start is what brings the new files in.
    let reading = change.reading_within(PATIENCE).await;
    let can_be_told = reading == Reading::Ready || guard::refuses_only_the_new_password(&change, &reading);
    if restart || !can_be_told {
        let worked = !matches!(reading, Reading::Silent(_));
        let before = if worked { Before::Answering } else { Before::Silent };
        return transaction::run(&mut Restart { change: &change, before }).await;
    }
    change.apply_transactionally().await
}

async fn address<E: Engine>(
    session: &StackSession<E>,
    service: ServiceKind,
    wanted: &DesiredService,
    container_id: &str,
) -> Result<Address, Error> {
    let fixed = wanted.spec.ports.first().map_or(0, |port| port.host);
    if fixed != 0 {
        return Ok(session.address(wanted, fixed));
    }
    let observed = session.engine.list().await?;
    let container = observed.containers.iter().find(|container| container.id == container_id);
    let inside = wanted.probe.container_port();
    let bound = container.and_then(|container| container.ports.iter().find(|(_, _, port)| *port == inside));
    match bound {
        Some((_, host_port, _)) => Ok(session.address(wanted, *host_port)),
        None => Err(Error::new(
            ExitCode::Failed,
            format!("{service} publishes no port, so its reload cannot be proved"),
        )),
    }
}

impl<'a, E: Engine> Change<'a, E> {
    /// A change that can be made, at the address where its effect can be proved.
    pub async fn open(
        session: &'a StackSession<E>,
        service: ServiceKind,
        wanted: &'a DesiredService,
        container_id: &'a str,
        changes: &'a FileChanges,
    ) -> Result<Self, Error> {
        let address = address(session, service, wanted, container_id).await?;
        let watchdog = ReloadWatchdog::of(service);
        Ok(Self { session, service, wanted, container_id, changes, address, watchdog })
    }

    /// The change in place, as a transaction.
    pub async fn apply_transactionally(&self) -> Result<(), Error> {
        transaction::run(&mut InPlace { change: self }).await
    }

    /// What the switch writes. Where a validator saw the whole tree, the whole tree: a reload from another
    /// machine at the same time must not end in force together with half of this one. Secrets are read
    /// at any moment, so only changed ones are replaced.
    fn files_to_write(&self) -> Vec<String> {
        let changed = self.changes.written();
        if !self.has_validator() {
            return changed;
        }
        let files = self.wanted.files.files.values();
        let wanted = files.filter(|file| !file.is_secret() || changed.contains(&file.path));
        wanted.map(|file| file.path.clone()).collect()
    }

    fn refused(&self, words: &str, output: Option<ExecOutput>) -> Error {
        let error = Error::new(ExitCode::Findings, format!("the new files of {} are not valid; the old ones stay in force and on disk", self.service))
            .evidence(format!("{}\n", words.trim_end()))
            .hint("correct the line that is named, then run the command again; `confidexmon check` shows every finding");
        Error { refusal: output.map(|output| Box::new((self.service, output))), ..error }
    }

    /// Uploads the whole new tree beside the old one. New secrets are written in place at once: the
    /// validators look for them at their real path, and nothing reads them before the switch.
    async fn stage(&self) -> Result<(), Error> {
        if !self.has_validator() {
            return Ok(());
        }
        let set = &self.wanted.files;
        let plain: Vec<String> =
            set.files.values().filter(|file| !file.is_secret()).map(|file| file.path.clone()).collect();
        self.write(Upload { below: STAGING, ..Upload::of(set, &plain, Phase::Staged) }).await
    }

    /// The validator looks for the files of secrets at their real places.
    async fn stage_secrets(&self) -> Result<(), Error> {
        let secrets = self.new_secrets();
        if secrets.is_empty() || !self.has_validator() {
            return Ok(());
        }
        self.write(Upload::of(&self.wanted.files, &secrets, Phase::Staged)).await
    }

    /// New files that are read at use. (What is not known counts as new, too.)
    fn new_secrets(&self) -> Vec<String> {
        let read_at_use = |path: &&String| {
            path.contains("/secrets/") && file_effect(self.service, path) == FileEffect::Nothing
        };
        self.changes.added.iter().filter(read_at_use).cloned().collect()
    }

    /// One archive below the root: files, then the manifest, then the note for the watchdog.
    async fn write(&self, upload: Upload<'_>) -> Result<(), Error> {
        let Upload { set, paths, below, manifest, phase } = upload;
        let archive = tarball::of_files(set, paths, below, manifest, self.watchdog.note(phase))
            .map_err(|error| self.cannot_pack(&error))?;
        Ok(self.session.engine.upload(self.container_id, &set.root, archive).await?)
    }

    /// The end of a run that changes nothing in force: what was staged in place goes, too.
    async fn discard_staged(&self, previous: &Previous) {
        let files = &previous.files;
        let (old, new): (Vec<_>, Vec<_>) =
            self.new_secrets().into_iter().partition(|path| files.files.contains_key(path));
        let undone = match self.write(Upload::of(files, &old, Phase::Dropped)).await {
            Ok(()) => self.remove(&new).await,
            Err(error) => Err(error),
        };
        if let Err(error) = undone {
            tracing::debug!("what was staged stays behind, used by nothing: {error}");
        }
    }

    const fn has_validator(&self) -> bool {
        profile(self.service).validator.is_some()
    }

    fn cannot_pack(&self, error: &std::io::Error) -> Error {
        Error::new(ExitCode::Failed, format!("cannot pack the files of {}: {error}", self.service))
    }

    /// What lies in the volume now, so that it can be put back byte for byte.
    async fn previous(&self) -> Result<Previous, Error> {
        let set = &self.wanted.files;
        let archive = self.session.engine.download(self.container_id, &set.root).await?;
        let extracted = tarball::extract(&archive, LARGEST_FILE).map_err(|error| self.cannot_pack(&error))?;
        let mut files = FileSet::new(&set.root, set.uid, set.gid);
        for file in extracted {
            // The archive's paths begin with the last component of the root.
            let Some((_, below)) = file.path.split_once('/') else { continue };
            if below.is_empty() || below.starts_with('.') {
                continue;
            }
            let path = format!("{}/{below}", set.root);
            let secret =
                set.files.get(&path).map_or_else(|| path.contains("/secrets/"), RenderedFile::is_secret);
            files.insert(RenderedFile::read_back(path, file.bytes, secret));
        }
        Ok(Previous { files })
    }

    async fn validate(&self) -> Result<Validation, Error> {
        match profile(self.service).api {
            Api::Prometheus => prometheus::validate(self).await,
            Api::Alertmanager => alertmanager::validate(self).await,
            Api::Grafana => Ok(grafana::validate(self)),
            Api::Redis | Api::RedisExporter => {
                Ok(Validation::NotValidated(format!("{} has no validator", self.service)))
            }
        }
    }

    /// Runs a validator in the container; what it says of a staged file is about the file's real place.
    async fn run_validator(&self, command: &[&str]) -> Result<Validation, Error> {
        let argv: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
        let output = match self.session.engine.exec(self.container_id, &argv, None).await {
            Ok(output) => output,
            Err(error) if error.kind == ErrorKind::NotFound => {
                return Ok(Validation::NotValidated(format!("`{}` is not in the image", command[0])));
            }
            // It died between our look and now; a start is what brings the new files in.
            Err(error) if error.kind == ErrorKind::Conflict => {
                return Ok(Validation::NotValidated("the container is not running".to_owned()));
            }
            Err(error) => return Err(error.into()),
        };
        let root = &self.wanted.files.root;
        let placed = |words: &str| words.replace(&format!("{root}/{STAGING}"), &format!("{root}/"));
        let (stdout, stderr) = (placed(&output.stdout), placed(&output.stderr));
        Ok(Validation::of(command[0], ExecOutput { stdout, stderr, ..output }))
    }

    fn staged_path(&self, name: &str) -> String {
        format!("{}/{STAGING}{name}", self.wanted.files.root)
    }

    /// Writes `paths` of `set` to their real place and removes what is gone. Until [`Self::commit_manifest`] the
    /// manifest doubts every file that the change touches: whoever comes after a run that was killed
    /// before its proof sees it, and the next reload does the whole transaction again.
    async fn write_live_files(
        &self,
        set: &FileSet,
        paths: &[String],
        removed: &[String],
    ) -> Result<(), Error> {
        self.session.forget(self.container_id);
        let doubts = Manifest::of(&self.wanted.files).with_unverified(self.changes.touched());
        self.write(Upload { manifest: Some(&doubts), ..Upload::of(set, paths, Phase::Switched) }).await?;
        self.remove(removed).await
    }

    async fn remove(&self, paths: &[String]) -> Result<(), Error> {
        if paths.is_empty() {
            return Ok(());
        }
        let mut command = vec!["rm".to_owned(), "-f".to_owned(), "--".to_owned()];
        command.extend(paths.iter().cloned());
        match self.session.engine.exec(self.container_id, &command, None).await {
            Ok(_) => Ok(()),
            // No `rm` in the image: configurations name their files one by one, so a file that
            // nothing names any more is inert.
            Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
            // The same for a container that does not run long enough to be told.
            Err(error) if error.kind == ErrorKind::Conflict => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes down, here and in the volume, that `set` is what lies there and is in force.
    async fn commit_manifest(&self, set: &FileSet) {
        let manifest = Manifest::of(set);
        // What is in force is proved; without this line of writing the next run proves it again.
        match self.write(Upload { manifest: Some(&manifest), ..Upload::of(set, &[], Phase::Over) }).await {
            Ok(()) => self.session.remember(self.container_id, manifest),
            Err(error) => self.session.warn(format!(
                "the new files of {} are in force, but the engine failed afterwards: {}: {}",
                self.service,
                error.message,
                error.causes.join(": ")
            )),
        }
    }

    /// Reloads and proves that `set` is in force; `before` is what was.
    async fn reload_and_verify(&self, set: &FileSet, before: &FileSet) -> Result<(), Error> {
        if self.changes.touched().map(|path| file_effect(self.service, path)).max()
            == Some(FileEffect::Nothing)
        {
            return Ok(());
        }
        match profile(self.service).api {
            Api::Prometheus => prometheus::reload_and_verify(self, set).await,
            Api::Alertmanager => alertmanager::reload_and_verify(self, set).await,
            Api::Grafana => grafana::reload_and_verify(self, set).await,
            Api::Redis => redis::reload_and_verify(self, set, before).await,
            Api::RedisExporter => exporter::reload_and_verify(self).await,
        }
    }

    async fn is_overtaken(&self) -> bool {
        let root = &self.wanted.files.root;
        self.watchdog.is_overtaken(&self.session.engine, self.container_id, root).await
    }

    /// The files as they were, all of them, and none of those that this change added.
    async fn write_back(&self, previous: &Previous) -> Result<(), Error> {
        let paths: Vec<String> = previous.files.files.keys().cloned().collect();
        // Without a manifest every file counts as added, those that were there before included.
        let added = |path: &&String| !previous.files.files.contains_key(*path);
        let added: Vec<String> = self.changes.added.iter().filter(added).cloned().collect();
        self.write_live_files(&previous.files, &paths, &added).await
    }

    /// Asks until it is ready; the last reading when it is not within `limit`.
    async fn reading_within(&self, limit: Duration) -> Reading {
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            let reading = self.session.probe(&self.wanted.probe, &self.address).await;
            if reading == Reading::Ready || tokio::time::Instant::now() >= deadline {
                return reading;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    fn auth(&self) -> Option<(String, crate::model::Secret)> {
        self.wanted.probe.basic_auth()
    }
}

/// A validator's words without what it found right.
fn strip_success_lines(words: &str) -> String {
    let praise = |line: &str| {
        let line = line.trim_start();
        line.is_empty()
            || line.starts_with("Checking ")
            || line.contains("SUCCESS")
            || line.starts_with("Found:")
            || line.starts_with("- ")
    };
    let lines: Vec<&str> = words.lines().filter(|line| !praise(line)).collect();
    if lines.is_empty() { words.to_owned() } else { lines.join("\n") }
}
