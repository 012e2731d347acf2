//! A number without a unit is read in the wrong one.

use crate::check::dashboard::Panel;
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};

pub(super) const LINT: Lint = Lint {
    id: "panel-unit",
    severity: Severity::Warning,
    doc: "A panel shows numbers without a unit.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    for dashboard in view.facts.dashboards.iter().flatten() {
        for panel in dashboard.panels.iter().filter(|panel| shows_numbers(panel)) {
            let has_unit = panel.unit.as_ref().is_some_and(|unit| !unit.value.is_empty());
            if !has_unit {
                let finding = dashboard.on(&LINT, panel, panel.at, "its numbers have no unit");
                out.push(finding.fix(
                    "set `fieldConfig.defaults.unit`, for example `s`, `bytes` or `percentunit`; a plain count is `short`",
                ));
            }
        }
    }
}

fn shows_numbers(panel: &Panel) -> bool {
    let kinds = ["barchart", "bargauge", "gauge", "piechart", "stat", "timeseries"];
    let kind = panel.kind.as_ref().is_some_and(|kind| kinds.contains(&kind.value.as_str()));
    kind && !panel.queries.is_empty() && !panel.shows_text
}
