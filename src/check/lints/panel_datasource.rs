//! A panel that asks a datasource which does not exist stays empty.

use crate::check::dashboard::Dashboard;
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::check::nearest::nearest;
use crate::check::scalar::Scalar;

pub(super) const LINT: Lint = Lint {
    id: "panel-datasource",
    severity: Severity::Bug,
    doc: "A dashboard names a datasource, or a variable for one, that does not exist.",
    run: Run::All(check),
};

/// What Grafana itself provides.
const BUILT_IN: [&str; 6] =
    ["-- Dashboard --", "-- Grafana --", "-- Mixed --", "__expr__", "grafana", "default"];

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    for dashboard in view.facts.dashboards.iter().flatten() {
        for (uid, titles) in uses(dashboard) {
            let Some((message, fix)) = judge(view, dashboard, uid) else { continue };
            let message = if titles.is_empty() {
                message
            } else {
                format!("{message}: no data in {}", super::empty_receiver::names(&titles))
            };
            out.push(dashboard.finding(&LINT, uid.start(), message).fix(fix));
        }
    }
}

/// Each uid where it stands first, with the panels that use it: one mistake, made in every panel, is
/// told once.
fn uses(dashboard: &Dashboard) -> Vec<(&Scalar, Vec<&str>)> {
    let of_panels = dashboard.panels.iter().flat_map(|panel| {
        panel.datasources.iter().map(move |uid| (uid, Some((panel.at, panel.title.as_str()))))
    });
    let of_variables =
        dashboard.variables.iter().filter_map(|variable| Some((variable.datasource.as_ref()?, None)));
    let mut found: Vec<(&Scalar, Vec<(usize, &str)>)> = Vec::new();
    for (uid, panel) in of_panels.chain(of_variables) {
        let at = found.iter().position(|(known, _)| known.value == uid.value).unwrap_or(found.len());
        if at == found.len() {
            found.push((uid, Vec::new()));
        }
        if let (Some((_, panels)), Some(panel)) = (found.get_mut(at), panel)
            && !panels.contains(&panel)
        {
            panels.push(panel);
        }
    }
    found
        .into_iter()
        .map(|(uid, panels)| (uid, panels.into_iter().map(|(_, title)| title).collect()))
        .collect()
}

fn judge(view: &View<'_>, dashboard: &Dashboard, uid: &Scalar) -> Option<(String, String)> {
    let value = uid.value.as_str();
    if let Some(rest) = value.strip_prefix('$') {
        let name = rest.trim_start_matches('{').trim_end_matches('}');
        let name = name.split(':').next().unwrap_or(name);
        let variables = || dashboard.variables.iter().filter(|variable| variable.kind == "datasource");
        if variables().any(|variable| variable.name == name) {
            return None;
        }
        let message = format!(
            "there is no datasource variable `{name}`{}",
            if name.starts_with("DS_") { "; it is asked for at an import by hand only" } else { "" }
        );
        let near = variables().next().map(|variable| variable.name.as_str());
        let fix = match near {
            Some(near) => format!("use `${{{near}}}`"),
            None => "add a variable of type `datasource`, or name the datasource's uid".to_owned(),
        };
        return Some((message, fix));
    }
    let known = view.facts.datasource_uids.as_ref()?;
    if value.is_empty() || BUILT_IN.contains(&value) || known.contains(value) {
        return None;
    }
    let all: Vec<_> = known.iter().map(String::as_str).collect();
    let message = format!("there is no datasource with the uid `{value}` (there is {})", all.join(", "));
    let fix = match nearest(value, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "use a variable of type `datasource`, or an uid that is provisioned".to_owned(),
    };
    Some((message, fix))
}
