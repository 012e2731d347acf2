//! Panels that were written with Angular, which Grafana no longer has.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};

pub(super) const LINT: Lint = Lint {
    id: "dead-panel",
    severity: Severity::Bug,
    doc: "A panel has a type that needs Angular, which Grafana 12 no longer has.",
    run: Run::All(check),
};

/// The type, and what took its place.
const DEAD: [(&str, &str); 21] = [
    ("agenty-flowcharting-panel", "canvas"),
    ("blackmirror1-singlestat-math-panel", "stat"),
    ("briangann-gauge-panel", "gauge"),
    ("btplc-alarm-box-panel", "stat"),
    ("btplc-status-dot-panel", "status-history"),
    ("btplc-trend-box-panel", "stat"),
    ("corpglory-progresslist-panel", "bargauge"),
    ("farski-blendstat-panel", "stat"),
    ("grafana-piechart-panel", "piechart"),
    ("grafana-worldmap-panel", "geomap"),
    ("graph", "timeseries"),
    ("jdbranham-diagram-panel", "canvas"),
    ("michaeldmoore-annunciator-panel", "stat"),
    ("mtanda-heatmap-epoch-panel", "heatmap"),
    ("mtanda-histogram-panel", "histogram"),
    ("natel-discrete-panel", "state-timeline"),
    ("natel-plotly-panel", "xychart"),
    ("savantly-heatmap-panel", "heatmap"),
    ("singlestat", "stat"),
    ("table-old", "table"),
    ("vonage-status-panel", "stat"),
];

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    for dashboard in view.facts.dashboards.iter().flatten() {
        for panel in &dashboard.panels {
            let Some(kind) = &panel.kind else { continue };
            let Some((_, instead)) = DEAD.iter().find(|(dead, _)| *dead == kind.value) else { continue };
            let message = format!("`{}` needs Angular, which Grafana 12 no longer has", kind.value);
            out.push(
                dashboard
                    .on(&LINT, panel, kind.start(), &message)
                    .fix(format!("use the core panel `{instead}`")),
            );
        }
    }
}
