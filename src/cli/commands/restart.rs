//! `restart`: stop and start services, then wait until they answer.

use futures_util::future::join_all;

use crate::apply::{gather, ownership, wait};
use crate::cli::args::{PlanOptions, ServicesOptions};
use crate::cli::context::Context;
use crate::cli::opened::Opened;
use crate::engine::Containers;
use crate::error::{Error, ExitCode};
use crate::report::events::ServiceState;
use crate::services::profile;

/// Restarts services one beside the other and waits until they answer.
///
/// # Errors
/// When there is no container to restart, or one does not become healthy.
pub async fn run(context: &Context, options: &ServicesOptions) -> Result<(), Error> {
    let none = PlanOptions::default();
    let loaded = context.load(&none)?;
    let desired = context.desired(&loaded)?;
    let Opened { session, observed, lock: _lock } = context.take(&loaded, "restart").await?;
    let owner = (&loaded.settings.stack, &loaded.identity);
    ownership::check(&session, owner, &observed, options.owner.adopt.into()).await?;
    let (_, mut desired) = context.settled((loaded, desired), &none, &observed)?;
    if !options.services.is_empty() {
        desired.services.retain(|service, _| options.services.contains(service));
    }
    let running = wait::running_in(&observed, &desired);
    let missing: Vec<&str> = desired
        .services
        .keys()
        .filter(|service| !running.contains_key(service))
        .map(|service| service.name())
        .collect();
    if desired.services.is_empty() {
        let names: Vec<&str> = options.services.iter().map(|service| service.name()).collect();
        return Err(Error::new(ExitCode::Failed, format!("{} is not enabled", names.join(", ")))
            .hint("`confidexmon up --with SERVICE` or the settings enable it"));
    }
    if !missing.is_empty() {
        return Err(Error::new(
            ExitCode::Failed,
            format!("there is no container of {} to restart", missing.join(", ")),
        )
        .hint("`confidexmon up` creates it"));
    }
    let restarts = gather::services(&observed, &desired.stack).filter_map(|container| {
        let service = container.service().filter(|service| running.contains_key(service))?;
        Some((service, container.id.clone()))
    });
    let applier_ref = &session;
    let results = join_all(restarts.map(|(service, id)| async move {
        applier_ref.say(service, ServiceState::Working, "restarting");
        applier_ref.engine.restart(&id, profile(service).stop_grace).await
    }))
    .await;
    for result in results {
        result?;
    }
    // A port that the engine chose may be another one after the restart.
    let running = wait::running(&session, &desired).await?;
    wait::until_ready(&session, &desired, &running, options.timeout).await
}
