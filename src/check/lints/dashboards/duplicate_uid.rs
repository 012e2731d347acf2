//! Two dashboards with one uid or title: Grafana shows one of them, and which one changes.

use std::collections::BTreeMap;

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::dashboard::Dashboard;
use crate::formats::dashboard::validity::{Twins, title_twins, uid_twins};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "duplicate-uid",
    severity: Severity::Bug,
    doc: "Two dashboards have the same uid, or the same title in one folder.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let all: Vec<&Dashboard> = view.facts.dashboards.iter().flatten().collect();
    for twins in uid_twins(&all).into_iter().chain(titles(view, &all)) {
        let finding = twins.second.finding(&LINT, twins.value.start(), twins.message());
        out.push(finding.fix(format!("give each dashboard a {} of its own", twins.what)));
    }
}

/// All of a project's lie in one folder of Grafana; of files that were named only those beside each other.
fn titles<'a>(view: &View<'a>, all: &[&'a Dashboard]) -> Vec<Twins<'a>> {
    if view.facts.is_complete_rule_set {
        return title_twins(all);
    }
    let mut folders: BTreeMap<&str, Vec<&Dashboard>> = BTreeMap::new();
    for dashboard in all {
        let folder = dashboard.source.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        folders.entry(folder).or_default().push(dashboard);
    }
    folders.values().flat_map(|beside| title_twins(beside)).collect()
}
