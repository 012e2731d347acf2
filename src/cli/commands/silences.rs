//! `silences`: which alerts nobody is told of, until when and why; with `--end` one of them less.

use serde_json::json;

use super::silence::{Purpose, Running, short, unanswered, until};
use crate::cli::args::SilencesOptions;
use crate::cli::context::Context;
use crate::error::{Error, ExitCode};
use crate::health::silences::Silence;
use crate::report::output::{BOLD, WARN};
use crate::report::table::Table;
use crate::report::{Format, Output, words};

/// Lists the silences in force.
///
/// # Errors
/// When Alertmanager cannot be asked.
pub async fn run(context: &Context, options: &SilencesOptions) -> Result<(), Error> {
    let purpose = if options.end.is_some() { Purpose::Change } else { Purpose::Look };
    let running = Running::find(context, purpose).await?;
    let all = running.alertmanager.silences().await.map_err(unanswered)?;
    if let Some(meant) = &options.end {
        return end(context, &running, &all, meant).await;
    }
    match context.output.format {
        Format::Json => context.output.json(&json!({"silences": all})),
        Format::Human if all.is_empty() => context.output.data("no alert is silenced\n"),
        Format::Human => context.output.data(&table(context.output, &all)),
    }
    Ok(())
}

async fn end(context: &Context, running: &Running, all: &[Silence], meant: &str) -> Result<(), Error> {
    let meant: Vec<&Silence> = match meant {
        "all" => all.iter().collect(),
        text => all.iter().filter(|silence| silence.is_meant_by(text)).collect(),
    };
    if meant.is_empty() {
        let text = "there is no such silence; nothing was changed";
        return Err(Error::new(ExitCode::Usage, text)
            .hint("`confidexmon silences` lists them: name one by its id or its alert, or `all`"));
    }
    for silence in &meant {
        running.alertmanager.end_silence(&silence.id).await.map_err(unanswered)?;
    }
    match context.output.format {
        Format::Json => context.output.json(&json!({"ended": meant})),
        Format::Human => {
            for silence in meant {
                context.output.data(&format!("ended: {}\n", silence.text()));
            }
        }
    }
    Ok(())
}

fn table(output: Output, all: &[Silence]) -> String {
    let columns = [("ID", 0), ("ALERTS", 0), ("UNTIL", 1), ("WHY", 2), ("BY", 3)];
    let mut table = Table::new(&columns);
    for silence in all {
        let until = match silence.state.as_str() {
            "pending" => format!("from {}", silence.starts_at),
            _ => until(&silence.ends_at),
        };
        table.row([
            short(&silence.id).to_owned(),
            silence.text(),
            until,
            silence.comment.clone(),
            silence.created_by.clone(),
        ]);
    }
    let lines = table.lines(output.data_width(), |row, column, cell| match (row, column) {
        (0, _) => output.styled_data(cell, BOLD),
        (_, "ALERTS") => output.styled_data(cell, WARN),
        _ => cell.to_owned(),
    });
    format!("{}\n{} in force or to come\n", lines.join("\n"), words::count(all.len(), "silence"))
}
