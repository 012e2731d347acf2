//! Everything of Grafana's volumes but the database: plugins, and what is provisioned.

use std::path::{Path, PathBuf};

use futures_util::TryStreamExt;
use tokio_util::io::{StreamReader, SyncIoBridge};

use crate::apply::StackSession;
use crate::apply::backup::{DATA, blocking, received};
use crate::backup::contents::{self, Part};
use crate::backup::entries::fault_of_path;
use crate::engine::{Engine, EngineError, ErrorKind};
use crate::error::Error;
use crate::model::ObservedContainer;
use crate::store::meter::Meter;
use crate::store::receive::{self as store_receive};

/// Where the stack's configuration of Grafana lies in its container.
const CONFIG: &str = "/etc/confidexmon";

/// Copies what the table keeps into `staged`; notes about what was left out.
pub(super) async fn copy<E: Engine>(
    session: &StackSession<E>,
    container: &ObservedContainer,
    staged: &Path,
) -> Result<Vec<String>, Error> {
    let data = staged.join("data");
    let mut notes = Vec::new();
    match names(session, container).await? {
        Names::Listed(names) => {
            for name in names.iter().filter(|name| contents::part(name) == Part::Kept) {
                copy_one(session, container, &data, name).await?;
            }
        }
        // Nothing moves in the volume of a container that does not run.
        Names::Everything => {
            let kept = move |path: &str| kept(&data, below(path)?);
            receive(session, &container.id, DATA, kept, &Meter::default()).await?;
        }
        Names::Unknown => {
            for name in contents::KNOWN {
                copy_one(session, container, &data, name).await?;
            }
            notes.push(format!("the image has no `ls`, so of Grafana's data only its database and {} went along; stop Grafana before a backup for the rest", contents::KNOWN.join(", ")));
        }
    }
    let provisioning = staged.join("provisioning");
    let provisioned = move |path: &str| {
        let path = below(path)?;
        let wanted =
            contents::is_provisioning(path) && fault_of_path(&format!("provisioning/{path}")).is_none();
        wanted.then(|| provisioning.join(path))
    };
    match receive(session, &container.id, CONFIG, provisioned, &Meter::default()).await {
        // A container of somebody else's making has no such folder.
        Err(error) if error.engine_kind == Some(ErrorKind::NotFound) => {
            notes.push("the container has no provisioning of this stack, so none went along".to_owned());
        }
        other => drop(other?),
    }
    Ok(notes)
}

/// What lies directly in the data folder.
enum Names {
    Listed(Vec<String>),
    /// It can all be read at once.
    Everything,
    Unknown,
}

/// The engine cannot list a folder, and reading all of a running one reads the database too, which moves:
/// the engine ends a tar in which a file shrinks (measured, 20.10).
async fn names<E: Engine>(session: &StackSession<E>, container: &ObservedContainer) -> Result<Names, Error> {
    if !container.is_running() {
        return Ok(Names::Everything);
    }
    let command = ["ls", "-1A", DATA].map(str::to_owned);
    match session.engine.exec(&container.id, &command, None).await {
        Ok(output) if output.exit_code == 0 => {
            Ok(Names::Listed(output.stdout.lines().map(str::to_owned).collect()))
        }
        Err(error) if error.is_engine_down() => Err(error.into()),
        Ok(_) | Err(_) => Ok(Names::Unknown),
    }
}

/// Copies one file or folder of the data folder, when it is there.
async fn copy_one<E: Engine>(
    session: &StackSession<E>,
    container: &ObservedContainer,
    data: &Path,
    name: &str,
) -> Result<(), Error> {
    let data = data.to_owned();
    let place = move |path: &str| kept(&data, path);
    let copied = receive(session, &container.id, &format!("{DATA}/{name}"), place, &Meter::default()).await;
    match copied {
        Err(error) if error.engine_kind == Some(ErrorKind::NotFound) => Ok(()),
        other => other.map(drop),
    }
}

fn kept(data: &Path, path: &str) -> Option<PathBuf> {
    let wanted = contents::part(path) == Part::Kept && fault_of_path(&format!("data/{path}")).is_none();
    wanted.then(|| data.join(path))
}

/// A path of a tar of a folder, without the folder's own name.
fn below(path: &str) -> Option<&str> {
    Some(path.split_once('/')?.1)
}

/// Writes the files of `path` inside a container to where `place` says; the files that were written. `meter`
/// counts the bytes that come.
///
/// # Errors
/// When the engine cannot send them, or a file not be written.
pub async fn receive<E: Engine>(
    session: &StackSession<E>,
    container_id: &str,
    path: &str,
    mut place: impl FnMut(&str) -> Option<PathBuf> + Send + 'static,
    meter: &Meter,
) -> Result<Vec<PathBuf>, Error> {
    let meter = meter.clone();
    let pieces = session.engine.download_stream(container_id, path);
    let pieces = pieces.inspect_ok(move |piece| meter.add(piece.len() as u64));
    let reader = StreamReader::new(pieces.map_err(|error: EngineError| std::io::Error::other(error)));
    let mut bridge = SyncIoBridge::new(reader);
    let written = blocking(move || {
        let files = store_receive::files(&mut bridge, &mut place)?;
        // The engine may have more to say: an error behind the last file, for example.
        std::io::copy(&mut bridge, &mut std::io::sink())?;
        Ok::<_, std::io::Error>(files)
    });
    written.await?.map_err(|error| received(error, &format!("`{path}` of the container")))
}
