//! Moves the capture's values as a live backend would. Pure: time and randomness are handed in.

use std::collections::BTreeMap;
use std::time::Duration;

use super::random::Random;
use super::scenario::{Active, Effect};
use super::shape::{CAPTURE, Family, parse, write};
use crate::formats::exposition::{MetricType, Sample};

/// Seconds in which the real client collected the capture's counts.
const CAPTURE_SPAN: f64 = 600.0;
/// The slowest and the fastest a counter moves, per second. The capture is of a quiet hour.
const RATES: (f64, f64) = (0.05, 20.0);
/// Observations drawn one by one in a step; more of them are weighted.
const DRAWS: f64 = 30.0;

/// The backend at one moment.
#[derive(Clone, Debug)]
pub(super) struct Model {
    families: Vec<Family>,
    /// The gauges as captured, around which they move.
    base: BTreeMap<String, f64>,
    /// Fractions of events that have not happened yet.
    carry: BTreeMap<String, f64>,
    random: Random,
    seconds: f64,
}

impl Model {
    pub(super) fn new(seed: u64) -> Self {
        let families = parse(CAPTURE);
        let gauges = families
            .iter()
            .filter(|family| family.kind == MetricType::Gauge)
            .flat_map(|family| &family.series);
        let base = gauges.map(|series| (key(series), series.value)).collect();
        Self { families, base, carry: BTreeMap::new(), random: Random::new(seed), seconds: 0.0 }
    }

    /// The exposition.
    pub(super) fn text(&self) -> String {
        write(&self.families)
    }

    /// Lets `step` pass under the scenarios.
    pub(super) fn advance(&mut self, step: Duration, scenarios: &[Active]) {
        let step = step.as_secs_f64();
        self.seconds += step;
        let mut families = std::mem::take(&mut self.families);
        for family in &mut families {
            let effects = effects_on(&family.name, scenarios);
            match family.kind {
                MetricType::Counter => self.counter(family, step, &effects),
                MetricType::Histogram => self.histogram(family, step, &effects),
                _ => self.gauge(family, step, &effects),
            }
        }
        self.families = families;
    }

    fn counter(&mut self, family: &mut Family, step: f64, effects: &[(Effect, f64)]) {
        for (effect, percent) in effects {
            if let Effect::Share { status, .. } = effect {
                self.shared_counter(family, step, status, percent / 100.0);
                return;
            }
        }
        let fixed = effects.iter().find_map(|(effect, _)| match effect {
            Effect::Rate { per_minute, .. } => Some(per_minute / 60.0),
            _ => None,
        });
        for series in &mut family.series {
            let events = match fixed {
                Some(rate) => rate,
                None if is_rare(series) => 0.0,
                None => usual_rate(series),
            } * step;
            if series.name.contains("_cpu_") {
                series.value += step * 0.03;
            } else {
                series.value += self.whole(&key(series), events);
            }
        }
    }

    /// All events of a group, so much of them with `status`. A series that the client library has
    /// not created yet is born with its first event, as in the real backend.
    fn shared_counter(&mut self, family: &mut Family, step: f64, status: &str, share: f64) {
        let mut groups: Vec<Vec<(String, String)>> =
            family.series.iter().map(|series| series.labels_without("status")).collect();
        groups.sort();
        groups.dedup();
        for group in groups {
            let members: Vec<usize> = (0..family.series.len())
                .filter(|index| family.series[*index].labels_without("status") == group)
                .collect();
            let total: f64 =
                members.iter().map(|index| usual_rate(&family.series[*index])).sum::<f64>() * step;
            let bad = self.whole(&format!("{}{group:?}{status}", family.name), total * share);
            if bad > 0.0 {
                let index = series_with_status(family, &group, status);
                family.series[index].value += bad;
            }
            let good: Vec<usize> =
                members.into_iter().filter(|index| is_good(family.series[*index].label("status"))).collect();
            for index in &good {
                let events = total * (1.0 - share) / count(good.len());
                let name = key(&family.series[*index]);
                family.series[*index].value += self.whole(&name, events);
            }
        }
    }

    fn gauge(&mut self, family: &mut Family, step: f64, effects: &[(Effect, f64)]) {
        for series in &mut family.series {
            let name = key(series);
            let base = self.base.get(&name).copied().unwrap_or(0.0);
            let set = effects.iter().find_map(|(effect, _)| match effect {
                Effect::Gauge { label, value, .. } if carries(series, label) => Some(*value),
                _ => None,
            });
            let drift = effects.iter().find_map(|(effect, _)| match effect {
                Effect::Drift { label, per_hour, .. } if carries(series, label) => Some(*per_hour),
                _ => None,
            });
            series.value = match (set, drift) {
                (Some(value), _) if series.name == "confidex_process_open_fds" => {
                    value.min(base_of_fds(&self.base))
                }
                (Some(value), _) => value,
                (None, Some(per_hour)) => (series.value + per_hour * step / 3600.0).max(0.0),
                (None, None) => self.wander(series, base, step),
            };
        }
    }

