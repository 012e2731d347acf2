//! `down`: stop and remove what carries the stack's label.

use serde_json::json;

use crate::apply::{down, interrupted, ownership};
use crate::cli::args::{DownOptions, PlanOptions};
use crate::cli::context::{Context, Loaded};
use crate::engine::Engine;
use crate::error::Error;
use crate::report::{Format, words};

pub async fn run(context: &Context, options: &DownOptions) -> Result<(), Error> {
    let Loaded { settings, identity, .. } = context.load(&PlanOptions::default())?;
    let stack = settings.stack;
    let engine = context.engine(&[]).await?;
    let _lock = context.lock(&engine, &stack, "down")?;
    let session = context.session(engine, &stack)?;
    interrupted::finish(&session).await?;
    let observed = session.engine.list().await?;
    ownership::check(&session, (&stack, &identity), &observed, options.owner.adopt.into()).await?;
    let removed = down::run(&session, &stack, options.volumes).await?;
    match context.output.format {
        Format::Json => context.output.json(&json!({
            "stack": stack.as_str(),
            "containers": removed.containers,
            "networks": removed.networks,
            "volumes": removed.volumes,
        })),
        Format::Human
            if removed.containers.is_empty() && removed.networks.is_empty() && removed.volumes.is_empty() =>
        {
            context.output.info("nothing to do: the stack is not there");
        }
        Format::Human => {
            let containers = words::count(removed.containers.len(), "container");
            let volumes = if options.volumes {
                format!("and {}", words::count(removed.volumes.len(), "volume"))
            } else {
                "; data volumes stay (`down --volumes` removes them)".to_owned()
            };
            context.output.info(&format!("removed {containers} {volumes}").replace(" ;", ";"));
        }
    }
    Ok(())
}
