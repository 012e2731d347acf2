//! `check --routes`: who is told of each alert, as a table.

use crate::analysis::routing::Matrix;
use crate::analysis::routing::matrix::{Delivery, Row, Silencer};
use crate::report::Output;
use crate::report::output::{BOLD, WARN};
use crate::report::table::{Table, wrapped};

/// More sources than this are told by what they have in common.
const MOST_NAMES: usize = 2;
const LEGEND: &str = "TIMING is group_wait/group_interval/repeat_interval. SILENCED BY: an alert that inhibits it while it fires, with the labels that must be the same.";
const MAYBE: &str = "`may` depends on label values that only the data knows.";
/// Told of an alert for which no receiver has an integration.
const NOBODY: &str = "nobody";

/// One row per alert, in the order of the rule files, and what the columns mean.
pub fn text(output: Output, matrix: &Matrix) -> String {
    let columns = [("ALERT", 0), ("SEVERITY", 2), ("GOES TO", 0), ("TIMING", 3), ("SILENCED BY", 1)];
    let mut table = Table::new(&columns).wrapping("GOES TO").wrapping("SILENCED BY");
    for row in &matrix.alerts {
        table.row(cells(row));
    }
    let width = output.data_width();
    let mut text = table.text(width, |row, column, cell| match (row, column) {
        (0, _) => output.styled_data(cell, BOLD),
        (_, "GOES TO") if cell.contains(NOBODY) => output.styled_data(cell, WARN),
        _ => cell.to_owned(),
    });
    let is_uncertain = matrix.alerts.iter().any(|row| row.routes.iter().any(|route| !route.certain));
    for line in std::iter::once(LEGEND).chain(is_uncertain.then_some(MAYBE)) {
        text.push('\n');
        text.push_str(&wrapped(line, width.unwrap_or(usize::MAX)).join("\n"));
    }
    text + "\n"
}

fn cells(row: &Row) -> [String; 5] {
    let goes: Vec<String> = row.routes.iter().map(goes_to).collect();
    let mut times: Vec<String> = row.routes.iter().map(timing).collect();
    times.dedup();
    [
        row.alert.clone(),
        row.severity.clone().unwrap_or_default(),
        if goes.is_empty() { NOBODY.to_owned() } else { goes.join(", ") },
        times.join(", "),
        silencers(&row.silenced_by).join("; "),
    ]
}

fn goes_to(route: &Delivery) -> String {
    let may = if route.certain { "" } else { "may: " };
    let mut kinds: Vec<&str> = route.integrations.iter().map(String::as_str).collect();
    kinds.dedup();
    let to = if kinds.is_empty() { NOBODY.to_owned() } else { kinds.join(", ") };
    format!("{may}{} ({to})", route.receiver)
}

fn timing(route: &Delivery) -> String {
    let mut text = format!("{}/{}/{}", route.group_wait, route.group_interval, route.repeat_interval);
    if !route.mute_time_intervals.is_empty() {
        text += &format!(" mute {}", route.mute_time_intervals.join(" "));
    }
    if !route.active_time_intervals.is_empty() {
        text += &format!(" only {}", route.active_time_intervals.join(" "));
    }
    text
}

/// Who silences, with the labels that must be the same in any case; each once.
fn silencers(all: &[Silencer]) -> Vec<String> {
    let mut merged: Vec<(String, Vec<&str>)> = Vec::new();
    for silencer in all {
        let who = who(silencer);
        let equal = || silencer.equal.iter().map(String::as_str);
        match merged.iter_mut().find(|(known, _)| *known == who) {
            Some((_, common)) => common.retain(|label| equal().any(|other| other == *label)),
            None => merged.push((who, equal().collect())),
        }
    }
    let shown = |(who, equal): (String, Vec<&str>)| {
        if equal.is_empty() { who } else { format!("{who} (same {})", equal.join(", ")) }
    };
    merged.into_iter().map(shown).collect()
}

fn who(silencer: &Silencer) -> String {
    if silencer.alerts.len() > MOST_NAMES && !silencer.source.is_empty() {
        format!("{} alerts with {}", silencer.alerts.len(), silencer.source)
    } else {
        silencer.alerts.join(", ")
    }
}
