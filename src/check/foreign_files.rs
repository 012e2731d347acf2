//! Named files that are about other software than the backend: their metrics are in another exposition
//! than the contract, so the contract says nothing about them.

use std::collections::BTreeSet;

use crate::analysis::contract::Contract;
use crate::analysis::contract_match::is_own_service;
use crate::analysis::facts::Facts;
use crate::formats::promql::{Expr, Selector};

/// The paths of the files in the facts that are made for something else.
pub(super) fn files(facts: &Facts) -> BTreeSet<String> {
    let Some(contract) = facts.contract.as_ref().filter(|contract| !contract.is_empty()) else {
        return BTreeSet::new();
    };
    let rules = facts.rule_files.iter().map(|file| {
        let trees = file.rules().filter_map(|(_, rule)| rule.tree.as_ref().ok());
        (&file.source.path, trees.collect::<Vec<_>>())
    });
    let dashboards = facts.dashboards.iter().flatten().map(|dashboard| {
        let trees = dashboard.queries().filter_map(|(_, query)| query.tree.as_ref().ok());
        (&dashboard.source.path, trees.collect::<Vec<_>>())
    });
    // What one of the files records is as much at home as its own file.
    let is_elsewhere = |trees: &[&Expr]| {
        let mut other = false;
        for (_, selector) in trees.iter().flat_map(|tree| tree.selectors()) {
            match owner_of(selector, contract, facts) {
                MetricOwner::Backend => return false,
                MetricOwner::Foreign => other = true,
                MetricOwner::Any => {}
            }
        }
        other
    };
    let all = rules.chain(dashboards);
    all.filter(|(_, trees)| is_elsewhere(trees)).map(|(path, _)| path.clone()).collect()
}

/// Where the series of a selector come from.
enum MetricOwner {
    Backend,
    Foreign,
    /// Every target has such series.
    Any,
}

fn owner_of(selector: &Selector, contract: &Contract, facts: &Facts) -> MetricOwner {
    let Some(name) = selector.name.as_deref() else { return MetricOwner::Any };
    if contract.series(name).is_some() || contract.owns_namespace_of(name) {
        return MetricOwner::Backend;
    }
    let job = selector.pinned("job");
    if job.is_some_and(|job| facts.backend_jobs.contains(job)) {
        return MetricOwner::Backend;
    }
    if name == "up" || name.starts_with("scrape_") || name.starts_with("ALERTS") || name.contains(':') {
        return MetricOwner::Any;
    }
    let is_scraped = |job: &str| facts.jobs.as_ref().is_none_or(|jobs| jobs.contains(job));
    if is_own_service(name) && job.is_none_or(is_scraped) { MetricOwner::Any } else { MetricOwner::Foreign }
}
