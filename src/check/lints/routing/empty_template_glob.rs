//! A `templates:` pattern that matches no file is accepted without a word.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};

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
        let wanted = crate::check::lints::routing::missing_secret_file::absolute(&pattern.value);
        let Some(regex) = glob(&wanted) else { continue };
        if !paths.iter().any(|path| regex.is_match(path)) {
            let message = format!("`{}` matches no file: the templates in it will be missing", pattern.value);
            let finding = file.finding(&LINT, pattern.start(), message);
            out.push(
                finding.fix("correct the path; notification templates lie in `/etc/alertmanager/templates/`"),
            );
        }
    }
}

/// Go's file patterns; `None` for one that Go refuses.
fn glob(pattern: &str) -> Option<regex::Regex> {
    let mut text = "^".to_owned();
    let mut characters = pattern.chars();
    while let Some(c) = characters.next() {
        match c {
            '*' => text += "[^/]*",
            '?' => text += "[^/]",
            '[' => {
                let inner: String = characters.by_ref().take_while(|c| *c != ']').collect();
                text += &format!("[{}]", inner.replace('[', "\\["));
            }
            '\\' => text += &regex::escape(&characters.next()?.to_string()),
            other => text += &regex::escape(&other.to_string()),
        }
    }
    regex::Regex::new(&format!("{text}$")).ok()
}
