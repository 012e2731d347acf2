//! A receiver that no route leads to never gets anything.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "unused-receiver",
    severity: Severity::Warning,
    doc: "No route leads to a receiver.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let Some(file) = view.alertmanager.filter(|file| file.root.is_some()) else { return };
    let routes = file.routes();
    for receiver in &file.receivers {
        let name = receiver.name.value.as_str();
        if !routes.iter().any(|route| route.sends_to == name) {
            let message = format!("no route leads to the receiver `{name}`: it never gets an alert");
            let finding = file.finding(&LINT, receiver.name.start(), message);
            out.push(finding.fix("add a route for it, or remove it"));
        }
    }
}
