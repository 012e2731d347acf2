//! A panel that asks a datasource which does not exist stays empty.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::dashboard::community::{Source, stands_for};
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
                format!("{message}: no data in {}", crate::check::wording::names(&titles))
            };
            out.push(dashboard.finding(&LINT, uid.start(), message).fix(fix));
        }
        out.extend(dashboard.panels.iter().filter_map(|panel| other_language(view, dashboard, panel)));
    }
}

/// Each uid where it stands first, with the panels that use it: one mistake, made in every panel, is
/// told once.
fn uses(dashboard: &Dashboard) -> Vec<(&Scalar, Vec<&str>)> {
    let asking = dashboard.panels.iter().filter(|panel| !asks_nothing(panel));
    let of_panels = asking.flat_map(|panel| {
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

/// Grafana writes a datasource into these too, and never asks it.
fn asks_nothing(panel: &Panel) -> bool {
    panel.kind.as_ref().is_some_and(|kind| matches!(kind.value.as_str(), "row" | "text"))
}

fn assess(view: &View<'_>, dashboard: &Dashboard, uid: &Scalar) -> Option<(String, String)> {
    let value = uid.value.as_str();
    let variables: Vec<String> = dashboard.variables.iter().map(|variable| variable.name.clone()).collect();
    if let Some(rest) = value.strip_prefix('$') {
        let name = rest.trim_start_matches('{').trim_end_matches('}');
        let name = name.split(':').next().unwrap_or(name);
        return variable(view, dashboard, name, &variables);
    }
    // Whoever made it for other software has datasources of their own.
    let known = view.facts.datasources.as_ref().filter(|_| !view.is_foreign(&dashboard.source))?;
    let is_named = || known.values().any(|datasource| datasource.name == value);
    let is_known =
        known.contains_key(value) || is_named() || (!is_uid(dashboard, uid) && stands(view, value));
    if value.is_empty() || BUILT_IN.contains(&value) || is_known {
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

/// `${name}`: a variable of the dashboard, or what an import by hand asks for.
fn variable(
    view: &View<'_>,
    dashboard: &Dashboard,
    name: &str,
    variables: &[String],
) -> Option<(String, String)> {
    let of_datasource = || dashboard.variables.iter().filter(|variable| variable.kind == "datasource");
    if of_datasource().any(|variable| variable.name == name) {
        return None;
    }
    let known = view.facts.datasources.as_ref()?;
    if let Some(input) = dashboard.inputs.iter().find(|input| input.name == name) {
        let kind = input.plugin.as_str();
        let is_there =
            kind.is_empty() || BUILT_IN.contains(&kind) || known.values().any(|one| one.kind == kind);
        return (!is_there).then(|| {
            let message = format!("the input `{name}` wants a datasource of type {kind}, and there is none");
            (message, "leave out what asks it, or provision such a datasource".to_owned())
        });
    }
    if stands_for(&format!("${{{name}}}"), variables, &sources(view)).is_some() {
        return None;
    }
    let near = of_datasource().next().map(|variable| variable.name.as_str());
    let fix = match near {
        Some(near) => format!("use `${{{near}}}`"),
        None => "add a variable of type `datasource`, or name the datasource's uid".to_owned(),
    };
    Some((format!("there is no datasource variable `{name}`"), fix))
}

/// A uid is taken at its word; a name, as old dashboards have it, is understood when it is rendered.
fn is_uid(dashboard: &Dashboard, uid: &Scalar) -> bool {
    let before = dashboard.source.text.get(..uid.start()).unwrap_or_default().trim_end();
    before.strip_suffix(':').is_some_and(|before| before.trim_end().ends_with("\"uid\""))
}

fn stands(view: &View<'_>, name: &str) -> bool {
    stands_for(name, &[], &sources(view)).is_some()
}

fn sources(view: &View<'_>) -> Vec<Source> {
    let known = view.facts.datasources.iter().flatten();
    known
        .map(|(uid, one)| Source { uid: uid.clone(), name: one.name.clone(), kind: one.kind.clone() })
        .collect()
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
