//! A consistent copy of a SQLite database that somebody may be writing: without a pause where nothing moved
//! meanwhile, which its files' state and SQLite itself tell; else with the container paused.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use crate::apply::StackSession;
use crate::apply::backup::{Copied, DATA, blocking, files, local_volume};
use crate::apply::metered::{Doing, metered};
use crate::backup::FileEntry;
use crate::engine::{Engine, EngineError, ErrorKind, FileState};
use crate::error::{Error, ExitCode};
use crate::model::{ContainerState, ObservedContainer};
use crate::report::events::Reporter;
use crate::store::archive::Draft;
use crate::store::meter::Meter;
use crate::store::sqlite::{self, DatabaseError, DatabaseReport};
use crate::store::state::Interruption;
use crate::store::{StoreError, atomic, space, volume};

/// The database, its log, and the journal of a transaction under way. The log's index is made anew.
const FILES: [&str; 3] = ["grafana.db", "grafana.db-wal", "grafana.db-journal"];
const INDEX: &str = "grafana.db-shm";
/// How often a copy is tried before Grafana is paused for it.
const ATTEMPTS: usize = 3;

/// How often a pause is asked for that the engine cannot bring about, and how long it is left in peace between.
const PAUSES: usize = 4;
const BETWEEN_PAUSES: Duration = Duration::from_millis(250);

/// How long Grafana may be paused for a copy: this, and more for a large database.
const LEAST_PAUSE: Duration = Duration::from_secs(15);
const PAUSED_BYTES_PER_SECOND: u64 = 256 * 1024 * 1024;

/// Where the copy goes.
pub(super) struct Place {
    pub(super) folder: PathBuf,
    /// The archive that it is packed into, while SQLite checks it.
    pub(super) draft: Option<Arc<Draft>>,
}

/// Copies the database below a folder, as one plain file that SQLite has checked.
pub(super) async fn copy<E: Engine>(
    session: &StackSession<E>,
    container: &ObservedContainer,
    place: &Place,
) -> Result<Copied, Error> {
    let source = Source { session, container, local: local_volume::folder(session, container).await? };
    let folder = &place.folder;
    let mut size = 0;
    for _ in 0..ATTEMPTS {
        session.check_cancelled()?;
        let before = source.states().await?;
        if before[0].is_none() {
            return Err(Error::new(ExitCode::Failed, format!("`{}` has no database yet", container.name))
                .hint("Grafana makes it on its first start: `confidexmon up`"));
        }
        size = size_of(&before);
        room(size, folder)?;
        let tells = source.tells(&before);
        let meter = Meter::default();
        let doing = Doing { what: "copying its database", total: size };
        let taken = Box::pin(source.take(folder, &meter));
        let taken = metered(session.reporter.as_ref(), doing, &meter, taken).await;
        // A file that shrinks while it is read ends the copy; that is a movement, too.
        if source.states().await? != before || !tells {
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
    let stood_still = source.while_paused(folder, size).await?;
    match settle(session.reporter.as_ref(), place).await? {
        Ok((report, packed)) => Ok(Copied { report, stood_still, packed }),
        Err(error) => Err(damaged(&error)),
    }
}

/// A plain copy, and the archive beside it, of which what does not compress is half.
fn room(size: u64, folder: &Path) -> Result<(), Error> {
    Ok(space::check(folder, size.saturating_add(size / 2))?)
}

fn size_of(states: &[Option<FileState>]) -> u64 {
    states.iter().flatten().map(|state| state.size).sum()
}

/// A container that crashes again and again writes at each start.
fn may_write(container: &ObservedContainer) -> bool {
    matches!(container.state, ContainerState::Running | ContainerState::Restarting)
}

/// Where the database is copied from.
struct Source<'a, E> {
    session: &'a StackSession<E>,
    container: &'a ObservedContainer,
    /// Grafana's data, where it can be read without the engine.
    local: Option<PathBuf>,
}

impl<E: Engine> Source<'_, E> {
    /// The state of each of [`FILES`].
    async fn states(&self) -> Result<Vec<Option<FileState>>, Error> {
        let paths = FILES.map(|name| format!("{DATA}/{name}"));
        let states = paths.iter().map(|path| self.session.engine.stat(&self.container.id, path));
        Ok(try_join_all(states).await?)
    }

    /// True when the same states later mean that nothing moved. A copy without the engine may be done before the
    /// time of a change differs from that of the one before; through the engine it takes longer.
    fn tells(&self, states: &[Option<FileState>]) -> bool {
        let settled = |state: &FileState| local_volume::seen(state).is_some_and(volume::Seen::is_settled);
        self.local.is_none() || !may_write(self.container) || states.iter().flatten().all(settled)
    }

    /// Copies those of [`FILES`] that are there, one after the other: an engine lets nobody else at a container's
    /// files while it sends one (20.10), so a second copy would wait for the first until its deadline.
    async fn take(&self, folder: &Path, meter: &Meter) -> Result<(), Error> {
        if let Some(local) = &self.local {
            let (from, to, meter) = (local.clone(), folder.to_owned(), meter.clone());
            return Ok(blocking(move || take_locally(&from, &to, &meter)).await??);
        }
        for name in FILES.iter().chain([&INDEX]) {
            atomic::remove(&folder.join(name))?;
        }
        for name in FILES {
            let target = folder.join(name);
            let place = move |_: &str| -> Option<PathBuf> { Some(target.clone()) };
            match files::receive(self.session, &self.container.id, &format!("{DATA}/{name}"), place, meter)
                .await
            {
                // There is a log or a journal only at times.
                Err(error) if error.engine_kind == Some(ErrorKind::NotFound) => {}
                other => drop(other?),
            }
        }
        Ok(())
    }

    /// Copies with the container paused; how long it stood still. It runs on whatever happens here, and when
    /// this program is killed, the next command lifts the pause: by a note of its own, or, where a restore is under
    /// way and proves its data by such a copy, by the restore's.
    async fn while_paused(&self, folder: &Path, size: u64) -> Result<Duration, Error> {
        let (session, id) = (self.session, &self.container.id);
        let is_noted = session.interruption()?.is_some();
        if !is_noted {
            session.begin(&Interruption::Paused { container_id: id.clone() })?;
        }
        let began = Instant::now();
        let copied = match self.pause().await {
            Ok(()) => self.taken_in_time(folder, size).await,
            Err(error) => Err(error.into()),
        };
        // Also after a pause whose answer was lost.
        session.engine.unpause(id).await?;
        let stood_still = began.elapsed();
        if !is_noted {
            session.end()?;
        }
        copied?;
        Ok(stood_still)
    }

    /// On a busy machine a container cannot always be frozen at once: "unable to freeze" (measured, 20.10).
    async fn pause(&self) -> Result<(), EngineError> {
        let (engine, id) = (&self.session.engine, &self.container.id);
        for _ in 1..PAUSES {
            match engine.pause(id).await {
                Err(error) if error.kind == ErrorKind::Other => {}
                other => return other,
            }
            // What of it was frozen goes on meanwhile; most often nothing was, which is refused.
            if let Err(error) = engine.unpause(id).await {
                tracing::debug!("nothing to unpause: {error}");
            }
            tokio::time::sleep(BETWEEN_PAUSES).await;
        }
        engine.pause(id).await
    }

    /// Grafana stands still for it, so it has a limit, whatever the engine does.
    async fn taken_in_time(&self, folder: &Path, size: u64) -> Result<(), Error> {
        let limit = LEAST_PAUSE + Duration::from_secs(size / PAUSED_BYTES_PER_SECOND);
        tokio::time::timeout(limit, self.take(folder, &Meter::default())).await.unwrap_or_else(|_| {
            let text = format!(
                "copying Grafana's database took longer than {} s, so Grafana runs on without a backup",
                limit.as_secs()
            );
            Err(Error::new(ExitCode::Failed, text)
                .hint("look at the load of the engine's disk, or run it when Grafana is stopped"))
        })
    }
}

