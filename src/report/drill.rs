//! A drill's report on a terminal.

use crate::drill::level;
use crate::drill::report::{AlertReport, Report};
use crate::report::Output;
use crate::report::output::{BAD, BOLD, DIM, GOOD, WARN};
use crate::report::table::Table;
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
    let rehearsal =
        report.rehearsal().map_or_else(String::new, |why| format!("; {}", output.styled(why, WARN)));
    output.info(&format!(
        "{reached} of {} reached level {} ({name}), in {took}{rehearsal}",
        words::count(report.alerts.len(), "alert"),
        report.wanted_level
    ));
}

fn table(output: Output, report: &Report) -> String {
    let columns =
        [("ALERT", 0), ("LEVEL", 0), ("FIRED", 3), ("NOTIFIED", 2), ("RECEIVERS", 1), ("RESULT", 0)];
    let mut table = Table::new(&columns).wrapping("RESULT");
    for alert in &report.alerts {
        table.row([
            alert.alert.clone(),
            alert.level.map_or_else(|| "-".to_owned(), |level| level.to_string()),
            time(alert.delivery.as_ref().and_then(|delivery| delivery.fired_after_ms)),
            time(alert.notified_after_ms()),
            alert.routed().join(", "),
            result(alert, report.wanted_level),
        ]);
    }
    let good =
        |row: usize| report.alerts.get(row - 1).is_some_and(|one| one.level >= Some(report.wanted_level));
    table.text(output.data_width(), |row, column, cell| match (row, column) {
        (0, _) => output.styled_data(cell, BOLD),
        (_, "LEVEL") => output.styled_data(cell, if good(row) { GOOD } else { BAD }),
        _ => cell.to_owned(),
    })
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
