//! The stack's own rules, pages, tests and dashboard go along: they watch what delivers the alerts.

use std::collections::BTreeSet;

use crate::formats::rule_file::RuleFile;
use crate::render::ProjectFiles;
use crate::starter::{Backend, StarterFile};

/// The embedded files that are about the stack and not about the embedded backend.
pub(super) fn files(backend: &Backend, embedded: &ProjectFiles) -> Vec<StarterFile> {
    let rules = embedded.rule_files().filter(|(path, _)| path.starts_with("stack"));
    let read: Vec<RuleFile> = rules.map(|(_, file)| RuleFile::parse(&*file.shown_as, &*file.text)).collect();
    let rules = read.iter().flat_map(RuleFile::rules).filter(|(_, rule)| rule.is_alert());
    let alerts: BTreeSet<&str> = rules.map(|(_, rule)| rule.name.value.as_str()).collect();
    let wanted = |path: &str| {
        let page = path.strip_prefix("runbooks/").and_then(|page| page.strip_suffix(".md"));
        path.starts_with("stack")
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
