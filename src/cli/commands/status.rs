//! `status`: one row per service.

use std::time::Duration;

use serde::Serialize;

use crate::apply::overview::{self, Apis};
use crate::apply::{StackSession, gather, status, wait};
use crate::cli::args::{PlanOptions, StatusOptions};
use crate::cli::commands::up::url;
use crate::cli::context::{Context, Loaded};
use crate::cli::opened::Opened;
use crate::engine::{Containers, Engine};
use crate::error::{Error, ExitCode};
use crate::health::Health;
use crate::health::overview::Overview;
use crate::model::Observed;
use crate::plan::{Policy, ServicePlan, Step, ownership, reconcile};
use crate::render::context::{browser_host, host_of};
use crate::report::output::{BAD, BOLD, GOOD, WARN};
use crate::report::table::{Table, folded};
use crate::report::{self, Format, Output, words};
use crate::services::Desired;

/// Where the texts of the block below the table begin, and a little more.
const BLOCK: usize = 12;
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
    health: Health,
    image: String,
    url: Option<String>,
    restarts: i64,
    started_at: Option<String>,
    /// Since when it has not run.
    stopped_at: Option<String>,
}

/// Prints a row for each service and what the stack does, once or as it changes.
///
/// # Errors
/// When the engine cannot be asked: a service that is not healthy is an outcome.
pub async fn run(context: &Context, options: &StatusOptions) -> Result<ExitCode, Error> {
    let none = PlanOptions::default();
    let mut loaded = context.load(&none)?;
    let mut desired = context.desired(&loaded)?;
    let Opened { session, mut observed, .. } = context.look_at(&loaded).await?;
    let mut last = None;
    loop {
        (loaded, desired) = context.settled((loaded, desired), &none, &observed)?;
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
            let healthy = rows.iter().all(|row| row.health == Health::Healthy);
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
    let other_project = ownership::place_of_other(&loaded.settings.stack, &loaded.identity, observed);
    let is_ours = other_project.is_none();
    let notifies = loaded.settings.receivers.kinds().into_iter().filter(|_| is_ours);
    let notifies = notifies.map(str::to_owned).collect();
    if running.is_empty() {
        return Overview { notifies, other_project, ..Overview::default() };
    }
    let apis = Apis::of(session, desired, &running);
    let of_prometheus = async {
        let Some(prometheus) = &apis.prometheus else { return (None, None) };
        tokio::join!(overview::targets(prometheus), overview::last_reload(prometheus))
    };
    let drift = async { if is_ours { drift(session, desired, observed).await } else { None } };
    let ((targets, last_reload), alerts, drift) = tokio::join!(of_prometheus, overview::alerts(&apis), drift);
    Overview { targets, alerts, notifies, last_reload, drift, other_project }
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
    if let Some((what, cause)) = service.replacement() {
        return Some(format!("{what}: {cause}"));
    }
    let step = service.steps.iter().find(|step| !matches!(step, Step::Pull { .. }))?;
    let (_, action, cause) = step.action_and_cause(&service.container);
    Some(format!("{action}: {cause}"))
}

fn shape(loaded: &Loaded, rows: &[status::Row], overview: Overview) -> StatusJson {
    let services = rows.iter().map(|row| ServiceJson {
        name: row.service.name().to_owned(),
        state: row.state.clone(),
        health: row.health,
        image: row.image.clone(),
        url: row.bound.as_ref().map(|(ip, port)| {
            let host = ip.parse().map_or_else(|_| browser_host(&loaded.settings), host_of);
            url(loaded, row.service, (&host, *port))
        }),
        restarts: row.restarts,
        started_at: row.started_at.clone(),
        stopped_at: row.stopped_at.clone(),
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
            for (note, services) in by_note(rows) {
                output.info(&format!("{}: {note}", services.join(", ")));
            }
            let now = jiff::Timestamp::now().as_second();
            let block = report::overview::block(output, &current.overview, now);
            let width = output.data_width();
            let lines: String = block.lines().map(|line| folded(line, width, BLOCK) + "\n").collect();
            output.data(&format!("\n{lines}"));
        }
    }
}

/// What is to be said of services, each thing once.
fn by_note(rows: &[status::Row]) -> Vec<(&str, Vec<&'static str>)> {
    let mut notes: Vec<(&str, Vec<&'static str>)> = Vec::new();
    for row in rows.iter().filter(|row| !row.note.is_empty()) {
        match notes.iter_mut().find(|(note, _)| *note == row.note) {
            Some((_, services)) => services.push(row.service.name()),
            None => notes.push((&row.note, vec![row.service.name()])),
        }
    }
    notes
}

fn table(output: Output, current: &StatusJson) -> String {
    let columns = [
        ("SERVICE", 0),
        ("STATE", 4),
        ("HEALTH", 0),
        ("UPTIME", 1),
        ("RESTARTS", 3),
        ("URL", 2),
        ("IMAGE", 5),
    ];
    let mut table = Table::new(&columns);
    for service in &current.services {
        table.row([
            service.name.clone(),
            service.state.clone(),
            service.health.to_string(),
            uptime(service),
            service.restarts.to_string(),
            service.url.clone().unwrap_or_default(),
            service.image.clone(),
        ]);
    }
    let lines = table.lines(output.data_width(), |row, column, cell| match (row, column, cell) {
        (0, ..) => output.styled_data(cell, BOLD),
        (_, "HEALTH", word) => match Health::of_word(word) {
            Some(Health::Healthy) => output.styled_data(cell, GOOD),
            Some(Health::Starting) => output.styled_data(cell, WARN),
            _ => output.styled_data(cell, BAD),
        },
        _ => cell.to_owned(),
    });
    lines.join("\n") + "\n"
}

/// How long it has run, or has not.
fn uptime(service: &ServiceJson) -> String {
    let age = |at: &str| {
        let since = at.parse::<jiff::Timestamp>().ok()?;
        Some(words::age(jiff::Timestamp::now().as_second() - since.as_second()))
    };
    match (&service.stopped_at, &service.started_at) {
        (Some(stopped), _) => age(stopped).map(|age| format!("down {age}")),
        (None, Some(started)) => age(started),
        (None, None) => None,
    }
    .unwrap_or_default()
}
