//! A project for a backend that nobody has described yet: rules, their tests, runbook pages and a
//! dashboard that follow from what the backend's `/metrics` shows. Pure: the exposition is passed in.

mod dashboard;
mod draft;
mod runbooks;
mod settings_file;
mod signals;
mod stack;
mod unit_tests;
mod yaml;

use crate::analysis::contract::Contract;
use crate::render::ProjectFiles;
use crate::settings;

/// The backend that a project is written for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    /// Lower case, `[a-z0-9-]`: the name of the stack, of the rule file and of the dashboard.
    pub name: String,
    /// The `job` label of its series.
    pub job: String,
    /// Its metrics as Prometheus sees them from inside its container.
    pub url: String,
}

/// One file of the project: its path below the project folder, and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StarterFile {
    pub path: String,
    pub text: String,
}

impl Backend {
    /// `Shop` for `shop`, `OrderDesk` for `order-desk`: what the names of its alerts begin with.
    pub fn alert_prefix(&self) -> String {
        let words = self.name.split('-').filter(|word| !word.is_empty());
        words.map(capitalized).collect()
    }

    /// The uid of its dashboard; Grafana accepts 40 characters.
    pub fn dashboard_uid(&self) -> String {
        let name: String = self.name.chars().take(31).collect();
        format!("{}-overview", name.trim_end_matches('-'))
    }
}

/// A project, and what it watches of the backend itself in a sentence: nobody should believe that more is watched.
pub struct Starter {
    pub files: Vec<StarterFile>,
    pub summary: String,
}

/// Every file of the project but the secrets. `exposition` is the text of the backend's `/metrics`, kept
/// as the contract that `check` holds rules against.
pub fn project(backend: &Backend, exposition: &str) -> Starter {
    let contract = Contract::parse(exposition);
    let drafts = signals::drafts(backend, &contract);
    let embedded = ProjectFiles::embedded();
    let name = &backend.name;
    let mut files = vec![
        file("config/confidexmon.yml", settings_file::text(backend, &embedded)),
        file("config/confidexmon.schema.json", settings_file::schema(&embedded)),
        file("config/backend.prom", exposition.to_owned()),
        file(format!("rules/{name}.yml"), yaml::rules(backend, &drafts)),
        file(format!("rules/tests/{name}.yml"), unit_tests::text(backend, &drafts)),
        file(format!("dashboards/{}.json", backend.dashboard_uid()), dashboard::text(backend, &drafts)),
    ];
    files.extend(
        drafts.iter().map(|draft| file(format!("rules/runbooks/{}.md", draft.name), runbooks::text(draft))),
    );
    files.extend(stack::files(backend, &embedded));
    let names: Vec<&str> = drafts.iter().map(|draft| draft.name.as_str()).collect();
    let metrics = contract.families().count();
    let summary = format!(
        "of the {metrics} metrics of `{}` these alerts were made, and a panel for each: {}; what else should wake somebody is yours to add (rules/{}.yml)",
        backend.job,
        names.join(", "),
        backend.name
    );
    Starter { files, summary }
}

/// The address as Prometheus sees it from its container: this machine is another one there. `None` when it
/// is no http or https URL.
pub fn target_url(url: &str) -> Option<String> {
    let (scheme, authority, path) = settings::url(url)?;
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, format!(":{port}")),
        _ => (authority.as_str(), String::new()),
    };
    let is_this_machine = matches!(host, "localhost" | "[::1]" | "0.0.0.0") || host.starts_with("127.");
    let host = if is_this_machine { "host.docker.internal" } else { host };
    Some(format!("{scheme}://{host}{port}{path}"))
}

fn file(path: impl Into<String>, text: String) -> StarterFile {
    StarterFile { path: path.into(), text }
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

#[cfg(test)]
mod tests;
