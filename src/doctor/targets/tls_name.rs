//! A certificate for another name.

use crate::doctor::check::{Diagnosis, Run, Topic, Trouble};
use crate::doctor::facts::{Facts, Target};

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "tls-name",
    topic: Topic::Targets,
    what: "the target's certificate is made for the name in the URL",
    run: Run::Target(run),
};

fn run(target: &Target, _: &Facts) -> Option<Trouble> {
    let words = [
        "certificate is valid for",
        "certificate is not valid for",
        "cannot validate certificate for",
        "not valid for any names",
        "relies on legacy common name",
    ];
    if !super::says(target, &words) {
        return None;
    }
    let cause = format!("the certificate is made for another name than `{}`", target.host);
    let fix = format!("write the certificate's name into {}", super::in_settings(target));
    Some(Trouble::problem("", cause, fix))
}
