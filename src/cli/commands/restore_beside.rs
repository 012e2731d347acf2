//! `restore-grafana --as STACK`: a backup beside what runs, to look at or to move to.

use serde_json::json;

use crate::apply::{backup, beside, interrupted};
use crate::backup::restorable::Foreign;
use crate::cli::args::{PlanOptions, RestoreOptions};
use crate::cli::commands::restore_grafana::{may_restore, read};
use crate::cli::context::{Context, Loaded};
use crate::error::{Error, ExitCode};
use crate::model::{ServiceKind, StackName};
use crate::render::context::links;
use crate::report::Format;
use crate::report::backups::counted;
use crate::report::output::GOOD;
use crate::store::ports;

/// Restores an archive into a stack of another name, beside the running one.
///
/// # Errors
/// When that stack has a Grafana already, or the archive is not sound.
pub async fn run(context: &Context, options: &RestoreOptions, stack: &StackName) -> Result<(), Error> {
    let mut loaded = context.load(&PlanOptions::default())?;
    if *stack == loaded.settings.stack {
        return Err(Error::new(ExitCode::Usage, format!("`{stack}` is this project's own stack"))
            .hint("leave `--as` out to restore into it, or name another"));
    }
    context.identify(&mut loaded)?;
    rename(&mut loaded, stack);
    let incoming = read(context, options).await?;
    let mut desired = context.desired(&loaded)?;
    desired.services.retain(|service, _| *service == ServiceKind::Grafana);
    desired.locked.retain(|service, _| *service == ServiceKind::Grafana);
    let Some(wanted) = desired.services.get(&ServiceKind::Grafana) else {
        return Err(Error::new(ExitCode::Usage, "Grafana is left out of the settings"));
    };
    may_restore(&incoming, stack, backup::version(wanted.spec.image.as_str()).as_deref(), Foreign::Wanted)?;
    let engine = context.engine(&loaded.ports()).await?;
    let _lock = context.lock(&engine, stack, "restore-grafana")?;
    let session = context.session(engine, stack)?;
    interrupted::finish(&session).await?;
    beside::restore(&session, desired, &incoming, options.timeout).await?;
    let url = links(&loaded.settings).grafana;
    let remove = format!("CONFIDEXMON_STACK={stack} confidexmon down --volumes");
    let output = context.output;
    if output.format == Format::Json {
        output.json(&json!({
            "restored": options.archive.display().to_string(),
            "stack": stack.as_str(),
            "url": url,
            "counts": incoming.counts,
            "remove": remove,
        }));
        return Ok(());
    }
    output.data(&format!("{url}\n"));
    let counts = counted(&incoming.counts);
    output.info(&format!("{} restored and proved as `{stack}`: {counts}", output.styled("✓", GOOD)));
    output.info(&format!("note: its panels are empty, for it has no Prometheus; `{remove}` removes it"));
    Ok(())
}

/// The project's settings for another stack, which must not meet the first one on a port or an address.
fn rename(loaded: &mut Loaded, stack: &StackName) {
    let settings = &mut loaded.settings;
    settings.stack = stack.clone();
    settings.links.grafana = None;
    let wanted = settings.port(ServiceKind::Grafana);
    if wanted != 0 && !ports::is_free(settings.bind, wanted) {
        let free = ports::next_free(settings.bind, wanted, &[]).unwrap_or(0);
        settings.ports.insert(ServiceKind::Grafana, free);
    }
}
