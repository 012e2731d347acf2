//! The file with the secrets.

use crate::doctor::check::{Diagnosis, Outcome, Run, Topic, Trouble};
use crate::doctor::facts::{Facts, GitView};
use crate::doctor::remedy::Remedy;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "env-file",
    topic: Topic::Security,
    what: ".env can be read by its owner only, and is not in version control",
    run: Run::Once(run),
};

fn run(facts: &Facts) -> Outcome {
    facts.env_file.then(|file| {
        let mut troubles = Vec::new();
        if file.mode & 0o077 != 0 {
            troubles.push(
                Trouble::warning(
                    format!("its mode is {:04o}", file.mode & 0o7777),
                    "other users of this machine can read every secret of the stack",
                    format!("chmod 600 {}", file.path),
                )
                .mended_by(Remedy::MakePrivate { path: file.path.clone() }),
            );
        }
        match file.git {
            Some(GitView::Tracked) => troubles.push(Trouble::problem(
                "git tracks it",
                "the secrets are in the history: whoever has the repository has them",
                format!(
                    "git rm --cached {0} && echo .env >> .gitignore; then change every secret in it",
                    file.path
                ),
            )),
            Some(GitView::Untracked) => troubles.push(
                Trouble::warning(
                    "git neither tracks nor ignores it",
                    "the next `git add .` takes the secrets into the history",
                    "echo .env >> .gitignore",
                )
                .mended_by(Remedy::IgnoreInGit),
            ),
            Some(GitView::Ignored) | None => {}
        }
        Outcome::of(troubles, format!("mode {:04o}", file.mode & 0o7777))
    })
}
