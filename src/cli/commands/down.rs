//! `down`: stop and remove what carries the stack's label.

use serde_json::{Value, json};

use crate::apply::down::{self, Volumes};
use crate::apply::ownership;
use crate::cli::args::{DownOptions, PlanOptions};
use crate::cli::context::{Context, Loaded};
use crate::cli::opened::Opened;
use crate::error::Error;
use crate::plan::removal::{Data, Removal, removal};
use crate::report::{Format, Output, words};

/// Stops and removes the stack's containers and network, and its volumes when asked.
///
/// # Errors
/// When something is left that could not be removed, or the stack belongs to another project.
pub async fn run(context: &Context, options: &DownOptions) -> Result<(), Error> {
    let loaded = context.load(&PlanOptions::default())?;
    let opened =
        if options.dry_run { context.look_at(&loaded).await } else { context.take(&loaded, "down").await };
    let Opened { session, observed, lock: _lock } = opened?;
    let Loaded { settings, identity, .. } = loaded;
    let stack = settings.stack;
    ownership::check(&session, (&stack, &identity), &observed, options.owner.adopt.into()).await?;
    let volumes = if options.volumes || options.dry_run { Volumes::Listed } else { Volumes::NotAskedFor };
    let found = down::gather(&session, &stack, observed, volumes).await?;
    let plan = removal(&found, &stack, if options.volumes { Data::Removed } else { Data::Kept });
    if options.dry_run {
        show_plan(context.output, &plan);
        return Ok(());
    }
    down::run(&session, &plan).await?;
    show_removed(context.output, stack.as_str(), &plan);
    Ok(())
}

fn show_plan(output: Output, plan: &Removal) {
    match output.format {
        Format::Json => output.json(&json!({
            "changes": !plan.is_empty(),
            "containers": containers(plan),
            "networks": networks(plan),
            "volumes": plan.volumes,
            "kept_volumes": plan.kept,
        })),
        Format::Human if plan.is_empty() => output.info("nothing to do: the stack is not there"),
        Format::Human => output.data(&plan.to_string()),
    }
}

fn show_removed(output: Output, stack: &str, plan: &Removal) {
    match output.format {
        Format::Json => output.json(&json!({
            "stack": stack,
            "containers": containers(plan),
            "networks": networks(plan),
            "volumes": plan.volumes,
        })),
        Format::Human if plan.is_empty() => output.info("nothing to do: the stack is not there"),
        Format::Human => {
            let containers = words::count(plan.containers.len(), "container");
            let volumes = if plan.volumes.is_empty() {
                "; data volumes stay (`down --volumes` removes them)".to_owned()
            } else {
                format!(" and {}", words::count(plan.volumes.len(), "volume"))
            };
            output.info(&format!("removed {containers}{volumes}"));
        }
    }
}

fn containers(plan: &Removal) -> Value {
    plan.containers.iter().map(|container| container.name.as_str()).collect()
}

fn networks(plan: &Removal) -> Value {
    plan.networks.iter().map(|network| network.name.as_str()).collect()
}