    /// Where a gauge stands when nothing is wrong.
    fn wander(&mut self, series: &Sample, base: f64, step: f64) -> f64 {
        let wave =
            |period: f64, depth: f64| 1.0 + depth * (self.seconds * std::f64::consts::TAU / period).sin();
        match series.name.as_str() {
            // Fees: slowly less, topped up long before it is low.
            "confidex_wallet_balance_sol" if series.label("wallet") == Some("crank") => {
                let value = if series.value < 1.0 { 3.2 } else { series.value };
                value - step * 0.01 / 3600.0
            }
            "confidex_nodejs_heap_size_used_bytes" => {
                (base * (1.0 + (self.seconds / 90.0).fract() * 0.25)).round()
            }
            "confidex_crank_open_orders" | "confidex_order_cache_size" => {
                (base.max(8.0) * wave(300.0, 0.4)).round()
            }
            "confidex_process_resident_memory_bytes" => (base * wave(600.0, 0.02)).round(),
            name if name.starts_with("confidex_nodejs_eventloop_lag") => {
                (base * (1.0 + 0.2 * self.random.normal())).clamp(base * 0.3, base.max(0.001) * 2.0)
            }
            _ => base,
        }
    }

    fn histogram(&mut self, family: &mut Family, step: f64, effects: &[(Effect, f64)]) {
        let forced = effects.iter().find_map(|(effect, _)| match effect {
            Effect::Mean { value, .. } => Some(*value),
            _ => None,
        });
        let counts: Vec<usize> =
            (0..family.series.len()).filter(|index| family.series[*index].name.ends_with("_count")).collect();
        for count_index in counts {
            let count_series = family.series[count_index].clone();
            let group = count_series.labels.clone();
            let sum_index = family.series.iter().position(|s| s.name.ends_with("_sum") && s.labels == group);
            let Some(sum_index) = sum_index else { continue };
            let captured_mean =
                self.carry.entry(format!("{}mean", key(&count_series))).or_insert_with(|| {
                    if count_series.value > 0.0 {
                        family.series[sum_index].value / count_series.value
                    } else {
                        0.1
                    }
                });
            let mean = forced.unwrap_or(*captured_mean);
            let events = self.whole(&key(&count_series), usual_rate(&count_series) * step);
            let draws = events.min(DRAWS);
            if draws < 1.0 {
                continue;
            }
            let weight = (events / draws).floor().max(1.0);
            let mut done = 0.0;
            while done < draws {
                done += 1.0;
                let observed = mean * (0.3 * self.random.normal()).exp();
                let of = Totals { group: &group, count: count_index, sum: sum_index };
                observe(family, of, observed, weight);
            }
        }
    }

    /// Whole events out of a fractional expectation; the rest waits for the next step.
    fn whole(&mut self, name: &str, expected: f64) -> f64 {
        let carried = self.carry.entry(name.to_owned()).or_insert(0.0);
        *carried += expected;
        let events = carried.floor();
        *carried -= events;
        events
    }
}

/// The series of one histogram within its family: their labels, and where count and sum stand.
#[derive(Clone, Copy)]
struct Totals<'a> {
    group: &'a [(String, String)],
    count: usize,
    sum: usize,
}

/// Adds `weight` observations of `value` to the series of one group.
fn observe(family: &mut Family, of: Totals<'_>, value: f64, weight: f64) {
    for series in &mut family.series {
        if !series.name.ends_with("_bucket") || series.labels_without("le") != of.group {
            continue;
        }
        let bound = series.label("le").map_or(f64::INFINITY, |le| le.parse().unwrap_or(f64::INFINITY));
        if value <= bound {
            series.value += weight;
        }
    }
    family.series[of.count].value += weight;
    family.series[of.sum].value += value * weight;
}

fn effects_on(family: &str, scenarios: &[Active]) -> Vec<(Effect, f64)> {
    let all = scenarios
        .iter()
        .flat_map(|active| active.scenario.effects.iter().map(|effect| (*effect, active.percent)));
    all.filter(|(effect, _)| match effect {
        Effect::Gauge { family: on, .. }
        | Effect::Share { family: on, .. }
        | Effect::Mean { family: on, .. }
        | Effect::Rate { family: on, .. }
        | Effect::Drift { family: on, .. } => *on == family,
        Effect::Down => false,
    })
    .collect()
}

fn key(series: &Sample) -> String {
    format!("{}{:?}", series.name, series.labels)
}

/// Events a second, as the capture suggests.
fn usual_rate(series: &Sample) -> f64 {
    (series.value.min(5000.0) / CAPTURE_SPAN).clamp(RATES.0, RATES.1).min(2.0)
}

/// Failures and failovers do not happen by themselves.
fn is_rare(series: &Sample) -> bool {
    series.name == "confidex_rpc_failovers_total" || !is_good(series.label("status"))
}

fn is_good(status: Option<&str>) -> bool {
    status.is_none_or(|status| matches!(status, "success" | "200" | "404"))
}

