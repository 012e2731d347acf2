//! Grafana leaves out a dashboard that it cannot read, and says so only in its log.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "unreadable-dashboard",
    severity: Severity::Bug,
    doc: "A dashboard file cannot be read.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    for dashboard in view.facts.dashboards.iter().flatten() {
        if let Some((place, reason)) = &dashboard.problem {
            let message = format!("this is not a dashboard that Grafana can read: {reason}");
            out.push(LINT.at(&dashboard.source, *place, message));
        }
    }
}
