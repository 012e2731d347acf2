//! One page per alert, to be filled in by whoever meets it first.

use crate::starter::draft::AlertDraft;

/// The page in Markdown.
pub(super) fn text(draft: &AlertDraft) -> String {
    let steps: String =
        draft.steps.iter().enumerate().map(|(number, step)| format!("{}. {step}\n", number + 1)).collect();
    format!(
        "# {}\n\nSeverity {}, component {}.\n\n## Meaning\n{}\n\n## Check\nWhat the alert looks at:\n```promql\n{}\n```\n\n## Fix\n{steps}",
        draft.name, draft.severity, draft.component, draft.meaning, draft.expr
    )
}
