//! A drill's report on a terminal.

use comfy_table::Table;
use comfy_table::presets::NOTHING;

use crate::drill::level;
use crate::drill::report::{AlertReport, Report};
use crate::report::Output;
use crate::report::output::{BAD, BOLD, DIM, GOOD};
use crate::report::words;

/// A row an alert, then what must be known about the run. The messages too when only few were asked for.
pub fn print(output: Output, report: &Report) {
    output.data(&table(output, report));
    if report.alerts.len() <= 3 {
        for alert in &report.alerts {
            output.data(&messages(output, alert));
        }
    }
    for note in &report.notes {
        output.info(&output.styled(&format!("note: {note}"), DIM));
    }
    let reached = report.alerts.len() - report.missed().len();
    let took =
        words::elapsed(std::time::Duration::from_millis(u64::try_from(report.took_ms).unwrap_or(u64::MAX)));
    let name = level::NAMES.get(report.wanted_level).copied().unwrap_or_default();
    output.info(&format!(
        "{reached} of {} reached level {} ({name}), in {took}",
        words::count(report.alerts.len(), "alert"),
        report.wanted_level
    ));
}

fn table(output: Output, report: &Report) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING);
    let heads = ["ALERT", "LEVEL", "FIRED", "NOTIFIED", "RECEIVERS", "RESULT"];
    table.set_header(heads.map(|head| output.styled_data(head, BOLD)));
    for alert in &report.alerts {
        let style = if alert.level >= Some(report.wanted_level) { GOOD } else { BAD };
        let level = alert.level.map_or_else(|| "-".to_owned(), |level| level.to_string());
        table.add_row([
            alert.alert.clone(),
            output.styled_data(&level, style),
            time(alert.delivery.as_ref().and_then(|delivery| delivery.fired_after_ms)),
            time(alert.notified_after_ms()),
            alert.routed().join(", "),
            result(alert, report.wanted_level),
        ]);
    }
    table.to_string().lines().map(|line| format!("{}\n", line.trim())).collect()
}

/// Why it did not get there, else the title that a person would read.
fn result(alert: &AlertReport, wanted: usize) -> String {
    let why = alert.why(wanted);
    if !why.is_empty() || alert.level < Some(wanted) {
        return why;
    }
    let receivers = alert.delivery.iter().flat_map(|delivery| &delivery.receivers);
    let mut messages =
        receivers.flat_map(|receiver| &receiver.integrations).filter_map(|one| one.message.as_ref());
    messages.next().map(|message| message.title.clone()).unwrap_or_default()
}

fn messages(output: Output, alert: &AlertReport) -> String {
    let mut text = String::new();
    for receiver in alert.delivery.iter().flat_map(|delivery| &delivery.receivers) {
        for one in &receiver.integrations {
            let Some(message) = &one.message else { continue };
            let head = format!("{}: {} to {}", alert.alert, one.kind, receiver.name);
            text.push_str(&format!("\n{}\n  {}\n", output.styled_data(&head, BOLD), message.title));
            for line in message.text.trim().lines() {
                text.push_str(&format!("  {line}\n"));
            }
            for problem in &one.problems {
                text.push_str(&format!("  {}\n", output.styled_data(problem, BAD)));
            }
        }
    }
    text
}

fn time(millis: Option<u128>) -> String {
    let duration = |millis: u128| std::time::Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX));
    millis.map_or_else(|| "-".to_owned(), |millis| words::elapsed(duration(millis)))
}
