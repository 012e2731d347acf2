//! A connection that the target ends without an answer.

use crate::doctor::check::{Diagnosis, Run, Topic, Trouble};
use crate::doctor::facts::{Facts, Target};

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "connection-dropped",
    topic: Topic::Targets,
    what: "targets finish their answers",
    run: Run::Target(run),
};

fn run(target: &Target, _: &Facts) -> Option<Trouble> {
    if !super::says(
        target,
        &["eof", "connection reset", "broken pipe", "connection closed", "transport connection broken"],
    ) {
        return None;
    }
    let cause = "the target takes the connection and ends it without a whole answer: it crashes while it collects, or the port is another service's";
    Some(Trouble::problem("", cause, format!("curl -v {}; look at the target's own log", target.url)))
}
