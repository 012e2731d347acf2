//! Panels that Grafana cannot show: written with Angular, or plugins that nobody installs.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::dashboard::{Dashboard, Panel};
use crate::formats::yaml::scalar::Scalar;
use crate::model::closest_name;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "dead-panel",
    severity: Severity::Bug,
    doc: "A panel has a type that needs Angular, which Grafana 12 no longer has, or a plugin.",
    run: Run::All(check),
};

/// The type, and what took its place. These Grafana converts when it loads a dashboard.
const CONVERTED: [(&str, &str); 7] = [
    ("grafana-piechart-panel", "piechart"),
    ("grafana-singlestat-panel", "stat"),
    ("grafana-worldmap-panel", "geomap"),
    ("graph", "timeseries"),
    ("natel-discrete-panel", "state-timeline"),
    ("singlestat", "stat"),
    ("table-old", "table"),
];

/// These stay empty.
const DEAD: [(&str, &str); 15] = [
    ("agenty-flowcharting-panel", "canvas"),
    ("blackmirror1-singlestat-math-panel", "stat"),
    ("briangann-gauge-panel", "gauge"),
    ("btplc-alarm-box-panel", "stat"),
    ("btplc-status-dot-panel", "status-history"),
    ("btplc-trend-box-panel", "stat"),
    ("corpglory-progresslist-panel", "bargauge"),
    ("farski-blendstat-panel", "stat"),
    ("jdbranham-diagram-panel", "canvas"),
    ("michaeldmoore-annunciator-panel", "stat"),
    ("mtanda-heatmap-epoch-panel", "heatmap"),
    ("mtanda-histogram-panel", "histogram"),
    ("natel-plotly-panel", "xychart"),
    ("savantly-heatmap-panel", "heatmap"),
    ("vonage-status-panel", "stat"),
];

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    for dashboard in view.facts.dashboards.iter().flatten() {
        for panel in &dashboard.panels {
            let Some(kind) = &panel.kind else { continue };
            let Some((instead, severity, effect)) = assess(&kind.value) else {
                // Whoever made it for another Grafana may have its plugin there.
                if !view.is_foreign(&dashboard.source) {
                    out.extend(unknown(dashboard, panel, kind));
                }
                continue;
            };
            let message = format!("`{}` needs Angular, which Grafana 12 no longer has: {effect}", kind.value);
            let finding = dashboard.on(&LINT, panel, kind.start(), &message).severity(severity);
            out.push(finding.fix(format!("use the core panel `{instead}`")));
        }
    }
}

fn assess(kind: &str) -> Option<(&'static str, Severity, &'static str)> {
    let find = |list: &[(&str, &'static str)]| list.iter().find(|(old, _)| *old == kind).map(|(_, new)| *new);
    let converted = find(&CONVERTED)
        .map(|new| (new, Severity::Warning, "it is converted at each load, and not with all of its options"));
    converted.or_else(|| find(&DEAD).map(|new| (new, Severity::Bug, "nothing is shown")))
}

/// What Grafana shows without any plugin.
const CORE: [&str; 34] = [
    "alertGroups",
    "alertlist",
    "annolist",
    "barchart",
    "bargauge",
    "candlestick",
    "canvas",
    "dashlist",
    "datagrid",
    "debug",
    "flamegraph",
    "gauge",
    "geomap",
    "gettingstarted",
    "heatmap",
    "histogram",
    "library-panel-ref",
    "live",
    "logs",
    "logstable",
    "news",
    "nodeGraph",
    "piechart",
    "radialbar",
    "row",
    "stat",
    "state-timeline",
    "status-history",
    "table",
    "text",
    "timeseries",
    "traces",
    "trend",
    "xychart",
];

fn unknown(dashboard: &Dashboard, panel: &Panel, kind: &Scalar) -> Option<Finding> {
    let name = kind.value.as_str();
    if name.is_empty() || name == "welcome" || CORE.contains(&name) {
        return None;
    }
    let told = |message: String| dashboard.on(&LINT, panel, kind.start(), &message);
    Some(match closest_name(name, CORE) {
        Some(near) => told(format!("Grafana has no panel `{name}`: an error is shown instead"))
            .severity(Severity::Warning)
            .fix(format!("did you mean `{near}`?")),
        // An image of one's own may bring it along.
        None => {
            told(format!("`{name}` is a plugin, and the stack installs none: an error is shown without it"))
                .severity(Severity::Info)
                .fix("use one of Grafana's own panels, or an image with the plugin")
        }
    })
}
