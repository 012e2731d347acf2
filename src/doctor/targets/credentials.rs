//! A target that answers 401 or 403.

use crate::doctor::check::{Diagnosis, Run, Topic, Trouble};
use crate::doctor::facts::{Facts, Target};

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "credentials",
    topic: Topic::Targets,
    what: "targets take the credentials that Prometheus sends",
    run: Run::Target(run),
};

fn run(target: &Target, facts: &Facts) -> Option<Trouble> {
    let status = super::status(target).filter(|status| matches!(status, 401 | 403))?;
    let auth = facts
        .wanted
        .targets
        .iter()
        .find(|wanted| wanted.job == target.job)
        .map(|wanted| wanted.auth.as_str());
    let (cause, fix) = match auth {
        Some("") => (
            "it asks for credentials, and the settings name none",
            format!(
                "set `bearer_token_env` or `basic_auth` for `{}` in config/confidexmon.yml, its value in .env, then `confidexmon up`",
                target.job
            ),
        ),
        Some(way) if status == 403 => (
            "it knows the credentials and does not let them read its metrics",
            format!("give what `{way}` of `{}` names the right to read {}", target.job, target.url),
        ),
        Some(way) => (
            "it refuses the credentials",
            format!(
                "correct the value in .env that `{way}` of `{}` names, then `confidexmon up`",
                target.job
            ),
        ),
        None => ("the stack's own password is not the one in force", "confidexmon up".to_owned()),
    };
    Some(Trouble::problem(format!("it answers {status}"), cause, fix))
}
