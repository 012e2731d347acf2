//! The way of an alert through the tree of routes.

use super::label_domain::{Labels, Tristate};
use crate::formats::alertmanager::Route;

/// A route that notifies of the alert.
#[derive(Clone, Copy, Debug)]
pub struct Hit<'a> {
    pub route: &'a Route,
    pub certainty: Tristate,
}

/// The routes that take an alert, depth first as Alertmanager goes: the first child that matches ends
/// the search among its siblings unless it says `continue`, and a route notifies by itself only when
/// none of its children does.
pub fn walk<'a>(root: &'a Route, labels: &Labels) -> Vec<Hit<'a>> {
    let mut hits = Vec::new();
    let taken = taken_by(root, labels);
    if taken.is_possible() {
        visit(root, labels, taken, &mut hits);
    }
    hits
}

/// Whether a route's own matchers take the alert.
pub fn taken_by(route: &Route, labels: &Labels) -> Tristate {
    labels.matched_by(route.matchers.iter().map(|placed| &placed.matcher))
}

/// `taken`: how certain it is that the alert comes here at all.
fn visit<'a>(route: &'a Route, labels: &Labels, taken: Tristate, hits: &mut Vec<Hit<'a>>) {
    let mut asked = taken;
    let mut by_child = Tristate::Never;
    for child in &route.routes {
        let matched = taken_by(child, labels);
        if asked.and(matched).is_possible() {
            visit(child, labels, asked.and(matched), hits);
        }
        by_child = by_child.or(matched);
        if !child.proceeds {
            asked = asked.and(matched.not());
        }
        if !asked.is_possible() {
            break;
        }
    }
    let certainty = taken.and(by_child.not());
    if certainty.is_possible() {
        hits.push(Hit { route, certainty });
    }
}
