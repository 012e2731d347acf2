//! A target that leads to a login page.

use crate::doctor::check::{Diagnosis, Run, Topic, Trouble};
use crate::doctor::facts::{Facts, Target};

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "login-redirect",
    topic: Topic::Targets,
    what: "targets answer with metrics, not with a way to a login page",
    run: Run::Target(run),
};

const WORDS: [&str; 7] = ["login", "signin", "sign-in", "sign_in", "oauth", "sso", "/auth"];

fn run(target: &Target, _: &Facts) -> Option<Trouble> {
    let view = target.from_here.answer()?;
    let location = view.location.as_ref().filter(|_| matches!(view.status, 301..=308))?;
    let lower = location.to_lowercase();
    let evidence = format!("it answers {} and leads to {location}", view.status);
    if WORDS.iter().any(|word| lower.contains(word)) {
        let fix = format!(
            "let {} through without a sign-in, or set `bearer_token_env` for `{}` in config/confidexmon.yml",
            target.url, target.job
        );
        return Some(Trouble::problem(evidence, "what asks is led to a login page", fix));
    }
    let fix = format!("write the address it leads to into {}", super::in_settings(target));
    Some(Trouble::problem(evidence, "the URL is answered with a redirect to another page", fix))
}
