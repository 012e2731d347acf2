//! A target that answers with an error of its own, or of a proxy before it.

use crate::doctor::check::{Diagnosis, Run, Topic, Trouble};
use crate::doctor::facts::{Facts, Target};

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "server-error",
    topic: Topic::Targets,
    what: "targets answer with 200",
    run: Run::Target(run),
};

fn run(target: &Target, _: &Facts) -> Option<Trouble> {
    let status = super::status(target)?;
    let (cause, fix) = match status {
        502..=504 => (
            "a proxy in front of the target answers, and the target behind it does not (or the name leads to the proxy)",
            format!("curl -i {}", target.url),
        ),
        429 => (
            "it limits how often it may be asked",
            format!("set a longer `interval` for `{}` in config/confidexmon.yml", target.job),
        ),
        500..=599 => ("it fails while it collects its metrics", "look at the target's own log".to_owned()),
        _ => ("it answers with something else than metrics", format!("curl -i {}", target.url)),
    };
    let body = target.seen().map(|view| view.body.lines().next().unwrap_or_default()).unwrap_or_default();
    let evidence =
        if body.is_empty() { format!("it answers {status}") } else { format!("it answers {status}: {body}") };
    Some(Trouble::problem(evidence, cause, fix))
}
