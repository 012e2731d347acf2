//! An http URL whose port speaks TLS.

use crate::doctor::check::{Diagnosis, Run, Topic, Trouble};
use crate::doctor::facts::{Facts, Target};

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "http-on-https",
    topic: Topic::Targets,
    what: "no http URL leads to a port that speaks https",
    run: Run::Target(run),
};

fn run(target: &Target, _: &Facts) -> Option<Trouble> {
    if target.is_https() {
        return None;
    }
    let view = target.seen();
    // A TLS record in place of an answer, or a server that says so in plain text.
    let record = super::says(target, &["malformed http response", "malformed http status"]);
    let in_words = view.is_some_and(|view| {
        let body = view.body.to_lowercase();
        body.contains("http request to an https server")
            || body.contains("http request was sent to https port")
    });
    let tried = view.is_some_and(|view| view.other_scheme_answers)
        && (super::says(target, &["eof", "reset", "broken", "closed"]) || super::status(target) == Some(400));
    if !record && !in_words && !tried {
        return None;
    }
    let evidence = if tried { "the same address answers by https" } else { "" };
    let fix = format!("write `https://` into {}", super::in_settings(target));
    Some(Trouble::problem(evidence, "the URL says http, and the port speaks https", fix))
}
