//! The rule file.

use crate::starter::Backend;
use crate::starter::draft::AlertDraft;

/// A single-quoted YAML scalar.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The annotations of an alert, in the order in which they are written: name and text.
pub(super) fn annotations(backend: &Backend, draft: &AlertDraft, value: &str) -> [(&'static str, String); 4] {
    [
        ("summary", draft.summary.clone()),
        ("description", draft.description.replace("{VALUE}", value)),
        ("runbook", draft.name.clone()),
        ("dashboard", backend.dashboard_uid()),
    ]
}

/// The alerts of the backend as a rule file.
pub(super) fn rules(backend: &Backend, drafts: &[AlertDraft]) -> String {
    let Backend { name, .. } = backend;
    let mut text = format!(
        "# Alert rules for {name}, written from what its /metrics showed. Thresholds are a beginning: change\n\
         # them to what your users would notice, and the tests in rules/tests/{name}.yml along with them.\n\
         groups:\n  - name: {name}\n    rules:\n"
    );
    for draft in drafts {
        text.push_str(&rule(backend, draft));
    }
    text
}

fn rule(backend: &Backend, draft: &AlertDraft) -> String {
    let mut text = format!("      - alert: {}\n        expr: {}\n", draft.name, quoted(&draft.expr));
    if let Some(hold) = draft.hold {
        text.push_str(&format!("        for: {hold}\n"));
    }
    text.push_str(&format!(
        "        labels:\n          severity: {}\n          component: {}\n        annotations:\n",
        draft.severity, draft.component
    ));
    for (name, value) in annotations(backend, draft, draft.value_template) {
        text.push_str(&format!("          {name}: {}\n", quoted(&value)));
    }
    text.push('\n');
    text
}
