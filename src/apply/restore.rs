//! Replaces Grafana's data with that of a backup. The present data is kept as a backup of its own first, and
//! is put back when Grafana does not work with the other.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt};
use tokio_util::io::ReaderStream;

use crate::apply::backup::{self, DATA, blocking};
use crate::apply::metered::{Doing, metered};
use crate::apply::transaction::{self, Back, Transaction, WayBackWords};
use crate::apply::{StackSession, wait};
use crate::backup::Counts;
use crate::backup::contents::{Part, part};
use crate::engine::{Engine, ErrorKind};
use crate::error::{Error, ExitCode};
use crate::model::ServiceKind;
use crate::render::files::GRAFANA_USER;
use crate::report::events::ServiceState;
use crate::services::{Desired, profile};
use crate::store::archive::unpack;
use crate::store::meter::Meter;
use crate::store::outgoing;
use crate::store::state::Interruption;

/// Longest time to write a volume: a hung engine must not hold a person for ever.
const UPLOAD: Duration = Duration::from_hours(1);

/// Grafana's container and the two states of its data.
pub struct Replacement<'a> {
    /// Its name or id.
    pub container: &'a str,
    /// A folder with `data/grafana.db` and whatever else belongs to it, checked before.
    pub wanted: &'a Path,
    /// The archive of the present data; `None` when there is none.
    pub previous: Option<&'a Path>,
    /// What else lies in the volume now.
    pub others: Others,
}

/// What becomes of files in the volume that the data does not hold. They are removed only where a backup of
/// them exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// The data is all that a backup keeps, so what else is there belongs to other data.
    Removed,
    /// Of a folder that was copied by hand only the plugins are known to be whole.
    OtherPluginsRemoved,
    Stay,
}

/// Stops Grafana, writes the data and starts it again, then asks `proof`. On any failure the previous data
/// is back and running, and the error says so. A run that is killed in between leaves a note by which the
/// next command does the same.
///
/// # Errors
/// The failure that led to the way back; another one where that failed, too.
pub async fn replace<E: Engine>(
    session: &StackSession<E>,
    replacement: &Replacement<'_>,
    proof: impl AsyncFnOnce() -> Result<(), Error>,
) -> Result<(), Error> {
    transaction::run(&mut Restore { session, replacement, proof: Some(proof) }).await
}

struct Restore<'a, E, P> {
    session: &'a StackSession<E>,
    replacement: &'a Replacement<'a>,
    /// Asked once.
    proof: Option<P>,
}

impl<E: Engine, P: AsyncFnOnce() -> Result<(), Error>> Transaction for Restore<'_, E, P> {
    /// The archive of the previous data.
    type Before = Option<PathBuf>;

    async fn stage(&mut self) -> Result<Self::Before, Error> {
        // The next command may run in another folder.
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let previous = self.replacement.previous.map(absolute);
        let container = self.replacement.container.to_owned();
        self.session.begin(&Interruption::Restoring { container, previous: previous.clone() })?;
        Ok(previous)
    }

    async fn switch(&mut self, previous: &Self::Before) -> Result<(), Error> {
        let Replacement { container, wanted, others, .. } = self.replacement;
        let others = if previous.is_some() { *others } else { Others::Stay };
        write_data(self.session, container, wanted, others).await?;
        self.session.check_cancelled()
    }

    async fn verify(&mut self, _: &Self::Before) -> Result<(), Error> {
        match self.proof.take() {
            Some(proof) => proof().await,
            None => Ok(()),
        }
    }

    async fn commit(&mut self, _: &Self::Before) -> Result<(), Error> {
        self.session.end()
    }

    async fn roll_back(&mut self, previous: Self::Before, _: &mut Error) -> Result<Back, Error> {
        undo(self.session, self.replacement.container, previous.as_deref()).await?;
        self.session.end()?;
        Ok(Back::Done("Grafana has the data that it had before, and runs".to_owned()))
    }

    fn way_back(&self) -> WayBackWords {
        WayBackWords {
            name: "putting the previous data back",
            hint: "run any command of confidexmon again: it tries once more",
        }
    }
}

/// Grafana answers, and its database holds what `wanted` counts.
///
/// # Errors
/// When it does not answer within `limit`, or holds less.
pub async fn prove<E: Engine>(
    session: &StackSession<E>,
    desired: &Desired,
    wanted: &Counts,
    limit: Duration,
) -> Result<(), Error> {
    let running = wait::running(session, desired).await?;
    wait::until_ready(session, desired, &running, limit).await?;
    let observed = session.engine.list().await?;
    let container = backup::container(&observed, &desired.stack)?;
    let found = backup::counts(session, container).await?;
    let missing = wanted.missing_in(&found);
    if missing.is_empty() {
        return Ok(());
    }
    let text = format!("Grafana started with the restored data, but holds only {}", missing.join(", "));
    Err(Error::new(ExitCode::Failed, text))
}

