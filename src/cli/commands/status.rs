//! `status`: one row per service.

use std::time::Duration;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde::Serialize;

use crate::apply::status;
use crate::cli::args::{PlanOptions, StatusOptions};
use crate::cli::commands::up::url;
use crate::cli::context::{Context, Loaded};
use crate::engine::Engine;
use crate::error::Error;
use crate::report::output::{BAD, BOLD, GOOD, WARN};
use crate::report::{Format, Output, words};

/// How often `--watch` looks.
const INTERVAL: Duration = Duration::from_secs(1);

/// The fixed JSON shape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct StatusJson {
    stack: String,
    services: Vec<ServiceJson>,
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

pub async fn run(context: &Context, options: &StatusOptions) -> Result<(), Error> {
    let none = PlanOptions::default();
    let mut loaded = context.load(&none)?;
    let engine = context.engine(&loaded.ports()).await?;
    let session = context.session(engine, &loaded.settings.stack)?;
    let mut last = None;
    loop {
        let observed = session.engine.list().await?;
        loaded = context.with_running_redis(loaded, &none, &observed)?;
        let desired = context.desired(&loaded)?;
        let rows = status::gather(&session, &desired, &observed).await;
        let current = shape(&loaded, &rows);
        if last.as_ref() != Some(&current) {
            show(context.output, &loaded, &rows, &current, options.watch);
            last = Some(current);
        }
        if !options.watch {
            return Ok(());
        }
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = session.cancel.cancelled() => return Ok(()),
        }
    }
}

fn shape(loaded: &Loaded, rows: &[status::Row]) -> StatusJson {
    let services = rows.iter().map(|row| ServiceJson {
        name: row.service.name().to_owned(),
        state: row.state.clone(),
        health: row.health.clone(),
        image: row.image.clone(),
        url: row.port.map(|port| url(loaded, row.service, port)),
        restarts: row.restarts,
        started_at: row.started_at.clone(),
    });
    StatusJson { stack: loaded.settings.stack.to_string(), services: services.collect() }
}

fn show(output: Output, loaded: &Loaded, rows: &[status::Row], current: &StatusJson, watch: bool) {
    match (output.format, watch) {
        // One object a line, so that a reader of a stream knows where each ends.
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
            if !loaded.settings.receivers.notifies_somebody() {
                output.info("alerts: no receiver is configured, so nobody is notified");
            }
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
