//! The matrix as a table for a terminal.

use std::fmt;

use super::matrix::{Delivery, Matrix, Row, Silencer};

/// No line is longer.
const WIDTH: usize = 120;
const HEADER: [&str; 5] = ["ALERT", "SEVERITY", "GOES TO", "TIMING", "SILENCED BY"];
/// How narrow each column may get; together they fit.
const LEAST: [usize; 5] = [40, 8, 27, 9, 26];
/// More sources than this are told by what they have in common.
const MOST_NAMES: usize = 2;

/// Each cell is a list of pieces; a line breaks only between them, if it can.
type Cell = Vec<String>;

impl fmt::Display for Matrix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<[Cell; 5]> = self.alerts.iter().map(cells).collect();
        let header = HEADER.map(|title| vec![title.to_owned()]);
        let widths = widths(std::iter::once(&header).chain(&rows));
        for row in std::iter::once(&header).chain(&rows) {
            let lines: Vec<Vec<String>> =
                row.iter().zip(widths).map(|(cell, width)| wrapped(cell, width)).collect();
            let height = lines.iter().map(Vec::len).max().unwrap_or(0);
            for number in 0..height {
                let line: Vec<String> = lines
                    .iter()
                    .zip(widths)
                    .map(|(cell, width)| format!("{:width$}", cell.get(number).map_or("", String::as_str)))
                    .collect();
                writeln!(formatter, "{}", line.join("  ").trim_end())?;
            }
        }
        writeln!(
            formatter,
            "\nTIMING is group_wait/group_interval/repeat_interval. SILENCED BY: an alert that inhibits it while"
        )?;
        writeln!(formatter, "it fires, with the labels that must be the same.")?;
        if self.alerts.iter().any(|row| row.routes.iter().any(|route| !route.certain)) {
            writeln!(formatter, "`may` depends on label values that only the data knows.")?;
        }
        Ok(())
    }
}

fn cells(row: &Row) -> [Cell; 5] {
    let mut goes = Vec::new();
    let mut times = Vec::new();
    for route in &row.routes {
        goes.push(goes_to(route));
        times.push(timing(route));
    }
    times.dedup();
    let silenced = silencers(&row.silenced_by);
    [
        vec![row.alert.clone()],
        vec![row.severity.clone().unwrap_or_else(|| "-".to_owned())],
        if goes.is_empty() { vec!["nobody".to_owned()] } else { goes },
        times,
        if silenced.is_empty() { vec!["-".to_owned()] } else { silenced },
    ]
}

fn goes_to(route: &Delivery) -> String {
    let may = if route.certain { "" } else { "may: " };
    let mut kinds: Vec<&str> = route.integrations.iter().map(String::as_str).collect();
    kinds.dedup();
    let to = if kinds.is_empty() { "nobody".to_owned() } else { kinds.join(", ") };
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

/// As wide as needed; where that is too much, columns give way, the last ones first.
fn widths<'a>(rows: impl Iterator<Item = &'a [Cell; 5]>) -> [usize; 5] {
    let mut widths = [0; 5];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            let longest = cell.iter().map(|piece| piece.chars().count()).max().unwrap_or(0);
            *width = (*width).max(longest);
        }
    }
    let mut excess = (widths.iter().sum::<usize>() + 2 * (widths.len() - 1)).saturating_sub(WIDTH);
    for (width, least) in widths.iter_mut().zip(LEAST).rev() {
        let less = width.saturating_sub(least).min(excess);
        *width -= less;
        excess -= less;
    }
    widths
}

/// Every piece on a line of its own, long ones broken at spaces, or anywhere when there are none.
fn wrapped(cell: &Cell, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for piece in cell {
        let mut line = String::new();
        for word in piece.split(' ') {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            for c in word.chars() {
                if line.chars().count() >= width {
                    lines.push(std::mem::take(&mut line));
                }
                line.push(c);
            }
        }
        lines.push(line);
    }
    lines
}
