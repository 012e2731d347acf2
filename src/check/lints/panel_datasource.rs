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
        let mut seen: Vec<&str> = Vec::new();
        for panel in &dashboard.panels {
            // A panel and its queries name the same one; once is enough.
            seen.clear();
            for uid in &panel.datasources {
                if !seen.contains(&uid.value.as_str()) {
                    seen.push(&uid.value);
                    if let Some((message, fix)) = judge(view, dashboard, uid) {
                        out.push(dashboard.on(&LINT, panel, uid.start(), &message).fix(fix));
                    }
                }
            }
        }
        for uid in dashboard.variables.iter().filter_map(|variable| variable.datasource.as_ref()) {
            if let Some((message, fix)) = judge(view, dashboard, uid) {
                out.push(dashboard.finding(&LINT, uid.start(), message).fix(fix));
            }
        }
    }
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