/// True when the series carries `name=value`; every series carries the empty label.
fn carries(series: &Sample, label: &str) -> bool {
    label.split_once('=').is_none_or(|(name, value)| series.label(name) == Some(value))
}

fn base_of_fds(base: &BTreeMap<String, f64>) -> f64 {
    base.get("confidex_process_max_fds[]").copied().unwrap_or(1024.0) * 0.95
}

fn series_with_status(family: &mut Family, group: &[(String, String)], status: &str) -> usize {
    let found = family
        .series
        .iter()
        .position(|s| s.label("status") == Some(status) && s.labels_without("status") == group);
    found.unwrap_or_else(|| {
        let mut labels = group.to_vec();
        labels.push(("status".to_owned(), status.to_owned()));
        let name = family.series.first().map_or_else(|| family.name.clone(), |series| series.name.clone());
        family.series.push(Sample { name, labels, value: 0.0 });
        family.series.len() - 1
    })
}

#[expect(clippy::cast_precision_loss, reason = "a handful of series")]
const fn count(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::demo::scenario::{SCENARIOS, parse_scenario};

    fn value(model: &Model, name: &str, label: &str) -> f64 {
        let series = model.families.iter().flat_map(|family| &family.series);
        series.filter(|series| series.name == name && carries(series, label)).map(|series| series.value).sum()
    }

    fn run(scenarios: &[&str], minutes: u64) -> (Model, Model) {
        let active: Vec<Active> = scenarios.iter().map(|text| parse_scenario(text).unwrap()).collect();
        let mut model = Model::new(7);
        model.advance(Duration::from_secs(15), &[]);
        let before = model.clone();
        for _ in 0..minutes * 4 {
            model.advance(Duration::from_secs(15), &active);
        }
        (before, model)
    }

    #[test]
    fn counters_never_fall_and_histograms_stay_consistent_for_an_hour() {
        let mut model = Model::new(1);
        for _ in 0..240 {
            let before = model.clone();
            model.advance(Duration::from_secs(15), &[]);
            for (old, new) in before.families.iter().zip(&model.families) {
                if new.kind == MetricType::Gauge {
                    continue;
                }
                for (old, new) in old.series.iter().zip(&new.series) {
                    assert!(new.value >= old.value, "{} fell", key(new));
                }
            }
        }
        for family in model.families.iter().filter(|family| family.kind == MetricType::Histogram) {
            for count in family.series.iter().filter(|series| series.name.ends_with("_count")) {
                let buckets: Vec<&Sample> = family
                    .series
                    .iter()
                    .filter(|series| {
                        series.name.ends_with("_bucket") && series.labels_without("le") == count.labels
                    })
                    .collect();
                assert!(buckets.windows(2).all(|pair| pair[0].value <= pair[1].value), "{}", key(count));
                assert!((buckets.last().unwrap().value - count.value).abs() < 0.5, "{}", key(count));
            }
        }
    }

    #[test]
    fn a_healthy_backend_has_no_failures_and_enough_in_its_wallet() {
        let (before, after) = run(&[], 60);
        for (name, label) in [
            ("confidex_http_requests_total", "status=500"),
            ("confidex_rpc_failovers_total", ""),
            ("confidex_mpc_callbacks_total", "status=timeout"),
        ] {
            assert!((value(&after, name, label) - value(&before, name, label)).abs() < 0.5, "{name}");
        }
        assert!(value(&after, "confidex_wallet_balance_sol", "wallet=crank") > 1.0);
    }

    #[test]
    fn a_share_is_the_share_that_was_asked_for() {
        let (before, after) = run(&["http-5xx=20%"], 30);
        let grown = |label| {
            value(&after, "confidex_http_requests_total", label)
                - value(&before, "confidex_http_requests_total", label)
        };
        let share = grown("status=500") / grown("");
        assert!((share - 0.2).abs() < 0.02, "{share}");
    }

    #[test]
    fn a_mean_moves_the_quantile() {
        let (before, after) = run(&["slow-proofs"], 30);
        let grown = |name, label| value(&after, name, label) - value(&before, name, label);
        let below_five = grown("confidex_zk_proof_duration_seconds_bucket", "le=5")
            / grown("confidex_zk_proof_duration_seconds_count", "");
        assert!(below_five < 0.1, "{below_five}");
    }

    #[test]
    fn every_scenario_changes_what_it_names() {
        let (_, quiet) = run(&[], 10);
        for scenario in SCENARIOS {
            for effect in scenario.effects {
                let family = match effect {
                    Effect::Gauge { family, .. }
                    | Effect::Share { family, .. }
                    | Effect::Mean { family, .. }
                    | Effect::Rate { family, .. }
                    | Effect::Drift { family, .. } => *family,
                    Effect::Down => continue,
                };
                let (_, failing) = run(&[scenario.name], 10);
                let series =
                    |model: &Model| model.families.iter().find(|f| f.name == family).cloned().unwrap();
                assert_ne!(series(&quiet).series, series(&failing).series, "{} on {family}", scenario.name);
            }
        }
    }
}
