//! `alerts`: what fires or is about to, since when, and who is told.

use serde_json::json;

use crate::apply::overview::{self, Apis};
use crate::apply::wait;
use crate::cli::args::PlanOptions;
use crate::cli::context::Context;
use crate::cli::opened::Opened;
use crate::error::{Error, ExitCode};
use crate::model::ServiceKind;
use crate::plan::ownership;
use crate::report::Format;
use crate::report::overview::{alert_line, on_purpose};
use crate::report::table::folded;

/// Prints what is pending or fires, since when, and who is told of it.
///
/// # Errors
/// When Prometheus cannot be asked.
pub async fn run(context: &Context) -> Result<(), Error> {
    let loaded = context.load(&PlanOptions::default())?;
    let Opened { session, observed, .. } = context.look_at(&loaded).await?;
    let desired = context.desired(&loaded)?;
    let running = wait::running_in(&observed, &desired);
    if !running.contains_key(&ServiceKind::Prometheus) {
        return Err(Error::new(ExitCode::Unhealthy, "this stack's Prometheus does not run")
            .hint("`confidexmon up` starts it"));
    }
    let Some(alerts) = overview::alerts(&Apis::of(&session, &desired, &running)).await else {
        return Err(Error::new(ExitCode::Unhealthy, "Prometheus cannot be asked which alerts fire")
            .hint("`confidexmon status` says why not"));
    };
    let output = context.output;
    if output.format == Format::Json {
        output.json(&json!({ "alerts": alerts }));
        return Ok(());
    }
    if alerts.iter().all(crate::health::overview::ActiveAlert::is_wanted) {
        output.data(&format!("no alert fires{}, and none is pending\n", on_purpose(Some(&alerts))));
    }
    let now = jiff::Timestamp::now().as_second();
    for alert in alerts.iter().filter(|alert| !alert.is_wanted()) {
        output.data(&format!("{}\n", folded(&alert_line(output, alert, now), output.data_width(), 4)));
        if !alert.summary.is_empty() {
            output.data(&format!("{}\n", folded(&format!("    {}", alert.summary), output.data_width(), 4)));
        }
    }
    let is_ours = ownership::place_of_other(&loaded.settings.stack, &loaded.identity, &observed).is_none();
    if is_ours && !loaded.settings.receivers.notifies_somebody() {
        output.info("no receiver is configured, so nobody is notified");
    }
    Ok(())
}
