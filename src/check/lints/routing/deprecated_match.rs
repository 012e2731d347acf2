//! The old ways to write matchers, which Alertmanager will stop reading.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::alertmanager::AlertmanagerFile;
use crate::formats::yaml::node::Node;
use crate::formats::yaml::scalar::Scalar;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "deprecated-match",
    severity: Severity::Warning,
    doc: "`match`, `match_re` and their relatives are deprecated and will go.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let Some(file) = view.alertmanager else { return };
    if let Some(route) = file.tree.get("route") {
        in_route(file, route, out);
    }
    for rule in file.tree.list_at("inhibit_rules") {
        for side in ["source", "target"] {
            for end in ["match", "match_re"] {
                let key = rule.key(&format!("{side}_{end}"));
                out.extend(key.map(|key| finding(file, key, &format!("{side}_matchers"))));
            }
        }
    }
    let intervals = file.tree.key("mute_time_intervals");
    out.extend(intervals.map(|key| finding(file, key, "time_intervals")));
}

fn in_route(file: &AlertmanagerFile, route: &Node, out: &mut Vec<Finding>) {
    for key in ["match", "match_re"].into_iter().filter_map(|key| route.key(key)) {
        out.push(finding(file, key, "matchers"));
    }
    route.list_at("routes").iter().for_each(|child| in_route(file, child, out));
}

fn finding(file: &AlertmanagerFile, key: &Scalar, instead: &str) -> Finding {
    let message = format!("`{}` is deprecated: a later Alertmanager will refuse it", key.value);
    let example = if instead == "matchers" || instead.ends_with("_matchers") {
        format!("write `{instead}: ['label=\"value\"']`, with `=~` for a regular expression")
    } else {
        format!("write `{instead}`")
    };
    file.finding(&LINT, key.start(), message).fix(example)
}
