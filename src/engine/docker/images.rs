//! Images as archives: streamed in both directions, never held whole.

use bollard::query_parameters::ImportImageOptions;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use hyper::body::Bytes;
use tokio::time::timeout;

use crate::engine::{EngineError, ErrorKind};
use crate::model::ImageRef;

use super::errors::hung;
use super::ops::CHANGE;
use super::wire::Wire;

/// The archive of these images. An engine that sends nothing for a minute hangs.
pub(super) fn save(wire: Wire, images: &[ImageRef]) -> BoxStream<'static, Result<Vec<u8>, EngineError>> {
    const ACTION: &str = "save the images";
    let names: Vec<&str> = images.iter().map(ImageRef::as_str).collect();
    let chunks = wire.docker.export_images(&names).boxed();
    let next = |(wire, mut chunks): (Wire, BoxStream<'static, _>)| async move {
        let chunk = match timeout(CHANGE, chunks.next()).await {
            Err(_) => Err(hung(ACTION.to_owned(), &wire.info.endpoint, "in time")),
            Ok(None) => return None,
            Ok(Some(Err(error))) => Err(wire.explain(ACTION, &error)),
            Ok(Some(Ok(chunk))) => Ok(Bytes::into(chunk)),
        };
        Some((chunk, (wire, chunks)))
    };
    stream::unfold((wire, chunks), next).boxed()
}

/// Gives the engine an archive to read. The engine's answer has a line for what it could not use.
pub(super) async fn load(
    wire: &Wire,
    archive: BoxStream<'static, std::io::Result<Vec<u8>>>,
) -> Result<(), EngineError> {
    const ACTION: &str = "load the images";
    let options = ImportImageOptions { quiet: true, ..ImportImageOptions::default() };
    let chunks = archive.map(|chunk| chunk.map(Bytes::from));
    let mut answers = wire.docker.import_image_stream(options, chunks, None);
    while let Some(answer) = answers.next().await {
        let answer = answer.map_err(|error| wire.explain(ACTION, &error))?;
        if let Some(message) = answer.error_detail.and_then(|detail| detail.message) {
            return Err(EngineError::new(ACTION, ErrorKind::Other, message));
        }
    }
    Ok(())
}
