//! Alertmanager refuses a configuration that it cannot read, and does not start with it.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "unreadable-routing",
    severity: Severity::Bug,
    doc: "The Alertmanager configuration, its root route or a matcher cannot be read.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let Some(file) = view.alertmanager else { return };
    for (at, reason) in &file.problems {
        out.push(file.finding(&LINT, *at, format!("Alertmanager refuses this: {reason}")));
    }
}
