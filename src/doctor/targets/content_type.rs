//! An answer whose Content-Type is none of metrics.

use crate::doctor::check::{Diagnosis, Run, Topic, Trouble};
use crate::doctor::facts::{Facts, Target};

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "content-type",
    topic: Topic::Targets,
    what: "targets name a Content-Type that Prometheus takes",
    run: Run::Target(run),
};

fn run(target: &Target, _: &Facts) -> Option<Trouble> {
    let view = target.seen();
    let is_page = view.is_some_and(|view| {
        let body = view.body.trim_start().to_lowercase();
        body.starts_with("<!doctype") || body.starts_with("<html")
    }) || super::says(target, &["text/html", "got \"<\"", "\"<!doctype", "\"<html"]);
    if is_page {
        let fix = format!("write the URL of the metrics into {}", super::in_settings(target));
        return Some(Trouble::problem(
            "the answer is an html page",
            "the URL leads to a web page, not to metrics",
            fix,
        ));
    }
    if !super::says(target, &["content-type"]) {
        return None;
    }
    let fix = "let the target answer with `Content-Type: text/plain; version=0.0.4`";
    if super::says(target, &["blank"]) {
        return Some(Trouble::problem(
            "",
            "the answer has no Content-Type, and Prometheus 3 does not guess",
            fix,
        ));
    }
    let seen = view
        .and_then(|view| view.content_type.as_ref())
        .map_or_else(String::new, |kind| format!("Content-Type: {kind}"));
    Some(Trouble::problem(seen, "the answer names a Content-Type that is none of metrics", fix))
}
