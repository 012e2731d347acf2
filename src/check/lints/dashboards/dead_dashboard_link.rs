//! A link to a dashboard that the project does not have.

use std::collections::BTreeSet;

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::dashboard::Dashboard;
use crate::formats::yaml::scalar::Scalar;
use crate::model::{closest_name, uid_of_file};
use crate::render::runbook;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "dead-dashboard-link",
    severity: Severity::Warning,
    doc: "A dashboard links another one that the project does not have.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    // Of files that were named nobody knows what lies beside them.
    if !view.facts.is_complete_rule_set {
        return;
    }
    let known = known(view);
    for dashboard in view.facts.dashboards.iter().flatten() {
        let of_panels = dashboard.panels.iter().flat_map(|panel| &panel.links);
        for link in dashboard.links.iter().chain(of_panels) {
            let Some(uid) = target(&link.value).filter(|uid| !known.contains(*uid)) else { continue };
            out.push(finding(dashboard, link, uid, &known));
        }
    }
}

fn finding(dashboard: &Dashboard, link: &Scalar, uid: &str, known: &BTreeSet<String>) -> Finding {
    let message = format!("it links the dashboard `{uid}`, which the project does not have");
    let finding = dashboard.finding(&LINT, link.start(), message);
    match closest_name(uid, known) {
        Some(near) => finding.fix(format!("did you mean `{near}`?")),
        None => finding.fix("correct the link, or remove it"),
    }
}

/// The uids of all dashboards and runbook pages.
fn known(view: &View<'_>) -> BTreeSet<String> {
    let of_file = |dashboard: &Dashboard| {
        let name = dashboard.source.path.rsplit('/').next().unwrap_or_default();
        dashboard.uid.as_ref().map_or_else(|| uid_of_file(name), |uid| uid.value.clone())
    };
    let dashboards = view.facts.dashboards.iter().flatten().map(of_file);
    let pages = view.facts.runbooks.iter().flatten().map(|name| runbook::uid(name));
    dashboards.chain(pages).collect()
}

/// The uid in `/d/UID/…` of the same Grafana; none where variables decide.
fn target(link: &str) -> Option<&str> {
    let path = link.strip_prefix("${__url.path}").unwrap_or(link);
    let rest = path.strip_prefix("/d/").or_else(|| path.strip_prefix("d/"))?;
    let uid = rest.split(['/', '?', '#']).next().unwrap_or_default();
    (!uid.is_empty() && !uid.contains(['$', '{', '['])).then_some(uid)
}
