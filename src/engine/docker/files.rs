//! Large files in and out of containers, as streams of a tar's bytes.

use std::time::Duration;

use bollard::body_try_stream;
use bollard::query_parameters::{
    ContainerArchiveInfoOptions, DownloadFromContainerOptions, UploadToContainerOptions,
};
use futures_util::stream::{self, BoxStream};
use futures_util::{Stream, StreamExt};
use hyper::body::Bytes;

use crate::engine::{EngineError, ErrorKind, FileState};

use super::errors::hung;
use super::ops::{CHANGE, LOOK, short};
use super::wire::Wire;

/// A tar of `path`; the stream ends after its first error.
pub(super) fn download_stream(
    wire: Wire,
    id: &str,
    path: &str,
) -> BoxStream<'static, Result<Bytes, EngineError>> {
    let action = format!("read `{path}` of container `{}`", short(id));
    let options = DownloadFromContainerOptions { path: path.to_owned() };
    let chunks = wire.docker.download_from_container(id, Some(options)).boxed();
    stream::unfold(Some((wire, chunks, action)), |reading| async move {
        let (wire, mut chunks, action) = reading?;
        match next(&wire, &mut chunks, &action).await? {
            Ok(chunk) => Some((Ok(chunk), Some((wire, chunks, action)))),
            Err(error) => Some((Err(error), None)),
        }
    })
    .boxed()
}

/// The deadline is per piece: a backup may be large, and silence is what tells a hung engine.
async fn next(
    wire: &Wire,
    chunks: &mut (impl Stream<Item = Result<Bytes, bollard::errors::Error>> + Unpin),
    action: &str,
) -> Option<Result<Bytes, EngineError>> {
    match tokio::time::timeout(CHANGE, chunks.next()).await {
        Err(_) => Some(Err(hung(action, &wire.info.endpoint, "in time"))),
        Ok(chunk) => Some(chunk?.map_err(|error| wire.explain(action, &error))),
    }
}

/// Unpacks `tar` below the folder of a container: `(id, folder)`.
pub(super) async fn upload_stream(
    wire: &Wire,
    (id, root): (&str, &str),
    tar: BoxStream<'static, std::io::Result<Bytes>>,
    limit: Duration,
) -> Result<(), EngineError> {
    let action = format!("write files to `{root}` of container `{}`", short(id));
    let options = UploadToContainerOptions { path: root.to_owned(), ..Default::default() };
    wire.call(&action, limit, wire.docker.upload_to_container(id, Some(options), body_try_stream(tar))).await
}

pub(super) async fn stat(wire: &Wire, id: &str, path: &str) -> Result<Option<FileState>, EngineError> {
    let action = format!("look at `{path}` of container `{}`", short(id));
    let options = ContainerArchiveInfoOptions { path: path.to_owned() };
    match wire.call(&action, LOOK, wire.docker.get_container_archive_info(id, Some(options))).await {
        Ok(found) => Ok(Some(FileState {
            size: u64::try_from(found.size).unwrap_or(0),
            changed_at: found.modification_time.unwrap_or_default(),
        })),
        Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
