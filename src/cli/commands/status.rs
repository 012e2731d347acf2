//! `status`: one row per service.

use std::time::Duration;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde::Serialize;

use crate::apply::overview::{self, Apis};
use crate::apply::{StackSession, gather, status, wait};
use crate::cli::args::{PlanOptions, StatusOptions};
use crate::cli::commands::up::url;
use crate::cli::context::{Context, Loaded};
use crate::cli::opened::Opened;
use crate::engine::Engine;
use crate::error::{Error, ExitCode};
use crate::health::overview::Overview;
use crate::model::Observed;
use crate::plan::{Policy, ServicePlan, Step, reconcile};
use crate::report::output::{BAD, BOLD, GOOD, WARN};
use crate::report::{self, Format, Output, words};
use crate::services::Desired;

/// How often `--watch` looks.
const INTERVAL: Duration = Duration::from_secs(1);

/// The fixed JSON shape; what is below `services` came later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct StatusJson {
    stack: String,
    services: Vec<ServiceJson>,
    #[serde(flatten)]
    overview: Overview,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct ServiceJson {
    name: String,
    state: String,
    health: String,
    image: String,
    url: Option<String>,
    restarts: i64,
    started_at: Option<String>,
}

pub async fn run(context: &Context, options: &StatusOptions) -> Result<ExitCode, Error> {
    let none = PlanOptions::default();
    let mut loaded = context.load(&none)?;
    let Opened { session, mut observed, .. } = context.look_at(&loaded).await?;
    let mut last = None;
    loop {
        loaded = context.with_running_redis(loaded, &none, &observed)?;
        let desired = context.desired(&loaded)?;
        let (rows, overview) = tokio::join!(
            status::gather(&session, &desired, &observed),
            look_over(&session, &loaded, &desired, &observed)
        );
        let current = shape(&loaded, &rows, overview);
        if last.as_ref() != Some(&current) {
            show(context.output, &rows, &current, options.watch);
            last = Some(current);
        }
        if !options.watch {
            let healthy = rows.iter().all(|row| row.health == "healthy");
            return Ok(if healthy || options.exit_zero { ExitCode::Done } else { ExitCode::Unhealthy });
        }
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = session.cancel.cancelled() => return Ok(ExitCode::Done),
        }
        observed = session.engine.list().await?;
    }
}

/// What the running services say of the stack's work. Of a stack that is not there nothing is asked.
async fn look_over<E: Engine>(
    session: &StackSession<E>,
    loaded: &Loaded,
    desired: &Desired,
    observed: &Observed,
) -> Overview {
    let running = wait::running_in(observed, desired);
    let notifies = loaded.settings.receivers.kinds().into_iter().map(str::to_owned).collect();
    if running.is_empty() {
        return Overview { notifies, ..Overview::default() };
    }
    let ports = running.iter().map(|(service, (_, port))| (*service, *port)).collect();
    let apis = Apis::of(session, desired, &ports);
    let of_prometheus = async {
        let Some(prometheus) = &apis.prometheus else { return (None, None) };
        tokio::join!(overview::targets(prometheus), overview::last_reload(prometheus))
    };
    let ((targets, last_reload), alerts, drift) =
        tokio::join!(of_prometheus, overview::alerts(&apis), drift(session, desired, observed));
    Overview { targets, alerts, notifies, last_reload, drift }
}

/// What `plan` would do, a line for each step.
async fn drift<E: Engine>(
    session: &StackSession<E>,
    desired: &Desired,
    observed: &Observed,
) -> Option<Vec<String>> {
    let facts = gather::facts(session, desired, observed.clone()).await.ok()?;
    let plan = reconcile(desired, &facts, &Policy::default());
    let steps = plan.services.iter().filter_map(in_short);
    Some(steps.chain(plan.blockers.iter().map(ToString::to_string)).collect())
}

/// A service's steps as one: a container that is created is also written and started.
fn in_short(service: &ServicePlan) -> Option<String> {
    let has = |wanted: fn(&Step) -> bool| service.steps.iter().any(wanted);
    let step = service.steps.iter().find(|step| !matches!(step, Step::Pull { .. }))?;
    let (_, action, cause) = step.action_and_cause(&service.container);
    let replaced =
        has(|step| matches!(step, Step::Remove { .. })) && has(|step| matches!(step, Step::Create { .. }));
    let action = if replaced { format!("replace {}", service.container) } else { action };
    Some(format!("{action}: {cause}"))
}

fn shape(loaded: &Loaded, rows: &[status::Row], overview: Overview) -> StatusJson {
    let services = rows.iter().map(|row| ServiceJson {
        name: row.service.name().to_owned(),
        state: row.state.clone(),
        health: row.health.clone(),
        image: row.image.clone(),
        url: row.port.map(|port| url(loaded, row.service, port)),
        restarts: row.restarts,
        started_at: row.started_at.clone(),
    });
    StatusJson { stack: loaded.settings.stack.to_string(), services: services.collect(), overview }
}

fn show(output: Output, rows: &[status::Row], current: &StatusJson, watch: bool) {
    match (output.format, watch) {
        // One object per line, so that a reader of a stream knows where each ends.
        (Format::Json, true) => {
            output.data(&format!("{}\n", serde_json::to_string(current).unwrap_or_default()));
        }
        (Format::Json, false) => output.json(current),
        (Format::Human, _) => {
            if watch && output.color_stdout {
                output.data("\u{1b}[H\u{1b}[2J");
            }
            output.data(&table(output, current));
            for row in rows.iter().filter(|row| !row.note.is_empty()) {
                output.info(&format!("{}: {}", row.service, row.note));
            }
            let now = jiff::Timestamp::now().as_second();
            output.data(&format!("\n{}", report::overview::block(output, &current.overview, now)));
        }
    }
}

fn table(output: Output, current: &StatusJson) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(["SERVICE", "STATE", "HEALTH", "UPTIME", "RESTARTS", "URL", "IMAGE"]);
    for service in &current.services {
        table.add_row([
            service.name.clone(),
            service.state.clone(),
            service.health.clone(),
            service.started_at.as_deref().map_or_else(|| "-".to_owned(), uptime),
            service.restarts.to_string(),
            service.url.clone().unwrap_or_else(|| "-".to_owned()),
            service.image.clone(),
        ]);
    }
    // Colour comes after the layout, which would count it as width.
    let text = table.to_string();
    let mut lines = text.lines();
    let head = lines.next().unwrap_or_default().trim();
    let mut shown = format!("{}\n", output.styled_data(head, BOLD));
    for (line, service) in lines.zip(&current.services) {
        let style = match service.health.as_str() {
            "healthy" => GOOD,
            "starting" => WARN,
            _ => BAD,
        };
        let health = format!(" {} ", service.health);
        let styled = format!(" {} ", output.styled_data(&service.health, style));
        shown.push_str(&format!("{}\n", line.trim().replacen(&health, &styled, 1)));
    }
    shown
}

fn uptime(started_at: &str) -> String {
    let Ok(started) = started_at.parse::<jiff::Timestamp>() else { return "-".to_owned() };
    words::age(jiff::Timestamp::now().as_second() - started.as_second())
}
