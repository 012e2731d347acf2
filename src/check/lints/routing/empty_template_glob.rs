//! A `templates:` pattern that matches no file is accepted without a word.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::go_glob::Glob;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "empty-template-glob",
    severity: Severity::Warning,
    doc: "A pattern under `templates:` matches no file, and Alertmanager does not mind.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let (Some(file), Some(paths)) = (view.alertmanager, &view.facts.alertmanager_paths) else {
        return;
    };
    for pattern in &file.templates {
        let wanted = crate::formats::alertmanager::absolute_path(&pattern.value);
        let glob = Glob::parse(&wanted);
        if !glob.as_ref().is_ok_and(|glob| paths.iter().any(|path| glob.matches(path))) {
            let message = match glob {
                Ok(_) => format!("`{}` matches no file: the templates in it will be missing", pattern.value),
                Err(_) => format!("`{}` is no valid pattern, and Alertmanager refuses it", pattern.value),
            };
            let finding = file.finding(&LINT, pattern.start(), message);
            out.push(
                finding.fix("correct the path; notification templates lie in `/etc/alertmanager/templates/`"),
            );
        }
    }
}
