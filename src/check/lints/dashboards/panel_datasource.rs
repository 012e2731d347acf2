//! A panel that asks a datasource which does not exist stays empty.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::dashboard::{Dashboard, Panel};
use crate::formats::yaml::scalar::Scalar;
use crate::model::closest_name;

pub(in crate::check::lints) const LINT: Lint = Lint {
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
            let Some((message, fix)) = assess(view, dashboard, uid) else { continue };
            let message = if titles.is_empty() {
                message
            } else {
                format!(
                    "{message}: no data in {}",
                    crate::check::lints::routing::empty_receiver::names(&titles)
                )
            };
            out.push(dashboard.finding(&LINT, uid.start(), message).fix(fix));
        }
        out.extend(dashboard.panels.iter().filter_map(|panel| other_language(view, dashboard, panel)));
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

fn assess(view: &View<'_>, dashboard: &Dashboard, uid: &Scalar) -> Option<(String, String)> {
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
    // Whoever made it for other software has datasources of their own.
    let known = view.facts.datasources.as_ref().filter(|_| !view.is_foreign(&dashboard.source))?;
    let is_named = || known.values().any(|datasource| datasource.name == value);
    if value.is_empty() || BUILT_IN.contains(&value) || known.contains_key(value) || is_named() {
        return None;
    }
    let all: Vec<_> = known.keys().map(String::as_str).collect();
    let verb = if all.len() == 1 { "is" } else { "are" };
    let message = format!("there is no datasource with the uid `{value}` (there {verb} {})", all.join(", "));
    let fix = match closest_name(value, known.keys()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "use a variable of type `datasource`, or an uid that is provisioned".to_owned(),
    };
    Some((message, fix))
}

/// `PromQL` asked of a datasource that does not speak it.
fn other_language(view: &View<'_>, dashboard: &Dashboard, panel: &Panel) -> Option<Finding> {
    let known = view.facts.datasources.as_ref()?;
    let of = |uid: &Scalar| known.get(&uid.value).map(|datasource| datasource.kind.as_str());
    let first = panel.datasources.first().filter(|_| !panel.queries.is_empty())?;
    let kind = of(first)?;
    let none_speaks_it = panel.datasources.iter().all(|uid| of(uid).is_some_and(|kind| kind != "prometheus"));
    none_speaks_it.then(|| {
        let message = format!("`{}` is of type {kind} and does not understand PromQL", first.value);
        let speaks: Vec<_> =
            known.iter().filter(|(_, one)| one.kind == "prometheus").map(|(uid, _)| uid.as_str()).collect();
        dashboard.on(&LINT, panel, first.start(), &message).fix(format!("use `{}`", speaks.join("` or `")))
    })
}
