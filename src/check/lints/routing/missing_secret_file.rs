//! A secret file that is not there fails when the first alert is to be sent.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "missing-secret-file",
    severity: Severity::Bug,
    doc: "The Alertmanager configuration names a file that it will not have.",
    run: Run::All(check),
};

/// Where relative paths begin.
const FOLDER: &str = "/etc/alertmanager/";

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let (Some(file), Some(paths)) = (view.alertmanager, &view.facts.alertmanager_paths) else {
        return;
    };
    file.tree.walk(&mut |keys, scalar| {
        let Some(key) = keys.last().filter(|key| key.value.ends_with("_file")) else { return };
        let path = absolute(&scalar.value);
        if path.is_empty()
            || crate::check::lints::routing::literal_env::variable(&path).is_some()
            || paths.contains(&path)
        {
            return;
        }
        let message = format!("there will be no file `{path}`: sending fails, and only then");
        let finding = file.finding(&LINT, scalar.start(), message);
        out.push(finding.fix(format!("set the secret that `{}` stands for, or correct the path", key.value)));
    });
}

/// The path in the container.
pub(in crate::check::lints) fn absolute(path: &str) -> String {
    if path.is_empty() || path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{FOLDER}{}", path.strip_prefix("./").unwrap_or(path))
    }
}