/// Puts the data of the archive `previous` back, when there was any, and starts Grafana.
///
/// # Errors
/// When the archive is not sound any more, or the engine fails.
pub async fn undo<E: Engine>(
    session: &StackSession<E>,
    container_id: &str,
    previous: Option<&Path>,
) -> Result<(), Error> {
    let Some(previous) = previous.map(Path::to_owned) else {
        return start(session, container_id).await;
    };
    let hint = format!("the previous data is in {}", previous.display());
    let unpacked = blocking(move || -> Result<_, Error> {
        let folder = outgoing::scratch()?;
        unpack(&previous, folder.path(), &Meter::default())?;
        outgoing::ensure_secret_key(&folder.path().join("data"))?;
        Ok(folder)
    });
    let folder = unpacked.await?.map_err(|error| error.hint(hint.clone()))?;
    write_data(session, container_id, folder.path(), Others::Removed).await.map_err(|error| error.hint(hint))
}

async fn start<E: Engine>(session: &StackSession<E>, container_id: &str) -> Result<(), Error> {
    session.say(ServiceKind::Grafana, ServiceState::Working, "starting");
    match session.engine.start(container_id).await {
        Err(error) if error.kind == ErrorKind::NotFound => Ok(()),
        other => Ok(other?),
    }
}

/// Stops the container, writes the files below `folder/data` over those of the volume, starts it.
async fn write_data<E: Engine>(
    session: &StackSession<E>,
    container_id: &str,
    folder: &Path,
    others: Others,
) -> Result<(), Error> {
    session.say(ServiceKind::Grafana, ServiceState::Working, "stopping");
    session.forget_proofs();
    remove_others(session, container_id, (folder, others)).await?;
    session.engine.stop(container_id, profile(ServiceKind::Grafana).stop_grace).await?;
    session.say(ServiceKind::Grafana, ServiceState::Working, "writing its data");
    upload(session, container_id, folder.join("data")).await?;
    start(session, container_id).await
}

/// Removes what a backup would keep and the new data may not hold, while the container still runs: only in it
/// can a file of a volume be removed. The backup of the present data holds all of it.
async fn remove_others<E: Engine>(
    session: &StackSession<E>,
    container_id: &str,
    (folder, others): (&Path, Others),
) -> Result<(), Error> {
    let goes = |name: &str| match others {
        Others::Stay => false,
        Others::Removed => !name.is_empty() && part(name) == Part::Kept,
        Others::OtherPluginsRemoved => name == "plugins" && folder.join("data/plugins").is_dir(),
    };
    if others == Others::Stay {
        return Ok(());
    }
    let list = ["ls", "-1A", DATA].map(str::to_owned);
    let listed = match session.engine.exec(container_id, &list, None).await {
        Ok(listed) => listed.stdout,
        // It does not run, or its image has no tools.
        Err(error) if matches!(error.kind, ErrorKind::Conflict | ErrorKind::NotFound) => {
            session.warn("what only the present data has, such as plugins, stays: Grafana does not run, so nothing could be removed");
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let paths: Vec<String> =
        listed.lines().filter(|name| goes(name)).map(|name| format!("{DATA}/{name}")).collect();
    if paths.is_empty() {
        return Ok(());
    }
    let command: Vec<String> = ["rm", "-rf", "--"].map(str::to_owned).into_iter().chain(paths).collect();
    let removed = session.engine.exec(container_id, &command, None).await?;
    if removed.exit_code != 0 {
        session.warn(format!("some files of the present data stay: {}", removed.stderr.trim()));
    }
    Ok(())
}

/// Writes what lies below `data` over the files of Grafana's volume.
///
/// # Errors
/// When it cannot be read, or the engine does not take it.
pub async fn upload<E: Engine>(
    session: &StackSession<E>,
    container_id: &str,
    data: PathBuf,
) -> Result<(), Error> {
    let meter = Meter::default();
    let counter = meter.clone();
    let doing = Doing { what: "writing its data", total: outgoing::size(&data)? };
    let (writer, reader) = tokio::io::duplex(1 << 20);
    let packing =
        blocking(move || outgoing::pack(&data, GRAFANA_USER, 0, tokio_util::io::SyncIoBridge::new(writer)));
    let tar = ReaderStream::with_capacity(reader, 1 << 18);
    let tar = tar.inspect_ok(move |piece| counter.add(piece.len() as u64)).boxed();
    let sending = session.engine.upload_stream(container_id, DATA, tar, UPLOAD);
    let both = Box::pin(async { tokio::join!(packing, sending) });
    let (packed, sent) = metered(session.reporter.as_ref(), doing, &meter, both).await;
    // When the engine ends early, packing fails because of it: its own words come first.
    sent?;
    packed?
        .map_err(|error| Error::new(ExitCode::Failed, format!("cannot pack the data of the backup: {error}")))
}
