//! `rate` needs two samples in its range; one lost scrape must not make it blind.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run};
use std::time::Duration;

use crate::formats::promql::Kind;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "range-too-short",
    severity: Severity::Warning,
    doc: "A `rate` over less than 4 scrape intervals: it has gaps as soon as a scrape is late or lost.",
    run: Run::Rule(check),
};

fn check(rule: &RuleView<'_>, out: &mut Vec<Finding>) {
    let Some(interval) = rule.facts().scrape_interval.filter(|interval| !interval.is_zero()) else { return };
    rule.tree.walk(&mut |node| {
        let Some((function, args)) = node.as_call() else { return };
        let least = if needs_two_samples(function) {
            interval * 4
        } else if function.ends_with("_over_time") {
            // One sample is enough for these, and a shorter range holds none now and then.
            interval
        } else {
            return;
        };
        for arg in args {
            let Kind::Selector(selector) = &arg.kind else { continue };
            let Some(range) = selector.range.filter(|range| *range < least && !selector.extended) else {
                continue;
            };
            // Recorded series have the interval of their group, not that of a scrape.
            if selector.name.as_deref().is_some_and(|name| rule.view.recorded.contains_key(name)) {
                continue;
            }
            out.push(finding(rule, arg.at, function, range, interval));
        }
    });
}

fn needs_two_samples(function: &str) -> bool {
    matches!(
        function,
        "rate"
            | "irate"
            | "increase"
            | "delta"
            | "idelta"
            | "deriv"
            | "predict_linear"
            | "changes"
            | "resets"
    )
}

fn finding(rule: &RuleView<'_>, at: usize, function: &str, range: Duration, interval: Duration) -> Finding {
    let (has, every) = (range.as_secs_f64(), interval.as_secs_f64());
    let (severity, effect) = if !needs_two_samples(function) {
        (Severity::Warning, "holds no sample at all now and then")
    } else if range < interval * 2 {
        (Severity::Bug, "holds at most one sample most of the time, and two are needed")
    } else {
        (Severity::Warning, "has a gap as soon as a scrape is late or lost")
    };
    let message = format!("`{function}` over {has}s with a scrape every {every}s {effect}");
    rule.in_expr(&LINT, at, message)
        .severity(severity)
        .fix(format!("use a range of at least {}s (4 scrapes)", every * 4.0))
}
