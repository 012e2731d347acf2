//! The stack's own rules, pages, tests and dashboard go along: they watch what delivers the alerts.

use std::collections::BTreeSet;

use crate::formats::rule_file::RuleFile;
use crate::render::ProjectFiles;
use crate::starter::{Backend, StarterFile};

/// The embedded files that are about the stack and not about the embedded backend.
pub(super) fn files(backend: &Backend, embedded: &ProjectFiles) -> Vec<StarterFile> {
    let Some(rules) = embedded.rules.get("stack.yml") else { return Vec::new() };
    let read = RuleFile::parse(&rules.shown_as, &rules.text);
    let alerts: BTreeSet<&str> =
        read.rules().filter(|(_, rule)| rule.is_alert()).map(|(_, rule)| rule.name.value.as_str()).collect();
    let wanted = |path: &str| {
        let page = path.strip_prefix("runbooks/").and_then(|page| page.strip_suffix(".md"));
        path == "stack.yml"
            || path.starts_with("tests/stack")
            || page.is_some_and(|page| alerts.contains(page))
    };
    let rules = embedded.rules.iter().filter(|(path, _)| wanted(path)).map(|(path, file)| StarterFile {
        path: format!("rules/{path}"),
        text: adapted(backend, &file.text),
    });
    let dashboards = embedded.dashboards.iter().filter(|(path, _)| *path == "confidexmon-stack.json").map(
        |(path, file)| StarterFile { path: format!("dashboards/{path}"), text: adapted(backend, &file.text) },
    );
    rules.chain(dashboards).collect()
}

/// The embedded backend's job and dashboard become this one's.
fn adapted(backend: &Backend, text: &str) -> String {
    text.replace("confidex-backend", &backend.job).replace("confidex-overview", &backend.dashboard_uid())
}
