//! The project's dashboards as Grafana gets them: what an import by hand would ask for is filled in.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::formats::dashboard::Dashboard;
use crate::formats::dashboard::community::{self, Source};
use crate::formats::dashboard::validity::{self, Refusal};
use crate::model::ServiceKind;
use crate::render::assets::{ProjectFile, ProjectFiles};
use crate::render::files::RenderedStack;

const DATASOURCES: &str = "/etc/confidexmon/provisioning/datasources/confidexmon.yml";

/// The datasources of a provisioning file; those that leave their uid to Grafana cannot be named.
pub fn sources(provisioning: &str) -> Vec<Source> {
    let file: Value = serde_yaml::from_str(provisioning).unwrap_or_default();
    let listed = file["datasources"].as_array().into_iter().flatten();
    let source = |one: &Value| {
        let text = |key: &str| one[key].as_str().map(str::to_owned);
        Some(Source { uid: text("uid")?, name: text("name")?, kind: text("type")? })
    };
    listed.filter_map(source).collect()
}

/// A dashboard's file as Grafana gets it. One that it refuses stays as it is, so that its words fit the file.
pub fn text(name: &str, file: &ProjectFile, sources: &[Source]) -> String {
    // Nothing is left to fill in there, which a test holds; reading them costs more than all other files.
    if is_built_in(name, file) {
        return file.text.clone();
    }
    resolved(name, file, sources).map_or_else(|| file.text.clone(), |resolved| resolved.text)
}

fn is_built_in(name: &str, file: &ProjectFile) -> bool {
    ProjectFiles::is_built_in(file, &format!("dashboards/{name}"))
}

fn resolved(name: &str, file: &ProjectFile, sources: &[Source]) -> Option<community::Resolved> {
    let resolved = community::resolve(name, &file.text, sources)?;
    let is_refused = !Dashboard::read(file.shown_as.as_str(), file.text.as_str()).refusals.is_empty();
    (!is_refused).then_some(resolved)
}

/// One line for each dashboard that Grafana gets otherwise than it stands in its file.
pub fn notes(project: &ProjectFiles, rendered: &RenderedStack) -> Vec<String> {
    let Some(grafana) = rendered.get(&ServiceKind::Grafana) else { return Vec::new() };
    let provisioning = grafana.files.get(DATASOURCES).map(|file| String::from_utf8_lossy(file.bytes()));
    let sources = sources(&provisioning.unwrap_or_default());
    let changed = project.dashboard_files().filter(|(name, file)| {
        let path = format!("/etc/confidexmon/dashboards/{name}");
        grafana.files.get(&path).is_some_and(|rendered| rendered.bytes() != file.text.as_bytes())
    });
    let line = |(name, file): (&str, &ProjectFile)| {
        let what = resolved(name, file, &sources)?.what.join(", ");
        Some(format!("{} for Grafana: {what}", file.shown_as))
    };
    changed.filter_map(line).collect()
}

/// What Grafana gets in the place of each dashboard's file, by the name that the user knows.
pub fn rendered_texts<'a>(
    project: &'a ProjectFiles,
    rendered: &'a RenderedStack,
) -> BTreeMap<&'a str, &'a str> {
    let Some(grafana) = rendered.get(&ServiceKind::Grafana) else { return BTreeMap::new() };
    let text = |(name, file): (&str, &'a ProjectFile)| {
        let shown = grafana.files.get(&format!("/etc/confidexmon/dashboards/{name}"))?;
        Some((file.shown_as.as_str(), std::str::from_utf8(shown.bytes()).ok()?))
    };
    project.dashboard_files().filter_map(text).collect()
}

/// What Grafana would not take of the project's dashboards: the file, and why.
pub fn refusals(project: &ProjectFiles) -> Vec<(String, Refusal)> {
    if project.dashboard_files().all(|(name, file)| is_built_in(name, file)) {
        return Vec::new();
    }
    let all: Vec<Dashboard> = project
        .dashboard_files()
        .map(|(_, file)| Dashboard::read(file.shown_as.as_str(), file.text.as_str()))
        .collect();
    validity::refusals(&all).into_iter().map(|(one, refusal)| (one.source.path.clone(), refusal)).collect()
}
