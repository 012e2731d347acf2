//! A consistent copy of a SQLite database that somebody may be writing: without a pause where nothing moved
//! meanwhile, which its files' state and SQLite itself tell; else with the container paused.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use crate::apply::StackSession;
use crate::apply::backup::{Copied, DATA, blocking, files};
use crate::apply::metered::{Doing, metered};
use crate::backup::FileEntry;
use crate::engine::{Engine, ErrorKind, FileState};
use crate::error::{Error, ExitCode};
use crate::model::{ContainerState, ObservedContainer};
use crate::report::events::Reporter;
use crate::store::meter::Meter;
use crate::store::sqlite::{self, DatabaseError, DatabaseReport};
use crate::store::state::Interruption;
use crate::store::{archive, backups, space};

/// The database, its log, and the journal of a transaction under way. The log's index is made anew.
const FILES: [&str; 3] = ["grafana.db", "grafana.db-wal", "grafana.db-journal"];
/// How often a copy is tried before Grafana is paused for it.
const ATTEMPTS: usize = 3;

/// How long Grafana may be paused for a copy: this, and more for a large database.
const LEAST_PAUSE: Duration = Duration::from_secs(15);
const PAUSED_BYTES_PER_SECOND: u64 = 256 * 1024 * 1024;

/// Where the copy goes.
pub(super) struct Place {
    pub(super) folder: PathBuf,
    /// Where it is packed for an archive, while SQLite checks it.
    pub(super) packed: Option<PathBuf>,
}

/// Copies the database below a folder, as one plain file that SQLite has checked.
pub(super) async fn copy<E: Engine>(
    session: &StackSession<E>,
    container: &ObservedContainer,
    place: &Place,
) -> Result<Copied, Error> {
    let folder = &place.folder;
    for _ in 0..ATTEMPTS {
        session.check_cancelled()?;
        let before = states(session, &container.id).await?;
        if before[0].is_none() {
            return Err(Error::new(ExitCode::Failed, format!("`{}` has no database yet", container.name))
                .hint("Grafana makes it on its first start: `confidexmon up`"));
        }
        room(&before, folder)?;
        let meter = Meter::default();
        let doing = Doing { what: "copying its database", total: size_of(&before) };
        let taken = Box::pin(take(session, &container.id, folder, &meter));
        let taken = metered(session.reporter.as_ref(), doing, &meter, taken).await;
        // A file that shrinks while the engine reads it ends the copy; that is a movement, too.
        if states(session, &container.id).await? != before {
            continue;
        }
        taken?;
        match settle(session.reporter.as_ref(), place).await? {
            Ok((report, packed)) => return Ok(Copied { report, stood_still: Duration::ZERO, packed }),
            // Nothing writes to a container that does not run, so a further copy would be the same.
            Err(error) if !may_write(container) => return Err(damaged(&error)),
            Err(_) => {}
        }
    }
    let stood_still = while_paused(session, container, folder).await?;
    match settle(session.reporter.as_ref(), place).await? {
        Ok((report, packed)) => Ok(Copied { report, stood_still, packed }),
        Err(error) => Err(damaged(&error)),
    }
}

/// A plain copy, and the archive beside it, of which what does not compress is half.
fn room(states: &[Option<FileState>], folder: &Path) -> Result<(), Error> {
    let size = size_of(states);
    Ok(space::check(folder, size.saturating_add(size / 2))?)
}

fn size_of(states: &[Option<FileState>]) -> u64 {
    states.iter().flatten().map(|state| state.size).sum()
}

/// A container that crashes again and again writes at each start.
fn may_write(container: &ObservedContainer) -> bool {
    matches!(container.state, ContainerState::Running | ContainerState::Restarting)
}

/// The state of each of [`FILES`].
async fn states<E: Engine>(session: &StackSession<E>, id: &str) -> Result<Vec<Option<FileState>>, Error> {
    let paths = FILES.map(|name| format!("{DATA}/{name}"));
    Ok(try_join_all(paths.iter().map(|path| session.engine.stat(id, path))).await?)
}

