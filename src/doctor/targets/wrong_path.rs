//! A path that is not there.

use crate::doctor::check::{Diagnosis, Run, Topic, Trouble};
use crate::doctor::facts::{Facts, Target};

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "wrong-path",
    topic: Topic::Targets,
    what: "the target's path is the one of its metrics",
    run: Run::Target(run),
};

fn run(target: &Target, _: &Facts) -> Option<Trouble> {
    let status = super::status(target).filter(|status| matches!(status, 404 | 405 | 410))?;
    let path = target.url.splitn(4, '/').nth(3).unwrap_or_default();
    let fix = format!("write the right path into {}", super::in_settings(target));
    Some(Trouble::problem(
        format!("it answers {status}"),
        format!("the server is there and has no metrics at `/{path}`"),
        fix,
    ))
}
