//! `rollback`: back to the images from before the last update.

use crate::apply::StackSession;
use crate::apply::backup::blocking;
use crate::apply::pull;
use crate::apply::update::prepare::{self, Prepared};
use crate::cli::args::{PlanOptions, RollbackOptions};
use crate::cli::commands::update::Stack;
use crate::cli::context::Context;
use crate::engine::Engine;
use crate::error::{Error, ExitCode};
use crate::model::{ImageRef, ServiceKind};
use crate::report::updates;
use crate::store::incoming::{self, Incoming};
use crate::store::meter::Meter;
use crate::store::{archive, backups};
use crate::update::LockedImage;

/// Goes back to the images before the last update, and Grafana to its data from then.
///
/// # Errors
/// When there is nothing to go back to, or the older image cannot read today's data.
pub async fn run(context: &Context, options: &RollbackOptions) -> Result<(), Error> {
    let loaded = context.load(&PlanOptions::default())?;
    let engine = context.engine(&loaded.ports()).await?;
    let _lock = context.lock(&engine, &loaded.settings.stack, "rollback")?;
    let session = context.session(engine, &loaded.settings.stack)?;
    let mut stack = Stack::settled(context, &session, loaded, options.owner.adopt.into()).await?;
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
    let mut earlier_data = None;
    for (service, locked) in &earlier {
        let now = stack.desired.services[service].spec.image.tag().unwrap_or("latest");
        let before = locked.reference();
        let permitted =
            prepare::permit(*service, now, before.as_ref().and_then(ImageRef::tag).unwrap_or("latest"));
        match permitted {
            Err(refused) if *service == ServiceKind::Grafana => {
                earlier_data = Some(data_from_before(context, &stack, locked, refused).await?);
            }
            other => other?,
        }
    }
    let mut update = stack.update(&session, &options.patience);
    update.earlier = earlier_data.as_ref();
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

/// An older Grafana cannot read what a newer one has migrated, so it goes back with its data: that of the newest
/// backup that it wrote itself, such as the one from before the update.
async fn data_from_before(
    context: &Context,
    stack: &Stack,
    locked: &LockedImage,
    refused: Error,
) -> Result<Incoming, Error> {
    let (folder, name) = (stack.backups.clone(), stack.loaded.settings.stack.to_string());
    let listed = blocking(move || backups::list(&folder, &name, archive::manifest)).await??;
    let written_by_it = listed.into_iter().rev().find(|backup| {
        backup.opened.as_ref().is_ok_and(|opened| opened.manifest.image_id == locked.image_id)
    });
    let Some(backup) = written_by_it else {
        return Err(refused.hint("and there is no backup that the earlier version wrote"));
    };
    let path = backup.path.clone();
    let incoming = blocking(move || incoming::read(&path, &Meter::default())).await??;
    context.output.info(&format!(
        "note: Grafana goes back to its data in {}; what was changed since is kept in a backup that is made now",
        backup.path.display()
    ));
    Ok(incoming)
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
