//! Alertmanager never expands variables: `${NAME}` is sent as it stands.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::alertmanager::variable;

pub(in crate::check::lints) const LINT: Lint = Lint {
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
        let message = format!("Alertmanager does not replace `{name}`: `{key}` holds exactly this text");
        let fix = if key.ends_with("_file") {
            "write the path itself".to_owned()
        } else {
            format!("put the value into a file and name it with `{key}_file`, where there is such a field")
        };
        out.push(file.finding(&LINT, scalar.start(), message).fix(fix));
    });
}
