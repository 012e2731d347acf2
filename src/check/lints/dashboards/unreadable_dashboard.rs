//! Grafana leaves out a dashboard that it does not take, and says so only in its log.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "unreadable-dashboard",
    severity: Severity::Bug,
    doc: "A dashboard file is one that Grafana does not take.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    for dashboard in view.facts.dashboards.iter().flatten() {
        for refusal in &dashboard.refusals {
            let message = format!("Grafana does not take this file: {}", refusal.reason);
            let finding = LINT.at(&dashboard.source, refusal.place, message);
            out.push(match &refusal.fix {
                Some(fix) => finding.fix(fix.as_str()),
                None => finding,
            });
        }
    }
}
