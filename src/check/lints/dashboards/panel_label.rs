//! A panel that selects, groups or names by a label which the metric does not have.

use crate::analysis::labels::LabelSet;
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::dashboard::{Dashboard, Panel, Query, Variable, without_variable_matchers};
use crate::formats::go_template;
use crate::formats::promql::{Expr, Grouping, Kind};
use crate::model::closest_name;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "panel-label",
    severity: Severity::Bug,
    doc: "A dashboard selects, groups or names series by a label that they do not have.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    if view.facts.target_labels.is_none() {
        return;
    }
    for dashboard in view.facts.dashboards.iter().flatten() {
        for variable in &dashboard.variables {
            out.extend(values_of(view, dashboard, variable));
        }
        for (panel, query) in dashboard.queries() {
            let Ok(tree) = &query.tree else { continue };
            let place = QueryPlace { dashboard, panel, query };
            tree.walk(&mut |node| in_node(view, place, node, out));
            legend(view, place, tree, out);
        }
    }
}

/// `label_values(metric, label)`: a label that the metric lacks has no values to choose from.
fn values_of(view: &View<'_>, dashboard: &Dashboard, variable: &Variable) -> Option<Finding> {
    let (label, at) = variable.label.as_ref()?;
    let query = variable.query.as_ref()?;
    let selector = query.tree.as_ref().ok()?.as_selector()?;
    view.known(&without_variable_matchers(selector)).filter(|series| series.family.samples > 0)?;
    let LabelSet::Only(known) = view.selector_labels(&without_variable_matchers(selector)) else {
        return None;
    };
    if known.contains(label) {
        return None;
    }
    let name = selector.name.as_deref().unwrap_or_default();
    let message = format!("`{name}` has no label `{label}`: the variable `{}` has no values", variable.name);
    let offset = dashboard.source.offset(query.text.place_of(&dashboard.source, *at));
    let finding = dashboard.finding(&LINT, offset, message);
    Some(match closest_name(label, known.iter()) {
        Some(near) => finding.fix(format!("did you mean `{near}`?")),
        None => finding,
    })
}

/// A query and where it stands.
#[derive(Clone, Copy)]
struct QueryPlace<'a> {
    dashboard: &'a Dashboard,
    /// `None` for a variable's query.
    panel: Option<&'a Panel>,
    query: &'a Query,
}

fn in_node(view: &View<'_>, place: QueryPlace<'_>, node: &Expr, out: &mut Vec<Finding>) {
    let QueryPlace { dashboard, panel, query } = place;
    let mut add = |at: usize, message: String, label: &str, known: Vec<&str>| {
        let offset = dashboard.source.offset(query.place(&dashboard.source, at));
        let finding = match panel {
            Some(panel) => dashboard.on(&LINT, panel, offset, &message),
            None => dashboard.finding(&LINT, offset, message),
        };
        out.push(match closest_name(label, known) {
            Some(near) => finding.fix(format!("did you mean `{near}`?")),
            None => finding,
        });
    };
    match &node.kind {
        Kind::Selector(selector) => {
            let pinned = without_variable_matchers(selector);
            let Some(series) = view.known(&pinned).filter(|series| series.family.samples > 0) else { return };
            let LabelSet::Only(known) = view.selector_labels(&pinned) else { return };
            for matcher in selector.matchers.iter().filter(|matcher| matcher.label != "__name__") {
                if !known.contains(&matcher.label) {
                    let message = format!("`{}` has no label `{}`", series.family_name, matcher.label);
                    add(matcher.at, message, &matcher.label, known.iter().map(String::as_str).collect());
                }
            }
        }
        Kind::Aggregate { op, inner, grouping: Grouping::By(labels), .. } => {
            let LabelSet::Only(known) = view.labels_of(inner) else { return };
            for label in labels.iter().filter(|label| !known.contains(*label) && !label.contains('$')) {
                let message = format!("`{op}` groups by `{label}`, which none of its series have");
                add(node.at, message, label, known.iter().map(String::as_str).collect());
            }
        }
        _ => {}
    }
}

/// `{{label}}` in the legend.
fn legend(view: &View<'_>, place: QueryPlace<'_>, tree: &Expr, out: &mut Vec<Finding>) {
    let QueryPlace { dashboard, panel, query } = place;
    let (Some(legend), Some(panel)) = (&query.legend, panel) else { return };
    if go_template::actions(&legend.value).is_err() {
        return;
    }
    let LabelSet::Only(known) = view.labels_of(tree) else { return };
    for part in legend.value.split("{{").skip(1) {
        let label = part.split("}}").next().unwrap_or_default().trim();
        if label != "__name__" && !label.is_empty() && !known.contains(label) {
            let message =
                format!("the legend names `{label}`, and the query does not return it: the name has a hole");
            let finding = dashboard.on(&LINT, panel, legend.start(), &message).severity(Severity::Warning);
            out.push(match closest_name(label, known.iter()) {
                Some(near) => finding.fix(format!("did you mean `{near}`?")),
                None => finding.fix("keep the label in the query, or leave it out of the legend"),
            });
        }
    }
}