/// Copies those of [`FILES`] that are there, one after the other: an engine lets nobody else at a container's
/// files while it sends one (20.10), so a second copy would wait for the first until its deadline.
async fn take<E: Engine>(
    session: &StackSession<E>,
    id: &str,
    folder: &Path,
    meter: &Meter,
) -> Result<(), Error> {
    backups::clear(folder)?;
    for name in FILES {
        let target = folder.join(name);
        let place = move |_: &str| -> Option<PathBuf> { Some(target.clone()) };
        match files::receive(session, id, &format!("{DATA}/{name}"), place, meter).await {
            // There is a log or a journal only at times.
            Err(error) if error.engine_kind == Some(ErrorKind::NotFound) => {}
            other => drop(other?),
        }
    }
    Ok(())
}

/// Copies with the container paused; how long it stood still. It runs on whatever happens here, and when
/// this program is killed, the next command lifts the pause.
async fn while_paused<E: Engine>(
    session: &StackSession<E>,
    container: &ObservedContainer,
    folder: &Path,
) -> Result<Duration, Error> {
    let interruption = Interruption::Paused { container_id: container.id.clone() };
    session.begin(&interruption)?;
    let began = Instant::now();
    let copied = match session.engine.pause(&container.id).await {
        Ok(()) => taken_in_time(session, &container.id, folder).await,
        Err(error) => Err(error.into()),
    };
    // Also after a pause whose answer was lost.
    session.engine.unpause(&container.id).await?;
    let stood_still = began.elapsed();
    session.end()?;
    copied?;
    Ok(stood_still)
}

/// Grafana stands still for it, so it has a limit, whatever the engine does.
async fn taken_in_time<E: Engine>(session: &StackSession<E>, id: &str, folder: &Path) -> Result<(), Error> {
    let size = size_of(&states(session, id).await?);
    let limit = LEAST_PAUSE + Duration::from_secs(size / PAUSED_BYTES_PER_SECOND);
    tokio::time::timeout(limit, take(session, id, folder, &Meter::default())).await.unwrap_or_else(|_| {
        let text = format!(
            "copying Grafana's database took longer than {} s, so Grafana runs on without a backup",
            limit.as_secs()
        );
        Err(Error::new(ExitCode::Failed, text)
            .hint("look at the load of the engine's disk, or run it when Grafana is stopped"))
    })
}

type Settled = Result<(DatabaseReport, Option<FileEntry>), DatabaseError>;

/// Makes one plain file of the copy, then checks and packs it side by side. What was packed counts only when
/// the check found it whole.
async fn settle(reporter: &dyn Reporter, place: &Place) -> Result<Settled, Error> {
    let database = place.folder.join(FILES[0]);
    let file = database.clone();
    if let Err(error) = blocking(move || sqlite::fold(&file)).await? {
        return Ok(Err(error));
    }
    let file = database.clone();
    let check = blocking(move || sqlite::inspect(&file));
    let (packed, meter) = (place.packed.clone(), Meter::default());
    let doing = Doing { what: "checking and packing its database", total: space::size(&database) };
    let counter = meter.clone();
    let pack = blocking(move || {
        packed.map(|packed| archive::pack_database(&database, &packed, &counter)).transpose()
    });
    let both = Box::pin(async { tokio::join!(check, pack) });
    let (report, packed) = metered(reporter, doing, &meter, both).await;
    match report? {
        Ok(report) => Ok(Ok((report, packed??))),
        Err(error) => Ok(Err(error)),
    }
}

fn damaged(error: &DatabaseError) -> Error {
    let mut wrapped =
        Error::new(ExitCode::Failed, format!("Grafana's database cannot be backed up: {error}"));
    wrapped.causes = crate::error::chain(error);
    let hint = crate::model::Hint::hint(error);
    match hint {
        Some(hint) => wrapped.hint(hint),
        None => wrapped,
    }
}
