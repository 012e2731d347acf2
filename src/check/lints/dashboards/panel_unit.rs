//! A number without a unit is read in the wrong one.

use crate::analysis::conditions;
use crate::analysis::units::{self, Unit};
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::dashboard::{Panel, Query};
use crate::formats::promql::Expr;
use crate::formats::yaml::scalar::Scalar;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "panel-unit",
    severity: Severity::Warning,
    doc: "A panel shows numbers without a unit, or in another one than theirs.",
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
            } else if let Some((message, fix)) = wrong(panel) {
                let at = panel.unit.as_ref().map_or(panel.at, Scalar::start);
                out.push(dashboard.on(&LINT, panel, at, &message).severity(Severity::Bug).fix(fix));
            }
        }
    }
}

fn shows_numbers(panel: &Panel) -> bool {
    let kinds = ["barchart", "bargauge", "gauge", "piechart", "stat", "timeseries"];
    let kind = panel.kind.as_ref().is_some_and(|kind| kinds.contains(&kind.value.as_str()));
    kind && !panel.queries.is_empty() && !panel.shows_text
}

/// What the unit makes of the numbers, when all of the panel's queries agree.
fn wrong(panel: &Panel) -> Option<(String, String)> {
    let shown = panel.unit.as_ref()?.value.as_str();
    let of = |query: &Query| mistake(shown, query.tree.as_ref().ok()?);
    let mut all = panel.queries.iter().map(of);
    let first = all.next()??;
    all.all(|other| other.as_ref() == Some(&first)).then_some(first)
}

fn mistake(shown: &str, tree: &Expr) -> Option<(String, String)> {
    let (core, factor) = conditions::core(tree);
    let is_unscaled = (factor - 1.0).abs() < 1e-9;
    let told = |message: String, fix: &str| Some((message, format!("use the unit `{fix}`")));
    match (shown, conditions::share(tree)) {
        ("percent", Some(share)) if (share.certain || share.named) && (share.factor - 1.0).abs() < 1e-9 => {
            return told(
                "the value is a share of 0 to 1: one half is shown as 0.5%".to_owned(),
                "percentunit",
            );
        }
        ("percentunit", Some(share)) if (share.factor - 100.0).abs() < 1e-9 => {
            return told("the value is 0 to 100: one half is shown as 5000%".to_owned(), "percent");
        }
        _ => {}
    }
    match units::unit(core).filter(|_| is_unscaled)? {
        Unit::Seconds if matches!(shown, "ms" | "µs" | "ns" | "m" | "h") => {
            told(format!("the value is in seconds and is shown in `{shown}`"), "s")
        }
        Unit::Bytes
            if matches!(shown, "kbytes" | "mbytes" | "gbytes" | "deckbytes" | "decmbytes" | "decgbytes") =>
        {
            told(format!("the value is in bytes and is shown in `{shown}`"), "bytes")
        }
        _ => None,
    }
}
