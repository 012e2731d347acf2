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

/// What the page to sign in at holds.
const FORM: [&str; 3] = ["type=\"password\"", "type=password", "type='password'"];

fn run(target: &Target, _: &Facts) -> Option<Trouble> {
    let view = target.seen()?;
    let body = view.body.to_lowercase();
    if FORM.iter().any(|word| body.contains(word)) {
        let evidence = "the answer is a page with a field for a password".to_owned();
        return Some(Trouble::problem(evidence, LOGIN, without_sign_in(target)));
    }
    let location = view.location.as_ref().filter(|_| matches!(view.status, 301..=308))?;
    let lower = location.to_lowercase();
    let evidence = format!("it answers {} and leads to {location}", view.status);
    if WORDS.iter().any(|word| lower.contains(word)) {
        return Some(Trouble::problem(evidence, LOGIN, without_sign_in(target)));
    }
    let fix = format!("write the address it leads to into {}", super::in_settings(target));
    Some(Trouble::problem(evidence, "the URL is answered with a redirect to another page", fix))
}

const LOGIN: &str = "what asks is led to a login page";

fn without_sign_in(target: &Target) -> String {
    format!(
        "let {} through without a sign-in, or set `bearer_token_env` for `{}` in config/confidexmon.yml",
        target.url, target.job
    )
}
