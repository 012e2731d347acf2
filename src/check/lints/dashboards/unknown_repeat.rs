//! A panel or row that is repeated over a variable which nobody defines is shown once, with `$name` in it.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::model::closest_name;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "unknown-repeat",
    severity: Severity::Bug,
    doc: "A panel or row is repeated over a variable that the dashboard does not have.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    for dashboard in view.facts.dashboards.iter().flatten() {
        for panel in &dashboard.panels {
            let Some(repeat) = &panel.repeat else { continue };
            let name = repeat.value.trim_start_matches('$').trim_matches(['{', '}']);
            let names =
                || dashboard.variables.iter().filter(|one| one.kind != "annotation").map(|one| &one.name);
            if names().any(|known| known == name) {
                continue;
            }
            let message = format!("it is repeated over `{name}`, and the dashboard has no such variable");
            let finding = dashboard.on(&LINT, panel, repeat.start(), &message);
            out.push(match closest_name(name, names()) {
                Some(near) => finding.fix(format!("did you mean `{near}`?")),
                None => finding.fix("add the variable, or leave `repeat` out"),
            });
        }
    }
}
