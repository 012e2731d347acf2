//! Asks the registries what there is beside the images in use.

use futures_util::future::join_all;

use crate::error::chain;
use crate::model::{ImageRef, ServiceKind};
use crate::net::registry::{RegistryError, Repository};
use crate::services::Desired;
use crate::update::LockedImage;
use crate::update::availability::{Availability, News};

/// One answer a service, side by side. A registry that does not answer is news of that kind, no error.
pub async fn registries(desired: &Desired) -> Vec<Availability> {
    let questions = desired.services.iter().map(|(service, wanted)| async move {
        let image = wanted.spec.image.clone();
        let news = match news(&image, desired.locked.get(service)).await {
            Ok(news) => news,
            Err(error) => News::Unknown(in_one_line(*service, &error)),
        };
        Availability { service: *service, image, news }
    });
    join_all(questions).await
}

async fn news(image: &ImageRef, locked: Option<&LockedImage>) -> Result<News, RegistryError> {
    let repository = Repository::of(image)?;
    let tag = image.tag().unwrap_or("latest");
    let tags = repository.tags().await?;
    let digest = match repository.image(tag).await {
        Ok(remote) => Some(remote.digest),
        Err(RegistryError::NotFound { .. }) => None,
        Err(error) => return Err(error),
    };
    // An image that came from no registry has no digest to compare.
    let present = locked.and_then(|locked| locked.digest.as_deref());
    let moved = matches!((present, &digest), (Some(present), Some(now)) if present != now);
    Ok(News::Known { tags, digest, moved })
}

fn in_one_line(service: ServiceKind, error: &RegistryError) -> String {
    let text = std::iter::once(error.to_string()).chain(chain(error)).collect::<Vec<_>>().join(": ");
    tracing::info!("{service}: {text}");
    text
}
