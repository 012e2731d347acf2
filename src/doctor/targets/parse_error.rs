//! A body that is no exposition.

use crate::doctor::check::{Diagnosis, Run, Topic, Trouble};
use crate::doctor::facts::{Facts, Target};
use crate::formats::exposition;

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "parse-error",
    topic: Topic::Targets,
    what: "targets answer with metrics that can be read",
    run: Run::Target(run),
};

const WORDS: [&str; 9] = [
    "while parsing",
    "expected ",
    "invalid metric type",
    "does not end with # eof",
    "strconv.parse",
    "invalid utf-8",
    "unsupported character",
    "expected label",
    "invalid sample",
];

fn run(target: &Target, _: &Facts) -> Option<Trouble> {
    if !super::says(target, &WORDS) {
        return None;
    }
    let body = target.seen().map(|view| view.body.as_str()).unwrap_or_default();
    let line = exposition::parse(body).unreadable.first().copied();
    let evidence = line.map_or_else(String::new, |number| {
        let text: String = body.lines().nth(number - 1).unwrap_or_default().chars().take(80).collect();
        format!("line {number} is `{text}`")
    });
    let fix = format!("curl -s {} | promtool check metrics", target.url);
    Some(Trouble::problem(
        evidence,
        "a line of the answer is not in the format of metrics, so all of it is refused",
        fix,
    ))
}
