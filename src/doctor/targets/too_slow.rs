//! A target that needs longer than a scrape may take.

use crate::doctor::check::{Diagnosis, Run, Topic, Trouble};
use crate::doctor::facts::{Facts, Target};

pub(in crate::doctor) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "too-slow",
    topic: Topic::Targets,
    what: "targets answer within the scrape's time",
    run: Run::Target(run),
};

fn run(target: &Target, _: &Facts) -> Option<Trouble> {
    if !super::timed_out(target) {
        return None;
    }
    let connected_inside = target.inside.answer().is_some_and(String::is_empty);
    let slow_here = target.from_here.answer().filter(|view| {
        view.connect.is_empty()
            && (view.seconds >= target.timeout * 0.8 || view.error.to_lowercase().contains("time"))
    });
    if slow_here.is_none() && !connected_inside {
        return None;
    }
    let evidence = slow_here.map_or_else(
        || "it can be connected to from Prometheus's network".to_owned(),
        |view| format!("it accepts the connection, and its answer takes more than {:.1} s", view.seconds),
    );
    let fix = format!(
        "make /metrics of `{}` cheaper, or raise `prometheus.scrape_timeout` in config/confidexmon.yml, then `confidexmon up`",
        target.job
    );
    Some(Trouble::problem(
        evidence,
        format!("it takes longer to answer than a scrape may take ({} s)", target.timeout),
        fix,
    ))
}
