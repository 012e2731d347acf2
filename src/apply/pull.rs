//! Pulls images, and tells how far each is.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::try_join_all;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::apply::StackSession;
use crate::apply::update::locking;
use crate::engine::{Engine, EngineError, ErrorKind, Images};
use crate::error::{Error, ExitCode};
use crate::model::{ImageRef, LocalImage, ServiceKind};
use crate::report::events::{Event, Reporter, ServiceState};
use crate::services::Desired;
use crate::update::LockedImage;

/// A pull that tells nothing for this long is stuck.
const IDLE: Duration = Duration::from_secs(90);

/// Pulls every image of the stack, side by side, and tells what each reference means now.
pub async fn all<E: Engine>(
    session: &StackSession<E>,
    desired: &Desired,
) -> Result<BTreeMap<ImageRef, LocalImage>, Error> {
    let pulls = desired.services.iter().map(|(service, wanted)| async move {
        let reference = &wanted.spec.image;
        image(session, *service, reference).await?;
        let found = session.engine.find_image(reference).await?;
        if let (Some(locked), Some(found)) = (desired.locked.get(service), &found) {
            // The run will be refused.
            if !locked.is(found) {
                locking::restore_tag(session, locked).await;
            }
        }
        Ok::<_, Error>(found.map(|found| (reference.clone(), found)))
    });
    Ok(try_join_all(pulls).await?.into_iter().flatten().collect())
}

/// Pulls the image of a service: exactly the locked one, where one is locked.
pub async fn wanted<E: Engine>(
    session: &StackSession<E>,
    service: ServiceKind,
    reference: &ImageRef,
    locked: Option<&LockedImage>,
) -> Result<(), Error> {
    let exact = locked.and_then(|locked| reference.with_digest(locked.digest.as_deref()?));
    let Some(exact) = exact else { return image(session, service, reference).await };
    image(session, service, &exact).await.map_err(|error| {
        error.hint(format!("`confidexmon update {service}` takes what the tag `{reference}` means now"))
    })?;
    if let Some(found) = session.engine.find_image(&exact).await? {
        session.engine.tag_image(&found.id, reference).await?;
    }
    Ok(())
}

/// Pulls one image of a stack.
pub async fn image<E: Engine>(
    session: &StackSession<E>,
    service: ServiceKind,
    image: &ImageRef,
) -> Result<(), Error> {
    session.say(service, ServiceState::Working, format!("pulling {image}"));
    run(&session.engine, session.reporter.as_ref(), &session.cancel, service, image).await
}

/// Pulls one image; `service` is whose progress line shows it.
pub async fn run<E: Images>(
    engine: &E,
    reporter: &dyn Reporter,
    cancel: &CancellationToken,
    service: ServiceKind,
    image: &ImageRef,
) -> Result<(), Error> {
    let mut stream = engine.pull(image);
    let mut layers = BTreeMap::new();
    loop {
        let next = tokio::select! {
            next = timeout(IDLE, stream.next()) => next,
            () = cancel.cancelled() => {
                return Err(Error::new(ExitCode::Interrupted, "stopped by a signal")
                    .hint("nothing is lost: layers that were pulled stay"));
            }
        };
        match next {
            Err(_) => {
                let action = format!("pull the image `{image}`");
                let answer = format!("no progress for {} s", IDLE.as_secs());
                return Err(EngineError::new(action, ErrorKind::PullFailed, answer).into());
            }
            Ok(None) => return Ok(()),
            Ok(Some(progress)) => {
                let progress = progress?;
                if progress.total > 0 {
                    layers.insert(progress.layer, (progress.current, progress.total));
                }
                let (current, total) =
                    layers.values().fold((0, 0), |sum, (now, all)| (sum.0 + now, sum.1 + all));
                reporter.event(&Event::Pull { service, image: image.to_string(), current, total });
            }
        }
    }
}
