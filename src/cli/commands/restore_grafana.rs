//! `restore-grafana`: check everything, keep what is there, replace it, prove it or put it back.

use std::path::Path;

use serde_json::json;

use crate::apply::backup::{self, blocking, proof};
use crate::apply::metered::{Doing, metered};
use crate::apply::ownership;
use crate::apply::restore::{self, Others, Replacement};
use crate::apply::trial::SignIn;
use crate::apply::{StackSession, interrupted, pull};
use crate::backup::restorable::{Foreign, objection};
use crate::cli::args::{PlanOptions, RestoreOptions};
use crate::cli::commands::backup_grafana::folder;
use crate::cli::commands::restore_beside;
use crate::cli::context::Context;
use crate::engine::{Containers, Engine};
use crate::error::{Error, ExitCode};
use crate::model::{ImageRef, Observed, ServiceKind, StackName};
use crate::report::backups::counted;
use crate::report::output::GOOD;
use crate::report::{Format, progress};
use crate::services::Desired;
use crate::store::incoming::{self, Incoming};
use crate::store::meter::Meter;
use crate::store::{archive, backups};

/// Stands for the newest backup of the stack.
const LATEST: &str = "latest";

/// Puts the data of a backup in the place of Grafana's, and proves it by its counts.
///
/// # Errors
/// When the archive is not sound (nothing was touched), or the restored Grafana does not hold what it should (the
/// data from before is back).
pub async fn run(context: &Context, options: &RestoreOptions) -> Result<(), Error> {
    let none = PlanOptions::default();
    let loaded = context.load(&none)?;
    let options = &with_archive(context, options, &loaded.settings.stack)?;
    if let Some(stack) = &options.beside {
        return Box::pin(restore_beside::run(context, options, stack)).await;
    }
    let stack = loaded.settings.stack.clone();
    let incoming = read(context, options).await?;
    let mut desired = context.desired(&loaded)?;
    desired.services.retain(|service, _| *service == ServiceKind::Grafana);
    let engine = context.engine(&loaded.ports()).await?;
    let _lock = context.lock(&engine, &stack, "restore-grafana")?;
    let session = context.session(engine, &stack)?;
    if options.prove_only {
        return Box::pin(prove_only(context, &session, &desired, (options, &incoming))).await;
    }
    interrupted::finish(&session).await?;
    let observed = session.engine.list().await?;
    ownership::check(&session, (&stack, &loaded.identity), &observed, options.owner.adopt.into()).await?;
    let container = backup::container(&observed, &stack).map_err(|error| {
        Error::new(
            error.code,
            format!("the stack `{stack}` has no Grafana to restore into; nothing was touched"),
        )
        .hint("`confidexmon up` creates it, then restore; or `--as NAME` restores beside")
    })?;
    let foreign = if options.foreign { Foreign::Wanted } else { Foreign::Refused };
    may_restore(&incoming, &stack, backup::version(&container.image).as_deref(), foreign)?;
    let folder = folder(context, &options.folder);
    let previous = present_data(context, &session, &observed, &stack, &folder).await?;
    let replacement = Replacement {
        container: &container.name,
        wanted: incoming.folder(),
        previous: previous.as_deref(),
        others: if incoming.manifest.is_some() { Others::Removed } else { Others::OtherPluginsRemoved },
    };
    let counts = incoming.counts;
    let proof = async || restore::prove(&session, &desired, &counts, options.timeout).await;
    Box::pin(restore::replace(&session, &replacement, proof)).await?;
    report(context, options, &incoming, previous.as_deref());
    Ok(())
}

/// `latest` is the newest backup of the stack, unless there is something of that name.
fn with_archive(
    context: &Context,
    options: &RestoreOptions,
    stack: &StackName,
) -> Result<RestoreOptions, Error> {
    if options.archive != Path::new(LATEST) || options.archive.exists() {
        return Ok(options.clone());
    }
    let folder = folder(context, &options.folder);
    let Some(newest) = backups::newest_path(&folder, stack.as_str())? else {
        let message = format!("there is no backup of the stack `{stack}` in {}", folder.display());
        return Err(Error::new(ExitCode::Failed, message)
            .hint("name an archive, or its folder with `--output`; `confidexmon backups` lists them"));
    };
    context.output.info(&format!("the newest backup is {}", newest.display()));
    Ok(RestoreOptions { archive: newest, ..options.clone() })
}

