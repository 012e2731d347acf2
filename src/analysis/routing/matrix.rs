//! Each alert, the people it reaches, and what keeps it from them.

use serde::Serialize;

use super::alerts::Alert;
use super::inhibition::{self, AlertClass};
use super::label_domain::Tristate;
use super::walk::walk;
use crate::analysis::view::View;
use crate::formats::alertmanager::{AlertmanagerFile, InhibitRule, Route};
use crate::formats::yaml::scalar::Scalar;

/// One row an alert, in the order of the rule files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Matrix {
    pub alerts: Vec<Row>,
}

/// One alert, and who is told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    pub alert: String,
    pub severity: Option<String>,
    pub file: String,
    pub line: usize,
    pub routes: Vec<Delivery>,
    pub silenced_by: Vec<Silencer>,
}

/// One route that notifies of the alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Delivery {
    pub receiver: String,
    /// Such as `slack`; none means that nobody is told.
    pub integrations: Vec<String>,
    /// False where it depends on label values that only the data knows.
    pub certain: bool,
    /// The matchers on the way to the route; empty for the root.
    pub matchers: String,
    /// `...` stands for all labels.
    pub group_by: Vec<String>,
    pub group_wait: String,
    pub group_interval: String,
    pub repeat_interval: String,
    pub mute_time_intervals: Vec<String>,
    pub active_time_intervals: Vec<String>,
}

/// An inhibition rule that can silence the alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Silencer {
    /// The alerts that do so while they fire.
    pub alerts: Vec<String>,
    /// What they have in common by the configuration.
    pub source: String,
    /// The labels that must have the same value.
    pub equal: Vec<String>,
}

/// `None` when the configuration or its route is not known.
pub fn matrix(view: &View<'_>) -> Option<Matrix> {
    let file = view.alertmanager?;
    let root = file.root.as_ref()?;
    let mut silencers = silencers(file, &view.alerts);
    let row = |(number, alert): (usize, &Alert<'_>)| Row {
        alert: alert.name().to_owned(),
        severity: alert.severity().map(ToOwned::to_owned),
        file: alert.file.source.path.clone(),
        line: alert.rule.name.place(&alert.file.source).line,
        routes: deliveries(file, root, alert),
        silenced_by: silencers.get_mut(number).map(std::mem::take).unwrap_or_default(),
    };
    Some(Matrix { alerts: view.alerts.iter().enumerate().map(row).collect() })
}

/// The routes of all variants of an alert; certain is what all of them take for certain.
pub fn hits<'f>(root: &'f Route, alert: &Alert<'_>) -> Vec<(&'f Route, Tristate)> {
    let mut found: Vec<(&Route, Tristate, usize)> = Vec::new();
    for variant in &alert.variants {
        for hit in walk(root, &variant.labels) {
            match found.iter_mut().find(|(route, ..)| std::ptr::eq(*route, hit.route)) {
                Some((_, certainty, times)) => {
                    *certainty = certainty.and(hit.certainty);
                    *times += 1;
                }
                None => found.push((hit.route, hit.certainty, 1)),
            }
        }
    }
    let all = alert.variants.len();
    let certain = |certainty, times| if times == all { certainty } else { Tristate::Maybe };
    found.into_iter().map(|(route, certainty, times)| (route, certain(certainty, times))).collect()
}

/// The matchers on the way from the root.
fn conditions(root: &Route, route: &Route) -> String {
    let all: Vec<_> = root.path_to(route).into_iter().map(Route::condition).collect();
    all.into_iter().filter(|condition| !condition.is_empty()).collect::<Vec<_>>().join(", ")
}

fn deliveries(file: &AlertmanagerFile, root: &Route, alert: &Alert<'_>) -> Vec<Delivery> {
    hits(root, alert)
        .into_iter()
        .map(|(route, certainty)| {
            let receiver = file.receiver(&route.sends_to);
            let names = |names: &[Scalar]| names.iter().map(|name| name.value.clone()).collect();
            Delivery {
                receiver: route.sends_to.clone(),
                integrations: receiver.map_or_else(Vec::new, |receiver| receiver.integrations.clone()),
                certain: certainty == Tristate::Always,
                matchers: conditions(root, route),
                group_by: if route.group_by.all {
                    vec!["...".to_owned()]
                } else {
                    route.group_by.labels.clone()
                },
                group_wait: route.timing.group_wait.clone(),
                group_interval: route.timing.group_interval.clone(),
                repeat_interval: route.timing.repeat_interval.clone(),
                mute_time_intervals: names(&route.muted_during),
                active_time_intervals: names(&route.active_during),
            }
        })
        .collect()
}

/// For each alert the inhibition rules that can silence it.
fn silencers(file: &AlertmanagerFile, alerts: &[Alert<'_>]) -> Vec<Vec<Silencer>> {
    let mut found: Vec<Vec<Silencer>> = alerts.iter().map(|_| Vec::new()).collect();
    for rule in &file.inhibit_rules {
        let classes = inhibition::classes(rule, alerts);
        let possible = |(source, target): &(&AlertClass<'_>, &AlertClass<'_>)| {
            inhibition::inhibits(&source.projection, &target.projection).is_possible()
        };
        let pairs: Vec<_> = inhibition::candidate_pairs(&classes).into_iter().filter(possible).collect();
        for of_target in pairs.chunk_by(|(_, a), (_, b)| std::ptr::eq(*a, *b)) {
            let members = of_target.iter().flat_map(|(source, _)| &source.members);
            let mut names: Vec<&str> = members.map(|(alert, _)| alerts[*alert].name()).collect();
            names.sort_unstable();
            names.dedup();
            let silencer = silencer(rule, &names);
            for (alert, _) in of_target.iter().take(1).flat_map(|(_, target)| &target.members) {
                if !found[*alert].contains(&silencer) {
                    found[*alert].push(silencer.clone());
                }
            }
        }
    }
    found
}

fn silencer(rule: &InhibitRule, names: &[&str]) -> Silencer {
    let source: Vec<_> = rule.source.iter().map(|placed| placed.matcher.to_string()).collect();
    Silencer {
        alerts: names.iter().map(|name| (*name).to_owned()).collect(),
        source: source.join(", "),
        equal: rule.equal.iter().map(|label| label.value.clone()).collect(),
    }
}
