//! A route behind one that takes its alerts first never gets any.

use crate::analysis::routing::{Labels, Tristate, walk};
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::alertmanager::{AlertmanagerFile, Matcher, Route};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "shadowed-route",
    severity: Severity::Bug,
    doc: "A route never gets an alert: an earlier one takes them, or its matchers contradict each other.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let Some(file) = view.alertmanager else { return };
    let Some(root) = &file.root else { return };
    let check = RouteCheck { view, file, root };
    check.children(root, &[], out);
}

struct RouteCheck<'v, 'a> {
    view: &'v View<'a>,
    file: &'v AlertmanagerFile,
    root: &'v Route,
}

impl RouteCheck<'_, '_> {
    fn children(&self, parent: &Route, above: &[&Matcher], out: &mut Vec<Finding>) {
        for (number, child) in parent.routes.iter().enumerate() {
            let earlier: Vec<_> = parent.routes[..number].iter().filter(|route| !route.proceeds).collect();
            let all: Vec<&Matcher> =
                above.iter().copied().chain(child.matchers.iter().map(|placed| &placed.matcher)).collect();
            let reason = contradiction(&all)
                .or_else(|| self.covered(&earlier, &all))
                .or_else(|| self.bypassed(child, &all));
            match reason {
                Some((message, fix)) => out.push(self.file.finding(&LINT, child.at, message).fix(fix)),
                None => self.children(child, &all, out),
            }
        }
    }

    /// Earlier routes take everything that can come here, whatever the alerts are.
    fn covered(&self, earlier: &[&Route], all: &[&Matcher]) -> Option<(String, String)> {
        let takes = |route: &&&Route| route.matchers.iter().all(|placed| implied(&placed.matcher, all));
        if let Some(first) = earlier.iter().find(takes) {
            let message = format!("unreachable: {} takes everything that matches here", self.shown(first));
            return Some((
                message,
                "move this route above that one, or give that one `continue: true`".to_owned(),
            ));
        }
        let label = all.iter().map(|matcher| matcher.label.as_str()).find(|label| {
            let values = remaining(all, label).unwrap_or_default();
            let is_taken = |value: &&str| earlier.iter().any(|route| takes_value(route, label, value, all));
            !values.is_empty() && values.iter().all(is_taken)
        })?;
        let values = remaining(all, label).unwrap_or_default().join(", ");
        let message =
            format!("unreachable: earlier routes take every `{label}` that matches here ({values})");
        Some((message, "move this route above them, or remove it".to_owned()))
    }

    /// All of our alerts that match here go elsewhere before, to a route that is wider than this one.
    fn bypassed(&self, route: &Route, all: &[&Matcher]) -> Option<(String, String)> {
        let picks =
            |matcher: &Matcher| matcher.values().is_some_and(|values| values.iter().any(|v| !v.is_empty()));
        if !route.matchers.iter().any(|placed| picks(&placed.matcher)) {
            return None;
        }
        let matching = self.matching(all);
        let mut instead = None;
        for labels in matching.iter().map(|(_, labels)| *labels) {
            let hits = walk(self.root, labels);
            if hits.iter().any(|hit| !route.path_to(hit.route).is_empty()) {
                return None;
            }
            let taker = hits.first()?.route;
            // A narrow route before a wide one is how it should be.
            if !self.is_wider(taker, all, matching.len()) {
                return None;
            }
            instead.get_or_insert(taker);
        }
        let first = self.shown(instead?);
        let mut names: Vec<_> = matching.iter().map(|(name, _)| *name).collect();
        names.dedup();
        let verb = if names.len() == 1 { "matches" } else { "match" };
        let message = format!(
            "never used: {} {verb} here, but {first} comes before and has no `continue`",
            crate::check::wording::names(&names)
        );
        Some((message, "move this route above that one".to_owned()))
    }

    fn is_wider(&self, route: &Route, than: &[&Matcher], matching: usize) -> bool {
        let theirs: Vec<&Matcher> = self
            .root
            .path_to(route)
            .into_iter()
            .flat_map(|route| route.matchers.iter().map(|placed| &placed.matcher))
            .collect();
        let names_alert =
            |all: &[&Matcher]| all.iter().any(|m| m.label == "alertname" && m.values().is_some());
        self.matching(&theirs).len() > matching || names_alert(than) && !names_alert(&theirs)
    }

    /// Our alerts that certainly match all of these.
    fn matching(&self, all: &[&Matcher]) -> Vec<(&str, &Labels)> {
        let variants = self
            .view
            .alerts
            .iter()
            .flat_map(|alert| alert.variants.iter().map(move |variant| (alert.name(), &variant.labels)));
        variants.filter(|(_, labels)| labels.matched_by(all.iter().copied()) == Tristate::Always).collect()
    }

    fn shown(&self, route: &Route) -> String {
        let condition = route.condition();
        let line = self.file.finding(&LINT, route.at, String::new()).place.line;
        let place = if line == 0 { String::new() } else { format!(" (line {line})") };
        if condition.is_empty() {
            format!("the route to `{}`{place}", route.sends_to)
        } else {
            format!("the route with {condition}{place}")
        }
    }
}

/// The values that all matchers of a label allow, where they can be listed.
fn remaining<'m>(all: &[&'m Matcher], label: &str) -> Option<Vec<&'m str>> {
    let ours = || all.iter().filter(|matcher| matcher.label == label);
    let values = ours().find_map(|matcher| matcher.values())?;
    Some(values.into_iter().filter(|value| ours().all(|m| m.matches(value) != Some(false))).collect())
}

fn contradiction(all: &[&Matcher]) -> Option<(String, String)> {
    let label = all
        .iter()
        .map(|matcher| matcher.label.as_str())
        .find(|label| remaining(all, label).is_some_and(|values| values.is_empty()))?;
    let of_label: Vec<_> =
        all.iter().filter(|matcher| matcher.label == label).map(ToString::to_string).collect();
    let message = format!("no alert can match: {} exclude each other", of_label.join(" and "));
    Some((message, "correct one of them; the matchers of the routes above count as well".to_owned()))
}

/// Whatever `all` matches, this matcher does too.
fn implied(matcher: &Matcher, all: &[&Matcher]) -> bool {
    let ours = || all.iter().filter(|other| other.label == matcher.label);
    let rejected = |value: &str| ours().any(|other| other.matches(value) == Some(false));
    matcher.matches_everything()
        || ours().any(|other| *other == matcher)
        || remaining(all, &matcher.label)
            .is_some_and(|values| values.iter().all(|value| matcher.matches(value) == Some(true)))
        || matcher.matches_any_value() && rejected("")
        || matcher.excluded().is_some_and(|values| values.iter().all(|value| rejected(value)))
}

fn takes_value(route: &Route, label: &str, value: &str, all: &[&Matcher]) -> bool {
    route.matchers.iter().all(|placed| {
        let matcher = &placed.matcher;
        if matcher.label == label { matcher.matches(value) == Some(true) } else { implied(matcher, all) }
    })
}
