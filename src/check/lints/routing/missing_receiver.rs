//! A route to a receiver that does not exist: Alertmanager refuses the configuration.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::model::closest_name;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "missing-receiver",
    severity: Severity::Bug,
    doc: "A route names a receiver that does not exist.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let Some(file) = view.alertmanager else { return };
    for name in file.routes().into_iter().filter_map(|route| route.receiver.as_ref()) {
        if file.receiver(&name.value).is_some() {
            continue;
        }
        let message =
            format!("there is no receiver `{}`: Alertmanager refuses the whole configuration", name.value);
        let finding = file.finding(&LINT, name.start(), message);
        let known = file.receivers.iter().map(|receiver| receiver.name.value.as_str());
        out.push(match closest_name(&name.value, known) {
            Some(near) => finding.fix(format!("did you mean `{near}`?")),
            None => finding.fix("add it under `receivers:`"),
        });
    }
}