/// The archive or folder, unpacked and checked.
pub(super) async fn read(context: &Context, options: &RestoreOptions) -> Result<Incoming, Error> {
    context.output.info("checking the backup");
    let (archive, meter) = (options.archive.clone(), Meter::default());
    let counter = meter.clone();
    let identity = options.identity.clone();
    let reading = blocking(move || match identity {
        Some(identity) => incoming::read_encrypted(&archive, &identity, &counter),
        None => incoming::read(&archive, &counter),
    });
    let total = archive::manifest(&options.archive).map_or(0, |opened| opened.manifest.size());
    let doing = Doing { what: "unpacking and checking it", total };
    let incoming = metered(progress::reporter(context.output).as_ref(), doing, &meter, reading).await??;
    if incoming.manifest.is_none() {
        context.output.warning("this is a copied folder, not a backup: only its database could be checked");
    }
    Ok(incoming)
}

/// Tries the archive and leaves what runs as it is.
async fn prove_only<E: Engine>(
    context: &Context,
    session: &StackSession<E>,
    desired: &Desired,
    (options, incoming): (&RestoreOptions, &Incoming),
) -> Result<(), Error> {
    let Some(wanted) = desired.services.get(&ServiceKind::Grafana) else {
        return Err(Error::new(ExitCode::Usage, "Grafana is left out of the settings"));
    };
    let image = match &options.image {
        Some(named) => ImageRef::new(named).ok_or_else(|| {
            Error::new(ExitCode::Usage, format!("`{named}` is no image reference"))
                .hint("for example `grafana/grafana:13.2.0`")
        })?,
        None => wanted.spec.image.clone(),
    };
    if session.engine.find_image(&image).await?.is_none() {
        pull::image(session, ServiceKind::Grafana, &image).await?;
    }
    let tried =
        proof::of_archive(session, wanted, (&image, options.timeout), (&options.archive, incoming)).await?;
    let output = context.output;
    if output.format == Format::Json {
        output.json(&json!({
            "proven": options.archive.display().to_string(),
            "image": image.to_string(),
            "counts": incoming.counts,
            "signed_in": tried.sign_in == SignIn::Works,
        }));
        return Ok(());
    }
    output.info(&format!(
        "{} {}: {}",
        output.styled("✓", GOOD),
        proof::sentence(tried),
        counted(&incoming.counts)
    ));
    Ok(())
}

pub(super) fn may_restore(
    incoming: &Incoming,
    stack: &StackName,
    running: Option<&str>,
    foreign: Foreign,
) -> Result<(), Error> {
    let objected =
        incoming.manifest.as_ref().and_then(|manifest| objection(manifest, stack.as_str(), running, foreign));
    match objected {
        Some((what, hint)) => Err(Error::new(ExitCode::Failed, what).hint(hint).hint("nothing was changed")),
        None => Ok(()),
    }
}

/// A backup of what is there now; `None` when Grafana has no data that could be kept.
async fn present_data<E: Engine>(
    context: &Context,
    session: &StackSession<E>,
    observed: &Observed,
    stack: &StackName,
    folder: &Path,
) -> Result<Option<std::path::PathBuf>, Error> {
    let container = backup::container(observed, stack)?;
    let database = format!("{}/grafana.db", backup::DATA);
    if session.engine.stat(&container.id, &database).await?.is_none() {
        return Ok(None);
    }
    context.output.info("keeping the present data as a backup");
    let request = backup::Request { stack, container, folder };
    match backup::create(session, &request).await {
        Ok(written) => Ok(Some(written.path)),
        Err(error) => Err(error.hint(
            "the present data is replaced only when it can be kept; to give it up, run `confidexmon down`, remove the volume `docker volume rm …-grafana-data`, `confidexmon up`, then restore",
        )),
    }
}

fn report(context: &Context, options: &RestoreOptions, incoming: &Incoming, previous: Option<&Path>) {
    let output = context.output;
    let previous = previous.map(|path| path.display().to_string());
    if output.format == Format::Json {
        return output.json(&json!({
            "restored": options.archive.display().to_string(),
            "created_at": incoming.manifest.as_ref().map(|manifest| &manifest.created_at),
            "verified": incoming.manifest.is_some(),
            "counts": incoming.counts,
            "previous": previous,
        }));
    }
    output.info(&format!("{} restored and proved: {}", output.styled("✓", GOOD), counted(&incoming.counts)));
    if let Some(previous) = previous {
        output.info(&format!("what was there before is in {previous}"));
    }
}
