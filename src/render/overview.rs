//! The dashboard that links lead to when nothing more particular is known.

use serde::Deserialize;
use serde_json::Value;

use crate::model::is_dashboard_uid;
use crate::render::assets::{ProjectFile, ProjectFiles};
use crate::settings::Settings;

/// The uid of the dashboard that is built in for the backend.
const EMBEDDED: (&str, &str) = ("confidex-overview.json", "confidex-overview");
/// The stack's own dashboard, which is about no backend.
const STACK: &str = "confidexmon-stack";

/// The settings' `links.dashboard`, else the built-in overview where the project has it, else the
/// project's first dashboard, else the stack's own.
pub fn dashboard_uid(settings: &Settings, project: &ProjectFiles) -> String {
    if let Some(uid) = &settings.links.dashboard {
        return uid.clone();
    }
    let (file, uid) = EMBEDDED;
    if project.dashboards.contains_key(file) {
        return uid.to_owned();
    }
    let mut uids = project.dashboard_files().filter_map(|(_, file)| uid_of(file)).filter(|uid| uid != STACK);
    uids.next().unwrap_or_else(|| STACK.to_owned())
}

/// The file of the project's dashboard with this uid, and its name.
pub fn dashboard<'a>(project: &'a ProjectFiles, uid: &str) -> Option<(&'a str, &'a ProjectFile)> {
    project.dashboard_files().find(|(_, file)| uid_of(file).as_deref() == Some(uid))
}

/// The rest of a dashboard is read over.
#[derive(Deserialize)]
struct Head {
    uid: Option<Value>,
}

/// The uid in a dashboard's file, when it is one that Grafana accepts.
fn uid_of(file: &ProjectFile) -> Option<String> {
    // A list would be read as the fields in their order.
    let object = Some(&file.text).filter(|text| text.trim_start().starts_with('{'))?;
    let head: Head = serde_json::from_str(object).ok()?;
    head.uid?.as_str().filter(|uid| is_dashboard_uid(uid)).map(str::to_owned)
}
