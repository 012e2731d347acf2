//! A secret file that is not there fails when the first alert is to be sent.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::alertmanager::{absolute_path, variable};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "missing-secret-file",
    severity: Severity::Bug,
    doc: "The Alertmanager configuration names a file that it will not have.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let (Some(file), Some(paths)) = (view.alertmanager, &view.facts.alertmanager_paths) else {
        return;
    };
    file.tree.walk(&mut |keys, scalar| {
        let Some(key) = keys.last().filter(|key| key.value.ends_with("_file")) else { return };
        let path = absolute_path(&scalar.value);
        if path.is_empty() || variable(&path).is_some() || paths.contains(&path) {
            return;
        }
        let message = format!("there will be no file `{path}`: sending fails, and only then");
        let finding = file.finding(&LINT, scalar.start(), message);
        out.push(finding.fix(format!("set the secret that `{}` stands for, or correct the path", key.value)));
    });
}
