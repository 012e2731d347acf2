//! Panels that lie on each other or beside the grid: Grafana moves them, and nobody chose where to.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::dashboard::{Dashboard, GridPlace, Panel};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "panel-layout",
    severity: Severity::Warning,
    doc: "Panels overlap, or lie outside of the grid's 24 columns.",
    run: Run::All(check),
};

const COLUMNS: f64 = 24.0;

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    for dashboard in view.facts.dashboards.iter().flatten() {
        let placed: Vec<(&Panel, GridPlace)> = dashboard
            .panels
            .iter()
            .filter(|panel| !is_row(panel))
            .filter_map(|panel| Some((panel, panel.place?)))
            .collect();
        for (number, (panel, place)) in placed.iter().enumerate() {
            if let Some(message) = outside(*place) {
                out.push(finding(dashboard, panel, &message));
            } else if let Some(other) = covered(&placed[..number], panel, *place) {
                let name = if other.title.is_empty() { "another panel" } else { &other.title };
                out.push(finding(dashboard, panel, &format!("it lies on \"{name}\"")));
            }
        }
    }
}

/// A row is a line over the whole width, whatever its place says.
fn is_row(panel: &Panel) -> bool {
    panel.kind.as_ref().is_some_and(|kind| kind.value == "row")
}

fn finding(dashboard: &Dashboard, panel: &Panel, message: &str) -> Finding {
    dashboard
        .on(&LINT, panel, panel.at, &format!("{message}: Grafana moves it when it shows the dashboard"))
        .fix("correct its `gridPos`, or arrange the panels in Grafana and export the dashboard again")
}

fn outside(place: GridPlace) -> Option<String> {
    let GridPlace { x, y, w, h } = place;
    if w < 1.0 || h < 1.0 {
        return Some(format!("it is {w} wide and {h} high"));
    }
    (x < 0.0 || y < 0.0 || x + w > COLUMNS)
        .then(|| format!("it reaches from column {x} to {}, and the grid has {COLUMNS}", x + w))
}

/// The first panel before it that it lies on.
fn covered<'a>(before: &[(&'a Panel, GridPlace)], panel: &Panel, place: GridPlace) -> Option<&'a Panel> {
    let meets =
        |a: GridPlace, b: GridPlace| a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
    let mut same_row = before.iter().filter(|(other, _)| other.row == panel.row);
    same_row.find(|(_, other)| meets(*other, place)).map(|(other, _)| *other)
}
