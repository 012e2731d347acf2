//! What reads a moment that is not there yet, or takes for a moment or a slope what is none.

use super::{Mistake, literal};
use crate::analysis::view::{RuleView, View};
use crate::formats::promql::{Expr, Kind, Selector, Shift};
use crate::model::PromDuration;

/// How far back a selector without a range looks for a sample, as Prometheus starts.
const LOOKBACK: f64 = 300.0;
/// Moments since the epoch are larger: 1e8 is in 1973.
const LEAST_MOMENT: f64 = 1e8;

pub(super) fn mistake(rule: &RuleView<'_>, node: &Expr) -> Option<Mistake> {
    match &node.kind {
        Kind::Selector(selector) => future(rule, node.at, selector),
        Kind::Call { function: function @ ("deriv" | "predict_linear"), args } => {
            slope(function, args.first()?)
        }
        Kind::Call {
            function:
                function @ ("day_of_month" | "day_of_week" | "day_of_year" | "days_in_month" | "hour" | "minute"
                | "month" | "year"),
            args,
        } => moment(rule.view, function, args.first()?),
        _ => None,
    }
}

/// How far in the past the rule is evaluated, in seconds.
fn evaluated_ago(rule: &RuleView<'_>) -> f64 {
    let own = rule.group.query_offset.as_ref().and_then(|text| PromDuration::parse(&text.value));
    let offset = own.map(|duration| duration.length()).or(rule.facts().rule_query_offset);
    offset.unwrap_or_default().as_secs_f64()
}

/// Samples after the moment of the evaluation's own start are not written yet.
fn future(rule: &RuleView<'_>, at: usize, selector: &Selector) -> Option<Mistake> {
    let name = selector.name.as_deref().unwrap_or("the selector");
    match selector.shift? {
        Shift::Ago(ago) if ago + evaluated_ago(rule) < 0.0 => {
            let ahead = -(ago + evaluated_ago(rule));
            let reach = selector.range.map_or(LOOKBACK, |range| range.as_secs_f64());
            let fix = format!("write `offset {ahead}s` for the past, or leave it out");
            if ahead >= reach {
                let message = format!(
                    "`{name}` is read {ahead}s in the future, where a rule finds no samples: the result is always empty"
                );
                Some(Mistake::new(at, message, fix))
            } else {
                let message = format!(
                    "`{name}` is read up to {ahead}s in the future, where a rule finds no samples: only what is left of the {reach}s counts"
                );
                Some(Mistake::new(at, message, fix).warning())
            }
        }
        Shift::Fixed(moment) => {
            let message = format!(
                "`{name} @ {moment}` reads the same moment at each evaluation: it never changes, is empty before that moment, and again once the data is deleted"
            );
            Some(Mistake::new(at, message, "leave `@` out in a rule, or use `offset`").warning())
        }
        _ => None,
    }
}

/// Values that do not rise or fall while the process runs.
fn slope(function: &str, arg: &Expr) -> Option<Mistake> {
    let selector = match &arg.kind {
        Kind::Selector(selector) => selector,
        Kind::Subquery { inner, .. } => inner.as_selector()?,
        _ => return None,
    };
    let name = selector.name.as_deref()?;
    let why = if name == "up" {
        "is 0 or 1"
    } else if name.ends_with("_info") {
        "is always 1"
    } else if name.ends_with("start_time_seconds") || name.ends_with("boot_time_seconds") {
        "changes only when the process starts"
    } else {
        return None;
    };
    let message = format!("`{name}` {why}, so it has no slope for `{function}` to follow");
    Some(Mistake::new(arg.at, message, "use `changes(…)` or `avg_over_time(…)`").warning())
}

/// `hour(queue_length)`: these take seconds since the epoch.
fn moment(view: &View<'_>, function: &str, arg: &Expr) -> Option<Mistake> {
    let what = match &arg.kind {
        Kind::Selector(selector) => not_a_moment(view, selector)?,
        Kind::Call { function: "vector", args } => {
            let value = args.first().and_then(literal).filter(|value| value.abs() < LEAST_MOMENT)?;
            format!("{value}")
        }
        _ => return None,
    };
    let message = format!("`{function}` takes seconds since 1970, and {what} is no moment of our time");
    Some(Mistake::new(arg.at, message, format!("`{function}()` is that of the evaluation")).warning())
}

fn not_a_moment(view: &View<'_>, selector: &Selector) -> Option<String> {
    const MOMENTS: [&str; 7] = ["time", "date", "expir", "created", "_at", "until", "since"];
    let name = selector.name.as_deref()?;
    if name == "up" {
        return Some("`up`, which is 0 or 1,".to_owned());
    }
    let (_, most) = view.known(selector)?.family.range?;
    let named = MOMENTS.iter().any(|word| name.contains(word));
    (most < LEAST_MOMENT && !named).then(|| format!("`{name}`, at most {most} in the contract,"))
}
