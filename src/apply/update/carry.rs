//! All images of a stack in one archive, for a machine without a registry.

use std::path::Path;

use futures_util::StreamExt;

use crate::apply::{StackSession, pull};
use crate::engine::Engine;
use crate::error::{Error, ExitCode};
use crate::model::{ImageRef, ServiceKind};
use crate::services::Desired;
use crate::store::archive_file::{self, PartFile};
use crate::store::space;

/// Writes the archive; its size in bytes. An image that is not here is pulled first, exactly as locked.
pub async fn save<E: Engine>(
    session: &StackSession<E>,
    desired: &Desired,
    path: &Path,
) -> Result<u64, Error> {
    let mut images = Vec::new();
    for (service, wanted) in &desired.services {
        let image = &wanted.spec.image;
        if session.engine.find_image(image).await?.is_none() {
            pull::wanted(session, *service, image, desired.locked.get(service)).await?;
        }
        images.push(image.clone());
    }
    if let Some(service) = mismatches(session, desired).await?.first() {
        return Err(Error::new(
            ExitCode::Failed,
            format!(
                "the image of {service} on this engine is not the one in images.lock; nothing was written"
            ),
        )
        .hint(format!("`confidexmon update {service}` takes it, or `confidexmon up` says more")));
    }
    let mut needed = 0_u64;
    for image in &images {
        let local = session.engine.find_image(image).await?;
        needed = needed.saturating_add(local.map_or(0, |local| local.size));
    }
    space::check(path.parent().unwrap_or(path), needed)?;
    let mut file = PartFile::create(path)?;
    let mut pieces = session.engine.save_images(&images);
    while let Some(piece) = pieces.next().await {
        session.check_cancelled()?;
        file.write(&piece?)?;
    }
    Ok(file.finish()?)
}

/// Reads an archive into the engine; the images of the stack that are here after that. One that is missing
/// or another than the locked one is an error.
pub async fn load<E: Engine>(
    session: &StackSession<E>,
    desired: &Desired,
    path: &Path,
) -> Result<Vec<ImageRef>, Error> {
    session.engine.load_images(archive_file::pieces(path)?).await?;
    let mut images = Vec::new();
    let mut missing = Vec::new();
    for (service, wanted) in &desired.services {
        match session.engine.find_image(&wanted.spec.image).await? {
            Some(_) => images.push(wanted.spec.image.clone()),
            None => missing.push(format!("{service} ({})", wanted.spec.image)),
        }
    }
    if !missing.is_empty() {
        let message = format!("the archive does not hold the image of {}", missing.join(", "));
        return Err(Error::new(ExitCode::Failed, message).hint(
            "write it where this stack's settings and images.lock are: `confidexmon images save FILE`",
        ));
    }
    match mismatches(session, desired).await?.first() {
        None => Ok(images),
        Some(service) => Err(Error::new(
            ExitCode::Failed,
            format!("the archive's image of {service} is not the one in images.lock"),
        )
        .hint("bring the images.lock along that belongs to the archive")),
    }
}

/// Services whose image here is not the locked one.
async fn mismatches<E: Engine>(
    session: &StackSession<E>,
    desired: &Desired,
) -> Result<Vec<ServiceKind>, Error> {
    let mut found = Vec::new();
    for (service, locked) in &desired.locked {
        let Some(wanted) = desired.services.get(service) else { continue };
        let local = session.engine.find_image(&wanted.spec.image).await?;
        if local.is_some_and(|local| !locked.is(&local)) {
            found.push(*service);
        }
    }
    Ok(found)
}
