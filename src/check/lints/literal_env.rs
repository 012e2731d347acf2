//! Alertmanager never expands variables: `${NAME}` is sent as it stands.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};

pub(super) const LINT: Lint = Lint {
    id: "literal-env",
    severity: Severity::Bug,
    doc: "`${NAME}` in the Alertmanager configuration is not replaced: it is used literally.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let Some(file) = view.alertmanager else { return };
    file.tree.walk(&mut |path, scalar| {
        let Some(name) = variable(&scalar.value) else { return };
        let key = path.last().map_or("a value", |key| key.value.as_str());
        let message = format!("Alertmanager does not replace `${{{name}}}`: `{key}` holds exactly this text");
        let fix = if key.ends_with("_file") {
            "write the path itself".to_owned()
        } else {
            format!("put the value into a file and name it with `{key}_file`, where there is such a field")
        };
        out.push(file.finding(&LINT, scalar.start(), message).fix(fix));
    });
}

/// The first `${NAME}`. `${1}` is a group of a regular expression.
pub(super) fn variable(text: &str) -> Option<&str> {
    text.match_indices("${").find_map(|(at, _)| {
        let name = text.get(at + 2..)?.split_once('}')?.0;
        let is_name = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        (is_name(name) && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')).then_some(name)
    })
}
