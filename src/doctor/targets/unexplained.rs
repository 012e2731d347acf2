//! What no other diagnosis explains.

use crate::doctor::check::{Diagnosis, Run, Topic, Trouble};
use crate::doctor::facts::{Facts, Target};

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "unexplained",
    topic: Topic::Targets,
    what: "every failing target's cause is known",
    run: Run::Target(run),
};

#[expect(clippy::unnecessary_wraps, reason = "the shape that every diagnosis of a target has")]
fn run(target: &Target, _: &Facts) -> Option<Trouble> {
    let evidence = target
        .inside
        .answer()
        .filter(|error| !error.is_empty())
        .map_or_else(String::new, |error| format!("asked again from its network: {error}"));
    if target.inside.answer().is_some_and(String::is_empty)
        && super::says(target, &["connection refused", "no such host", "deadline exceeded"])
    {
        let cause = "it could not be reached at the last scrape; by now it answers";
        return Some(Trouble {
            verdict: crate::doctor::Verdict::Warning,
            ..Trouble::problem(evidence, cause, "confidexmon doctor targets --wait")
        });
    }
    Some(Trouble::problem(evidence, "none that this program knows", format!("curl -v {}", target.url)))
}
