//! Two dashboards with one uid: Grafana shows one of them, and which one changes.

use std::collections::BTreeMap;

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "duplicate-uid",
    severity: Severity::Bug,
    doc: "Two dashboards have the same uid.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for dashboard in view.facts.dashboards.iter().flatten() {
        let Some(uid) = &dashboard.uid else { continue };
        if let Some(first) = seen.get(uid.value.as_str()) {
            let message =
                format!("{first} has the uid `{}` as well: Grafana shows only one of the two", uid.value);
            out.push(
                dashboard.finding(&LINT, uid.start(), message).fix("give each dashboard a uid of its own"),
            );
        } else {
            seen.insert(&uid.value, &dashboard.source.path);
        }
    }
}
