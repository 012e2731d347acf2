//! Brings the new images here and validates them, before anything that runs is touched.

use crate::apply::validators::{self, ImagePull, Validators};
use crate::apply::{StackSession, pull};
use crate::engine::Engine;
use crate::error::{Error, ExitCode};
use crate::model::{ImageRef, LocalImage, ServiceKind};
use crate::net::registry::Repository;
use crate::services::DesiredService;
use crate::services::incompatibility;
use crate::update::availability::{Availability, News};

/// An image that is here, fits, and reads the present configuration.
#[derive(Clone, Debug)]
pub struct Prepared {
    pub service: ServiceKind,
    pub image: ImageRef,
    pub local: LocalImage,
    /// Of the manifest for this engine's platform, as far as the registry was asked.
    pub platform_digest: Option<String>,
}

/// Refuses a step that could not be undone or that this program cannot run, before anything is pulled.
pub fn permit(service: ServiceKind, from: &str, to: &str) -> Result<(), Error> {
    match incompatibility(service, from, to) {
        None => Ok(()),
        Some(found) => Err(Error::new(
            ExitCode::Failed,
            format!("{service} is not updated from {from} to {to}: {}", found.reason),
        )
        .hint(found.hint)),
    }
}

/// Pulls the image of one service. `None` when what runs is that image already.
pub async fn fetch<E: Engine>(
    session: &StackSession<E>,
    availability: &Availability,
    target: &str,
    running_id: &str,
) -> Result<Option<Prepared>, Error> {
    let service = availability.service;
    let image = availability
        .image
        .with_tag(target)
        .ok_or_else(|| Error::new(ExitCode::Usage, format!("`{target}` is no tag that an image can have")))?;
    if is_current(session, availability, &image, running_id).await? {
        return Ok(None);
    }
    let platform_digest = platform_digest(session, availability, &image).await?;
    let pulled = pull::image(session, service, &image).await;
    let local = session.engine.find_image(&image).await?;
    let Some(local) = local.filter(|local| pulled.is_ok() || local.id != running_id) else {
        return Err(nothing_known(availability, pulled.err()));
    };
    if pulled.is_err() {
        session.warn(format!("{image} cannot be pulled; the image of that name that is here is taken"));
    }
    if local.id == running_id {
        return Ok(None);
    }
    let machine = &session.engine.info().platform;
    if !local.platform.runs_on(machine) {
        return Err(other_platform(&image, &local.platform.to_string(), &machine.to_string()));
    }
    Ok(Some(Prepared { service, image, local, platform_digest }))
}

/// True when the registry says that the image which runs is what the tag means: a pull would only cost.
async fn is_current<E: Engine>(
    session: &StackSession<E>,
    availability: &Availability,
    image: &ImageRef,
    running_id: &str,
) -> Result<bool, Error> {
    let News::Known { digest: Some(digest), .. } = &availability.news else { return Ok(false) };
    if image.tag().unwrap_or("latest") != availability.tag() {
        return Ok(false);
    }
    let local = session.engine.find_image(image).await?;
    Ok(local.is_some_and(|local| local.id == running_id && local.has_digest(image, digest)))
}

/// Silence is not "up to date".
fn nothing_known(availability: &Availability, pull: Option<Error>) -> Error {
    let service = availability.service;
    let message = format!("it is not known whether there is a newer image of {service}");
    let mut error = Error::new(ExitCode::Failed, message).hint("nothing was touched");
    if let News::Unknown(reason) = &availability.news {
        error.causes.push(reason.clone());
    } else if let Some(pull) = pull {
        error.causes.push(pull.message);
        error.causes.extend(pull.causes);
    }
    error
}

async fn platform_digest<E: Engine>(
    session: &StackSession<E>,
    availability: &Availability,
    image: &ImageRef,
) -> Result<Option<String>, Error> {
    if matches!(availability.news, News::Unknown(_)) {
        return Ok(None);
    }
    let Ok(repository) = Repository::of(image) else { return Ok(None) };
    // The engine pulls by itself; without this answer only a line of the lock stays empty.
    let Ok(remote) = repository.image(image.tag().unwrap_or("latest")).await else { return Ok(None) };
    let machine = &session.engine.info().platform;
    match remote.for_platform(machine) {
        Some(digest) => Ok(Some(digest.to_owned())),
        None => Err(other_platform(image, &remote.platforms(), &machine.to_string())),
    }
}

fn other_platform(image: &ImageRef, theirs: &str, ours: &str) -> Error {
    Error::new(ExitCode::Failed, format!("{image} is made for {theirs}, and this engine runs {ours}"))
        .hint("choose a version that is built for this platform; nothing was touched")
}

/// Lets the new image's own tool read the present configuration.
pub async fn validate<E: Engine>(
    session: &StackSession<E>,
    wanted: &DesiredService,
    prepared: &Prepared,
) -> Result<(), Error> {
    let service = prepared.service;
    let Some(command) = validators::whole_tree(service) else { return Ok(()) };
    let files = validators::without_secrets(&wanted.files);
    let job = validators::job_in(&prepared.image, (&wanted.spec.stack, service), command, files);
    let validators = Validators {
        engine: &session.engine,
        reporter: session.reporter.as_ref(),
        cancel: &session.cancel,
        pull: ImagePull::Missing,
    };
    let image = &prepared.image;
    let outcome = validators.run(&job).await.map_err(|error| Error {
        message: format!("the {} of {image} cannot be run: {}", command[0], error.message),
        ..error.hint("nothing was touched")
    })?;
    if outcome.exit_code == 0 {
        return Ok(());
    }
    let message = format!("{image} cannot read the present configuration of {service}; nothing was touched");
    Err(Error::new(ExitCode::Failed, message)
        .evidence(format!("{}{}", outcome.stdout, outcome.stderr))
        .hint("change the configuration so that both versions read it, or choose another version"))
}
