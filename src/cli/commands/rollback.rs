//! `rollback`: back to the images from before the last update.

use crate::apply::StackSession;
use crate::apply::pull;
use crate::apply::update::prepare::{self, Prepared};
use crate::cli::args::{PlanOptions, RollbackOptions};
use crate::cli::commands::update::Stack;
use crate::cli::context::Context;
use crate::engine::Engine;
use crate::error::{Error, ExitCode};
use crate::model::{ImageRef, ServiceKind};
use crate::report::updates;
use crate::update::LockedImage;

pub async fn run(context: &Context, options: &RollbackOptions) -> Result<(), Error> {
    let loaded = context.load(&PlanOptions::default())?;
    let engine = context.engine(&loaded.ports()).await?;
    let _lock = context.lock(&engine, &loaded.settings.stack, "rollback")?;
    let session = context.session(engine, &loaded.settings.stack)?;
    let mut stack = Stack::settled(context, &session, loaded).await?;
    stack.keep(&options.services)?;
    let previous = &stack.loaded.images_lock.lock.previous;
    let earlier: Vec<(ServiceKind, LockedImage)> = previous
        .iter()
        .filter(|(service, _)| stack.desired.services.contains_key(service))
        .map(|(service, locked)| (*service, locked.clone()))
        .collect();
    if earlier.is_empty() {
        return Err(Error::new(ExitCode::Failed, "there is no earlier image in the lock to go back to")
            .hint("only what `confidexmon update` has moved can be rolled back; `images:` in the settings names any version"));
    }
    for (service, locked) in &earlier {
        let now = stack.desired.services[service].spec.image.tag().unwrap_or("latest");
        let before = locked.reference();
        prepare::permit(*service, now, before.as_ref().and_then(ImageRef::tag).unwrap_or("latest"))?;
    }
    let update = stack.update(&session, &options.patience);
    let mut prepared = Vec::new();
    for (service, locked) in &earlier {
        match find(&session, *service, locked).await {
            Ok(one) => prepared.push(one),
            Err(error) => {
                update.restore_tags().await;
                return Err(error);
            }
        }
    }
    let mut file = stack.loaded.images_lock.clone();
    update.run(&prepared, &stack.loaded.named_images, &mut file).await?;
    updates::print_done(context.output, &stack.desired, &prepared);
    Ok(())
}

/// The earlier image, from this engine or, exactly, from its registry.
async fn find<E: Engine>(
    session: &StackSession<E>,
    service: ServiceKind,
    locked: &LockedImage,
) -> Result<Prepared, Error> {
    let unusable = || Error::new(ExitCode::Failed, format!("`{}` in the lock is no image", locked.image));
    let image = locked.reference().ok_or_else(unusable)?;
    let by_id = ImageRef::new(&locked.image_id).ok_or_else(unusable)?;
    if session.engine.find_image(&by_id).await?.is_some() {
        session.engine.tag_image(&locked.image_id, &image).await?;
    } else {
        pull::wanted(session, service, &image, Some(locked)).await?;
    }
    let local = session.engine.find_image(&image).await?.filter(|local| locked.is(local));
    let local = local.ok_or_else(|| {
        Error::new(
            ExitCode::Failed,
            format!("the earlier image of {service} ({}) is not to be had any more", locked.short()),
        )
        .hint("`confidexmon update --to VERSION` takes another version; nothing was touched")
    })?;
    Ok(Prepared { service, image, local, platform_digest: locked.platform_digest.clone() })
}
