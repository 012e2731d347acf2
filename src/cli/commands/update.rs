//! `update`: what is newer, and taking it as a transaction.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::json;

use crate::apply::ownership;
use crate::apply::update::locking::{self, Locking};
use crate::apply::update::prepare::{self, Prepared};
use crate::apply::update::replace::Patience;
use crate::apply::update::{Update, ask, recover};
use crate::apply::{StackSession, gather, interrupted};
use crate::cli::args::{BackupFolder, PatienceOptions, PlanOptions, UpdateOptions};
use crate::cli::commands::backup_grafana;
use crate::cli::context::{Context, Loaded};
use crate::engine::Engine;
use crate::error::{Error, ExitCode};
use crate::model::{ImageRef, Observed, ObservedContainer, ServiceKind};
use crate::plan::ownership::{Adoption, owner as ownership_of};
use crate::plan::{Policy, reconcile};
use crate::report::{Format, updates};
use crate::services::Desired;
use crate::update::availability::{Availability, News};
use crate::update::candidates::Reach;

/// Moves services to newer images, each proved before the old container goes.
///
/// # Errors
/// When an image is refused or does not work; the old container runs again then.
pub async fn run(context: &Context, options: &UpdateOptions) -> Result<(), Error> {
    if options.check {
        return check(context, options).await;
    }
    if options.to.is_some() && options.services.len() != 1 {
        return Err(Error::new(ExitCode::Usage, "`--to` names a version of one service")
            .hint("name the service: `confidexmon update prometheus --to 3.14.0`"));
    }
    let none = PlanOptions::default();
    let loaded = context.load(&none)?;
    let engine = context.engine(&loaded.ports()).await?;
    let _lock = context.lock(&engine, &loaded.settings.stack, "update")?;
    let session = context.session(engine, &loaded.settings.stack)?;
    let mut stack = Stack::settled(context, &session, loaded, options.owner.adopt.into()).await?;
    stack.keep(&options.services)?;
    let news = ask::registries(&stack.desired).await;
    let targets = targets(&news, options)?;
    for (one, target) in news.iter().zip(&targets) {
        prepare::permit(one.service, one.tag(), target)?;
    }
    if options.dry_run {
        updates::print_targets(context.output, &news, &targets);
        return Ok(());
    }
    let update = stack.update(&session, &options.patience);
    let prepared = match fetch(&update, &news, &targets).await {
        Ok(prepared) => prepared,
        Err(error) => {
            update.restore_tags().await;
            return Err(error);
        }
    };
    let mut file = stack.loaded.images_lock.clone();
    update.run(&prepared, &stack.loaded.named_images, &mut file).await?;
    updates::print_done(context.output, &stack.desired, &prepared);
    Ok(())
}

/// What is newer. Asks registries only; the engine is not needed.
async fn check(context: &Context, options: &UpdateOptions) -> Result<(), Error> {
    let loaded = context.load(&PlanOptions::default())?;
    let mut desired = context.desired(&loaded)?;
    keep(&mut desired, &options.services)?;
    let news = ask::registries(&desired).await;
    match context.output.format {
        Format::Json => context.output.json(&json!({
            "stack": loaded.settings.stack.as_str(),
            "services": news.iter().map(updates::availability_json).collect::<Vec<_>>(),
        })),
        Format::Human => context.output.data(&updates::availability_table(context.output, &news)),
    }
    let unknown: Vec<&str> = news
        .iter()
        .filter(|one| matches!(one.news, News::Unknown(_)))
        .map(|one| one.service.name())
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    let message = format!("it is unknown whether there is anything newer of {}", unknown.join(", "));
    Err(Error::new(ExitCode::Failed, message).hint("the reasons stand in the table; try again later"))
}

fn targets(news: &[Availability], options: &UpdateOptions) -> Result<Vec<String>, Error> {
    let reach = if options.all { Reach::Newest } else { Reach::SameMajor };
    let target = |one: &Availability| {
        one.target(options.to.as_deref(), reach).map_err(|reason| Error::new(ExitCode::Failed, reason))
    };
    news.iter().map(target).collect()
}