/// The same without the engine. What an earlier try copied stays where it is right, so a pause is short: only
/// what was written since is written again.
fn take_locally(from: &Path, to: &Path, meter: &Meter) -> Result<(), StoreError> {
    for name in FILES {
        let target = to.join(name);
        match volume::open(from, name) {
            Some((file, seen)) => volume::refresh(&file, seen.size, &target, meter)
                .map_err(|source| StoreError::new("copy", &from.join(name), source))?,
            None => atomic::remove(&target)?,
        }
    }
    // Of an earlier try, and of another log.
    atomic::remove(&to.join(INDEX))
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
    let (draft, meter) = (place.draft.clone(), Meter::default());
    let doing = Doing { what: "checking and packing its database", total: space::size(&database) };
    let counter = meter.clone();
    let pack = blocking(move || draft.map(|draft| draft.pack_database(&database, &counter)).transpose());
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::apply::tests::{desired, runtime, session, up, with_images};
    use crate::apply::{backup, restore};
    use crate::engine::Containers;

    /// The proof of a restore may have to pause Grafana, and the restore's own note is what ends it all.
    #[test]
    fn a_pause_leaves_the_note_of_a_restore_and_removes_its_own() {
        runtime().block_on(async {
            let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
            let [state, data, copy] = folders.each_ref().map(tempfile::TempDir::path);
            let desired = desired("info");
            let session = session(with_images(&desired), state);
            up(&session, &desired).await.unwrap();
            let observed = session.engine.list().await.unwrap();
            let container = backup::container(&observed, &desired.stack).unwrap();
            std::fs::write(data.join(FILES[0]), "rows").unwrap();
            restore::upload(&session, &container.id, data.to_owned()).await.unwrap();
            let source = Source { session: &session, container, local: None };
            let restoring = Interruption::Restoring { container: container.name.clone(), previous: None };
            for note in [None, Some(restoring)] {
                if let Some(note) = &note {
                    session.begin(note).unwrap();
                }
                source.while_paused(copy, 4).await.unwrap();
                assert_eq!(session.interruption().unwrap(), note);
                assert_eq!(std::fs::read_to_string(copy.join(FILES[0])).unwrap(), "rows");
                let observed = session.engine.list().await.unwrap();
                assert!(backup::container(&observed, &desired.stack).unwrap().is_running());
            }
        });
    }
}
