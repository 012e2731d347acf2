//! A severity that no route takes goes to the default receiver, which is the wrong place for some.

use crate::analysis::routing::{Alert, Tristate, matrix};
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::alertmanager::Route;
use crate::formats::yaml::source::Position;
use crate::model::closest_name;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "unrouted-severity",
    severity: Severity::Warning,
    doc: "Routes choose by severity, and no route takes the severity of an alert: it falls to the default receiver.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let Some(root) = view.alertmanager.and_then(|file| file.root.as_ref()) else { return };
    let mut routed: Vec<&str> = Vec::new();
    let mut chooses = false;
    root.walk(&mut |route| {
        for placed in route.matchers.iter().filter(|placed| placed.matcher.label == "severity") {
            chooses = true;
            routed.extend(placed.matcher.values().unwrap_or_default());
        }
    });
    if !chooses {
        return;
    }
    routed.sort_unstable();
    routed.dedup();
    for alert in &view.alerts {
        if let [(route, Tristate::Always)] = matrix::hits(root, alert)[..]
            && std::ptr::eq(route, root)
        {
            out.extend(assess(root, alert, &routed));
        }
    }
}

fn assess(root: &Route, alert: &Alert<'_>, routed: &[&str]) -> Option<Finding> {
    let source = &alert.file.source;
    let default = &root.sends_to;
    let Some(severity) = alert.severity() else {
        let has_none = alert.variants.iter().all(|variant| variant.labels.get("severity").is_absent());
        let place = alert.rule.name.place(source);
        let message =
            format!("no severity, and routes choose by it: this goes to the default receiver `{default}`");
        let finding = LINT.at(source, place, message).alert(alert.name()).severity(Severity::Info);
        return has_none.then(|| finding.fix("give it a `severity` label"));
    };
    if routed.contains(&severity) {
        // Some route asks for this severity and more; that is a choice.
        return None;
    }
    let near = closest_name(severity, routed);
    // One route for one severity and the root for the rest is a usual way to write it.
    let for_people = routed.iter().filter(|severity| !matches!(**severity, "none" | "info")).count();
    if near.is_none() && for_people < 2 {
        return None;
    }
    let place: Position = alert
        .rule
        .labels
        .get("severity")
        .map_or_else(|| alert.rule.name.place(source), |label| label.place(source));
    let message =
        format!("no route takes severity \"{severity}\": this goes to the default receiver `{default}`");
    let finding = LINT.at(source, place, message).alert(alert.name());
    Some(match near {
        Some(near) => finding.fix(format!("did you mean \"{near}\"?")),
        None => finding.fix("use a severity that a route takes, or add a route for it"),
    })
}