/// Pulls everything before anything is touched.
async fn fetch<E: Engine>(
    update: &Update<'_, E>,
    news: &[Availability],
    targets: &[String],
) -> Result<Vec<Prepared>, Error> {
    let mut prepared = Vec::new();
    for (one, target) in news.iter().zip(targets) {
        let running = update.containers.iter().find(|container| container.service() == Some(one.service));
        let running_id = running.map_or("", |container| container.image_id.as_str());
        prepared.extend(prepare::fetch(update.session, one, target, running_id).await?);
    }
    Ok(prepared)
}

/// Leaves only the services that were named; all when none was.
fn keep(desired: &mut Desired, services: &[ServiceKind]) -> Result<(), Error> {
    if services.is_empty() {
        return Ok(());
    }
    desired.services.retain(|service, _| services.contains(service));
    desired.locked.retain(|service, _| services.contains(service));
    if desired.services.is_empty() {
        let names: Vec<&str> = services.iter().map(|service| service.name()).collect();
        return Err(Error::new(ExitCode::Failed, format!("{} is not enabled", names.join(", ")))
            .hint("`confidexmon up --with SERVICE` or the settings enable it"));
    }
    Ok(())
}

/// A stack that is as its settings say, so that an update changes images and nothing else.
pub(super) struct Stack {
    pub(super) loaded: Loaded,
    pub(super) desired: Desired,
    observed: Observed,
    pub(super) backups: PathBuf,
}

impl Stack {
    /// Settles what an earlier run left, and refuses a stack that has other changes waiting.
    pub(super) async fn settled<E: Engine>(
        context: &Context,
        session: &StackSession<E>,
        loaded: Loaded,
        adoption: Adoption,
    ) -> Result<Self, Error> {
        interrupted::finish(session).await?;
        let mut observed = session.engine.list().await?;
        let owner = (&loaded.settings.stack, &loaded.identity);
        ownership::check(session, owner, &observed, adoption).await?;
        if recover::run(session, &observed, &loaded.settings.stack, &loaded.images_lock.lock).await? {
            observed = session.engine.list().await?;
        }
        let mut loaded = context.with_running_redis(loaded, &PlanOptions::default(), &observed)?;
        context.print_warnings(&loaded);
        let mut desired = context.desired(&loaded)?;
        // What is another project's stays so here: `up --adopt` is what takes over all of it.
        let owners = gather::services(&observed, &desired.stack).filter_map(ownership_of);
        let other = owners.into_iter().find(|owner| !owner.is(&loaded.identity));
        if let Some(other) = other {
            desired.belongs_to(other);
        }
        let mut facts = gather::facts(session, &desired, observed).await?;
        // Other images are what an update is for.
        facts.images.clear();
        let plan = reconcile(&desired, &facts, &Policy { adoption, ..Policy::default() });
        if !plan.is_empty() {
            return Err(Error::new(
                ExitCode::Failed,
                "the stack is not as its settings say, and an update changes images only",
            )
            .evidence(plan.to_string())
            .hint("run `confidexmon up` first"));
        }
        let observed = facts.observed;
        let locking = Locking {
            file: &mut loaded.images_lock,
            named: &loaded.named_images,
            running: running_images(&observed, &desired),
        };
        locking::add_missing(session, &desired, locking).await?;
        desired.locked = loaded.locked_images();
        let backups = backup_grafana::folder(context, &BackupFolder { output: None });
        Ok(Self { loaded, desired, observed, backups })
    }

    pub(super) fn keep(&mut self, services: &[ServiceKind]) -> Result<(), Error> {
        keep(&mut self.desired, services)
    }

    pub(super) fn update<'a, E: Engine>(
        &'a self,
        session: &'a StackSession<E>,
        patience: &PatienceOptions,
    ) -> Update<'a, E> {
        let patience = Patience { to_work: patience.timeout, watch: patience.watch };
        let containers: Vec<&ObservedContainer> =
            gather::services(&self.observed, &self.desired.stack).collect();
        Update {
            session,
            desired: &self.desired,
            containers,
            patience,
            backups: &self.backups,
            earlier: None,
        }
    }
}

/// The image ids of the containers, which tags that moved do not name any more.
fn running_images(observed: &Observed, desired: &Desired) -> BTreeMap<ServiceKind, ImageRef> {
    gather::services(observed, &desired.stack)
        .filter_map(|container| Some((container.service()?, ImageRef::new(&container.image_id)?)))
        .collect()
}
