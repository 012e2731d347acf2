//! An https URL whose port speaks plain http.

use crate::doctor::check::{Diagnosis, Run, Topic, Trouble};
use crate::doctor::facts::{Facts, Target};

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "https-on-http",
    topic: Topic::Targets,
    what: "no https URL leads to a port that speaks http",
    run: Run::Target(run),
};

fn run(target: &Target, _: &Facts) -> Option<Trouble> {
    let words = [
        "server gave http response to https client",
        "first record does not look like a tls handshake",
        "wrong version number",
    ];
    let plain = target.seen().is_some_and(|view| view.other_scheme_answers);
    let broken = target.is_https() && plain && super::says(target, &["eof", "reset", "tls:", "remote error"]);
    if !super::says(target, &words) && !broken {
        return None;
    }
    let fix = format!("write `http://` into {}", super::in_settings(target));
    Some(Trouble::problem("", "the URL says https, and the port speaks plain http", fix))
}
