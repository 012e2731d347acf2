//! A message that names a label or an annotation which no alert has: there is a hole in it.

use std::collections::BTreeSet;

use foldhash::HashSet;

use crate::analysis::messages::Messages;
use crate::analysis::messages::check::Named;
use crate::analysis::messages::types::MapOf;
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::model::closest_name;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "unknown-message-label",
    severity: Severity::Warning,
    doc: "A notification names a label or an annotation that no alert has.",
    run: Run::All(check),
};

/// Among more names than this the search for the nearest one costs more than it helps.
const MOST_NAMES: usize = 500;
/// A short name that has something else beside it is as near to another one by chance.
const SHORT: usize = 6;

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let Some(messages) = Messages::of(view).filter(|_| !view.alerts.is_empty()) else { return };
    let named = messages.followed().named;
    if named.is_empty() {
        return;
    }
    let (labels, annotations) = (labels(view), annotations(view));
    if labels.len().max(annotations.len()) > MOST_NAMES {
        return;
    }
    for named in named {
        let known = if named.what.of == MapOf::Labels { &labels } else { &annotations };
        if known.contains(named.what.name.as_str()) {
            continue;
        }
        if let Some((message, severity, fix)) = assess(&named.what, known) {
            out.push(messages.finding(&LINT, named.at, named.what.at, &message).severity(severity).fix(fix));
        }
    }
}

fn assess(named: &Named, known: &BTreeSet<&str>) -> Option<(String, Severity, String)> {
    let Named { name, of, guarded, .. } = named;
    let kind = if *of == MapOf::Labels { "label" } else { "annotation" };
    let message = format!("no alert has the {kind} `{name}`: nothing is shown in its place");
    let near = closest_name(name, known).filter(|_| !(*guarded && name.len() < SHORT));
    if let Some(near) = near {
        return Some((message, Severity::Warning, format!("did you mean `{near}`?")));
    }
    // Labels may come from what nobody here can see; annotations stand in the rules.
    (*of == MapOf::Annotations && !guarded).then(|| {
        let fix = format!("add the annotation to the rules, or say something else without it: `{{{{ or .Annotations.{name} … }}}}`");
        (message, Severity::Info, fix)
    })
}

/// Every label that some alert can have, as far as they are known.
fn labels<'a>(view: &'a View<'_>) -> BTreeSet<&'a str> {
    let of_alerts = view.alerts.iter().flat_map(|alert| &alert.variants).flat_map(|variant| {
        variant.labels.listed().filter(|(_, domain)| !domain.is_absent()).map(|(name, _)| name)
    });
    let external = view.facts.external_labels.keys().map(String::as_str);
    // A live drill gives its alert this one.
    // Thousands of alerts share a few labels: sorting is for those alone.
    let distinct: HashSet<&str> = of_alerts.chain(external).chain(["alertname", "drill"]).collect();
    distinct.into_iter().collect()
}

fn annotations<'a>(view: &'a View<'_>) -> BTreeSet<&'a str> {
    let all = view.alerts.iter().flat_map(|alert| alert.rule.annotations.iter()).map(|(name, _)| name);
    all.collect::<HashSet<&str>>().into_iter().collect()
}
