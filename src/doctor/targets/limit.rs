//! A scrape that is larger than its limits.

use crate::doctor::check::{Diagnosis, Run, Topic, Trouble};
use crate::doctor::facts::{Facts, Target};

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "limit",
    topic: Topic::Targets,
    what: "no target has more samples than its limit allows",
    run: Run::Target(run),
};

fn run(target: &Target, _: &Facts) -> Option<Trouble> {
    let words = [
        "sample limit exceeded",
        "sample_limit",
        "body size limit exceeded",
        "label_limit",
        "label limit",
        "target_limit exceeded",
        "bucket limit",
    ];
    if !super::says(target, &words) {
        return None;
    }
    let cause = "the answer is larger than the limits in the scrape configuration: often a label with an unbounded number of values";
    let fix = "remove the label in the target, or raise the limit in config/templates/prometheus.yml, then `confidexmon up`";
    Some(Trouble::problem("", cause, fix))
}
