//! `logs`: all services in time order; `-f` goes on across restarts and recreations.

use std::collections::BTreeMap;

use anstyle::{AnsiColor, Style};
use tokio::sync::mpsc;

use crate::apply::logs::{self, MergedLine};
use crate::cli::args::{LogsOptions, PlanOptions};
use crate::cli::context::Context;
use crate::doctor::redact::Redactor;
use crate::error::{Error, ExitCode};
use crate::model::{PromDuration, ServiceKind};
use crate::report::{Format, Output};

/// Prints the services' logs, merged by time.
///
/// # Errors
/// When there is no container to read from.
pub async fn run(context: &Context, options: LogsOptions) -> Result<(), Error> {
    let settings = context.load(&PlanOptions::default())?.settings;
    // Alertmanager logs the whole URL of a request that failed, and Telegram's token stands in it.
    let redactor = Redactor::of(&settings, &[]);
    let stack = settings.stack;
    let since = options.since.as_deref().map(since).transpose()?;
    let engine = context.engine(&[]).await?;
    let session = context.session(engine, &stack)?;
    let wanted: Vec<ServiceKind> =
        if options.services.is_empty() { ServiceKind::ALL.to_vec() } else { options.services.clone() };
    let query = logs::Query { services: wanted, follow: options.follow, since, tail: options.tail };
    let (sender, mut lines) = mpsc::channel::<MergedLine>(1024);
    let output = context.output;
    let printing = async move {
        let width = ServiceKind::ALL.iter().map(|service| service.name().len()).max().unwrap_or(0);
        while let Some(mut line) = lines.recv().await {
            line.text = redactor.text(&line.text);
            print(output, &line, (width, options.timestamps));
        }
    };
    let reading = logs::run(&session, &stack, &query, sender);
    let (result, ()) = tokio::join!(reading, printing);
    result
}

/// RFC 3339 time, or a duration before now, as seconds since the epoch with nanoseconds.
fn since(text: &str) -> Result<String, Error> {
    let nanos = if let Some(duration) = PromDuration::parse(text) {
        let length = i128::try_from(duration.length().as_nanos()).unwrap_or(i128::MAX);
        jiff::Timestamp::now().as_nanosecond() - length
    } else if let Ok(timestamp) = text.parse::<jiff::Timestamp>() {
        timestamp.as_nanosecond()
    } else {
        return Err(Error::new(ExitCode::Usage, format!("`{text}` is neither a duration nor a time"))
            .hint("for example `--since 10m` or `--since 2026-11-23T08:00:00Z`"));
    };
    Ok(format!("{}.{:09}", nanos.div_euclid(1_000_000_000), nanos.rem_euclid(1_000_000_000)))
}

fn print(output: Output, line: &MergedLine, (width, timestamps): (usize, bool)) {
    match output.format {
        Format::Json => {
            let value: BTreeMap<&str, &str> = BTreeMap::from([
                ("service", line.service.name()),
                ("time", line.timestamp.as_str()),
                ("text", line.text.as_str()),
            ]);
            output.data(&format!("{}\n", serde_json::to_string(&value).unwrap_or_default()));
        }
        Format::Human => {
            let name = output.styled_data(&format!("{:<width$}", line.service.name()), color(line.service));
            let time = if timestamps { format!("{} ", line.timestamp) } else { String::new() };
            output.data(&format!("{name} | {time}{}\n", line.text.trim_end()));
        }
    }
}

/// A colour for each, in the order in which they are shown.
const COLORS: [AnsiColor; 6] = [
    AnsiColor::Yellow,
    AnsiColor::Magenta,
    AnsiColor::Cyan,
    AnsiColor::Blue,
    AnsiColor::Green,
    AnsiColor::White,
];

const fn color(service: ServiceKind) -> Style {
    COLORS[service as usize % COLORS.len()].on_default()
}
