//! From a unit test's series to samples around now.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::drill::remote_write::TimeSeries;
use crate::drill::scenario::Input;
use crate::drill::series::{self, Labels};

/// How far beyond now samples are written. Prometheus refuses what is more than 10 minutes ahead.
const AHEAD: Duration = Duration::from_mins(5);
/// More samples a series than any sensible test has.
const MOST: u128 = 100_000;

/// The samples of a test, shifted so that `at` is `now` (milliseconds since the epoch).
pub fn shifted(input: &Input, at: Duration, now: i64) -> Result<Vec<TimeSeries>, String> {
    let step = input.interval.as_millis();
    if step == 0 {
        return Err("the interval of the test is 0".to_owned());
    }
    let most = (at + AHEAD).as_millis() / step + 1;
    if most > MOST {
        return Err(format!("the test needs {most} samples a series; a drill takes {MOST}"));
    }
    let start = now.saturating_sub(millis(at.as_millis()));
    let one = |(name, notation): &(String, String)| {
        let values = series::values(notation, usize::try_from(most).unwrap_or(0))?;
        let times = (0..).map(|index: u128| start.saturating_add(millis(index * step)));
        let samples = times.zip(values).filter_map(|(time, value)| Some((time, value?))).collect();
        Ok(TimeSeries { labels: series::labels(name)?, samples })
    };
    input.series.iter().map(one).collect()
}

fn millis(length: u128) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// The test with every target that it does not mention up: those that export its series, and those
/// that the project scrapes (`targets`: job and address). A test that has an `up` of a job knows better.
pub fn with_background(input: &Input, targets: &[(String, String)]) -> Input {
    let labels: Vec<Labels> = input.series.iter().filter_map(|(name, _)| series::labels(name).ok()).collect();
    let name = |labels: &Labels| labels.get("__name__").cloned().unwrap_or_default();
    let job = |labels: &Labels| labels.get("job").cloned();
    let known: BTreeSet<String> =
        labels.iter().filter(|labels| name(labels) == "up").filter_map(job).collect();
    let mut up: BTreeSet<(String, String)> = labels
        .iter()
        .filter_map(|labels| Some((labels.get("job")?.clone(), labels.get("instance")?.clone())))
        .collect();
    for (job, address) in targets {
        if !up.iter().any(|(other, _)| other == job) {
            up.insert((job.clone(), address.clone()));
        }
    }
    let mut input = input.clone();
    for (job, instance) in up.into_iter().filter(|(job, _)| !known.contains(job)) {
        let series = format!("up{{job={},instance={}}}", quoted(&job), quoted(&instance));
        input.series.push((series, format!("1x{MOST}")));
    }
    input
}

/// A label value as `PromQL` writes it.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// How old the oldest sample of a test is, with a margin: Prometheus must accept it.
pub fn window(at: Duration) -> String {
    format!("{}s", at.as_secs() + 600)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn input(series: &[(&str, &str)]) -> Input {
        Input {
            interval: Duration::from_secs(15),
            evaluation_interval: Duration::from_secs(15),
            series: series.iter().map(|(name, values)| ((*name).to_owned(), (*values).to_owned())).collect(),
        }
    }

    #[test]
    fn the_evaluation_time_becomes_now() {
        let now = 1_700_000_000_000;
        let fed =
            shifted(&input(&[("x{a=\"b\"}", "1 _ 2+1x400 stale")]), Duration::from_mins(1), now).unwrap();
        let samples = &fed[0].samples;
        assert_eq!(samples[0], (now - 60_000, 1.0));
        // The missing one leaves a gap, the fifth falls on now.
        assert_eq!(samples[1], (now - 30_000, 2.0));
        assert_eq!(samples[3], (now, 4.0));
        assert_eq!(samples.last().unwrap().0, now + 300_000, "five minutes ahead, no more");
        assert_eq!(fed[0].labels["a"], "b");
    }

    #[test]
    fn what_cannot_be_fed_is_an_error() {
        assert!(shifted(&input(&[("x", "{{schema:1}}")]), Duration::ZERO, 0).is_err());
        assert!(shifted(&Input::default(), Duration::ZERO, 0).is_err());
        assert!(shifted(&input(&[]), Duration::from_hours(24 * 365), 0).is_err());
    }

    #[test]
    fn targets_that_the_test_does_not_mention_are_up() {
        let targets =
            [("api".to_owned(), "h:1".to_owned()), ("prometheus".to_owned(), "localhost:9090".to_owned())];
        let with = |series: &[(&str, &str)]| -> Vec<String> {
            let fed = with_background(&input(series), &targets);
            fed.series.into_iter().skip(series.len()).map(|(name, _)| name).collect()
        };
        assert_eq!(
            with(&[("x{job=\"api\",instance=\"a\\\"b:1\"}", "1")]),
            [r#"up{job="api",instance="a\"b:1"}"#, r#"up{job="prometheus",instance="localhost:9090"}"#]
        );
        assert_eq!(
            with(&[("up{job=\"api\",instance=\"a\"}", "0")]),
            [r#"up{job="prometheus",instance="localhost:9090"}"#]
        );
    }
}
