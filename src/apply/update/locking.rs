//! Writes down which images a stack runs.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;

use crate::apply::StackSession;
use crate::engine::{Engine, EngineError};
use crate::error::Error;
use crate::model::{ImageRef, ServiceKind};
use crate::services::Desired;
use crate::store::images_lock::LockFile;
use crate::update::LockedImage;

/// The lock's file, and what its lines hold for.
pub struct Locking<'a> {
    pub file: &'a mut LockFile,
    /// What the settings name.
    pub named: &'a BTreeMap<ServiceKind, ImageRef>,
    /// Image ids of containers that run, where their tags may mean something else by now.
    pub running: BTreeMap<ServiceKind, ImageRef>,
}

/// Adds a line for every service that has none for what the settings name. A lock that cannot be
/// written is a warning: the stack runs all the same.
pub async fn add_missing<E: Engine>(
    session: &StackSession<E>,
    desired: &Desired,
    locking: Locking<'_>,
) -> Result<(), Error> {
    let Locking { file, named, running } = locking;
    let missing: Vec<(ServiceKind, &ImageRef)> = desired
        .services
        .iter()
        .filter(|(service, _)| !desired.locked.contains_key(service))
        .map(|(service, wanted)| (*service, &wanted.spec.image))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let running = &running;
    let found = try_join_all(missing.iter().map(|(service, image)| async move {
        let found = session.engine.find_image(running.get(service).unwrap_or(image)).await?;
        Ok::<_, EngineError>((*service, *image, found))
    }));
    for (service, image, found) in found.await? {
        if let (Some(local), Some(settings)) = (found, named.get(&service)) {
            file.lock.advance(service, LockedImage::of(image, settings, &local, now()));
        }
    }
    if let Err(error) = file.save() {
        let source = error.source.to_string();
        session.warn(format!("{error} ({source}), so the images are not locked"));
    }
    Ok(())
}

/// Lets a tag mean the locked image again, where a pull has moved it and the image is still here: the
/// next `up` shall find things as they were.
pub async fn restore_tag<E: Engine>(session: &StackSession<E>, locked: &LockedImage) {
    let Some(reference) = locked.reference() else { return };
    if let Err(error) = session.engine.tag_image(&locked.image_id, &reference).await {
        tracing::info!("the locked image of {reference} is not here: {error}: {}", error.source);
    }
}

/// RFC 3339 to the second.
pub fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
