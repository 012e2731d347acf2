//! What a drill found, in the shape of its JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::drill::level::{self, Step};
use crate::drill::message::Message;

/// Everything of one run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    pub stack: String,
    /// RFC 3339.
    pub generated_at: String,
    pub took_ms: u128,
    /// The level that was asked for: 3, or 4 with `--live`.
    pub wanted_level: usize,
    /// The kinds of receivers that are configured, such as `Slack`; with none, nobody would be notified.
    pub notifies: Vec<String>,
    /// What a reader must know: shortened times, placeholder secrets, who would not be told.
    pub notes: Vec<String>,
    pub alerts: Vec<AlertReport>,
}

/// How far one alert came.
#[derive(Clone, Debug, Default, Serialize)]
pub struct AlertReport {
    pub alert: String,
    pub severity: Option<String>,
    pub file: String,
    pub line: usize,
    /// The level reached; `null` when not even its file could be read.
    pub level: Option<usize>,
    pub steps: Vec<Step>,
    pub delivery: Option<Delivery>,
    pub live: Option<Live>,
}

/// The way to the sink.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Delivery {
    /// The unit test that was the input, and its file.
    pub scenario: String,
    pub scenario_file: String,
    pub fired: bool,
    /// From the rules being in force until Prometheus sent the alert.
    pub fired_after_ms: Option<u128>,
    pub labels: Vec<BTreeMap<String, String>>,
    pub annotations: BTreeMap<String, String>,
    /// Names of the alerts that inhibited it.
    pub inhibited_by: Vec<String>,
    /// Another scenario in which it is, and by which alerts.
    pub inhibited_elsewhere: Option<String>,
    /// Other alerts of the same scenario.
    pub also_fired: Vec<String>,
    pub receivers: Vec<ReceiverReport>,
    pub problems: Vec<String>,
}

/// What one receiver got.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReceiverReport {
    pub name: String,
    /// The project's receiver has no integration: nobody is told.
    pub empty: bool,
    pub integrations: Vec<IntegrationReport>,
}

/// What one integration of a receiver got.
#[derive(Clone, Debug, Default, Serialize)]
pub struct IntegrationReport {
    pub kind: String,
    pub delivered: bool,
    /// From Prometheus sending the alert until the message arrived.
    pub notified_after_ms: Option<u128>,
    pub message: Option<Message>,
    pub problems: Vec<String>,
}

/// The way to the real receiver.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Live {
    pub nonce: String,
    pub receivers: Vec<LiveReceiver>,
    pub suppressed: Option<String>,
    pub resolved: bool,
    pub problems: Vec<String>,
}

/// What Alertmanager counted for one real integration.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LiveReceiver {
    pub name: String,
    pub integration: String,
    pub delivered: u64,
    pub requests: u64,
    pub failed_requests: u64,
    /// Reason → notifications given up.
    pub failed: BTreeMap<String, u64>,
    /// Why its attempts fail: the likely cause, and Alertmanager's words.
    pub reason: Option<String>,
    pub notified_after_ms: Option<u128>,
}

impl LiveReceiver {
    /// True when nothing of it has arrived, and attempts were made.
    pub fn is_failing(&self) -> bool {
        self.delivered == 0 && self.failed_requests > 0
    }
}

/// `slack of critical`.
impl std::fmt::Display for LiveReceiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of `{}`", self.integration, self.name)
    }
}

impl Report {
    /// Alerts that did not reach the wanted level.
    pub fn missed(&self) -> Vec<&AlertReport> {
        self.alerts.iter().filter(|alert| alert.level < Some(self.wanted_level)).collect()
    }

    /// What is to be said beside the count of alerts: that all of it was a rehearsal.
    pub fn rehearsal(&self) -> Option<&'static str> {
        self.notifies
            .is_empty()
            .then_some("a rehearsal: today nobody would be notified, because no receiver is configured")
    }
}

impl AlertReport {
    /// Why it did not get further, in one line; empty when it did.
    pub fn why(&self, wanted: usize) -> String {
        level::obstacle(&self.steps, wanted).map(|step| step.detail.clone()).unwrap_or_default()
    }

    /// The moment of the last message that was due.
    pub fn notified_after_ms(&self) -> Option<u128> {
        let receivers = self.delivery.iter().flat_map(|delivery| &delivery.receivers);
        receivers.flat_map(|receiver| &receiver.integrations).filter_map(|one| one.notified_after_ms).max()
    }

    /// `critical (pagerduty, slack)`, as routed.
    pub fn routed(&self) -> Vec<String> {
        let receivers = self.delivery.iter().flat_map(|delivery| &delivery.receivers);
        receivers
            .map(|receiver| {
                let kinds: Vec<&str> = receiver.integrations.iter().map(|one| one.kind.as_str()).collect();
                let kinds = if receiver.empty { "nobody".to_owned() } else { kinds.join(", ") };
                format!("{} ({kinds})", receiver.name)
            })
            .collect()
    }
}

impl Delivery {
    /// The step that the delivery makes.
    pub fn step(&self) -> Step {
        if !self.fired {
            let why = self.problems.first().map_or("it did not fire in its own scenario", String::as_str);
            return Step::failed(level::SINK, why);
        }
        if !self.inhibited_by.is_empty() {
            return Step::failed(
                level::SINK,
                format!("fired, inhibited by {}", self.inhibited_by.join(", ")),
            );
        }
        if self.receivers.is_empty() {
            return Step::failed(level::SINK, "fired, but no receiver was told");
        }
        if self.receivers.iter().all(|receiver| receiver.empty) {
            return self.told_to_nobody();
        }
        for receiver in &self.receivers {
            if let Some(missing) = receiver.integrations.iter().find(|one| !one.delivered) {
                let why = missing.problems.first().map(|why| format!(": {why}")).unwrap_or_default();
                let text =
                    format!("fired, but nothing arrived from {} of `{}`{why}", missing.kind, receiver.name);
                return Step::failed(level::SINK, text);
            }
        }
        let mut problems =
            self.receivers.iter().flat_map(|receiver| &receiver.integrations).flat_map(|one| &one.problems);
        if let Some(problem) = problems.next().or_else(|| self.problems.first()) {
            return Step::failed(level::SINK, problem.clone());
        }
        Step::passed(level::SINK, "")
    }

    /// Every receiver of its route is without an integration. Only an alert that says of itself that it is for
    /// nobody (the Watchdog) may end there.
    fn told_to_nobody(&self) -> Step {
        let is_for_nobody =
            |labels: &BTreeMap<String, String>| labels.get("severity").is_some_and(|value| value == "none");
        if !self.labels.is_empty() && self.labels.iter().all(is_for_nobody) {
            return Step::passed(level::SINK, "fires; its severity `none` says that nobody is to be told");
        }
        let names: Vec<String> =
            self.receivers.iter().map(|receiver| format!("`{}`", receiver.name)).collect();
        Step::failed(
            level::SINK,
            format!("nobody is told: its route ends in {}, which has no integration", names.join(", ")),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivered() -> Delivery {
        let one = IntegrationReport { kind: "slack".into(), delivered: true, ..IntegrationReport::default() };
        let receiver = ReceiverReport { name: "r".into(), empty: false, integrations: vec![one] };
        Delivery { fired: true, receivers: vec![receiver], ..Delivery::default() }
    }

    #[test]
    fn every_hop_must_hold() {
        assert_eq!(delivered().step().ok, Some(true));
        assert!(Delivery::default().step().detail.contains("did not fire"));
        assert!(
            Delivery { inhibited_by: vec!["B".into()], ..delivered() }
                .step()
                .detail
                .contains("inhibited by B")
        );
        assert!(Delivery { receivers: vec![], ..delivered() }.step().detail.contains("no receiver"));
        let mut lost = delivered();
        lost.receivers[0].integrations[0].delivered = false;
        assert!(lost.step().detail.contains("nothing arrived from slack of `r`"));
        let mut blank = delivered();
        blank.receivers[0].integrations[0].problems.push("blank".into());
        assert_eq!(blank.step().ok, Some(false));
    }

    #[test]
    fn an_alert_that_nobody_is_told_of_fails_by_that_reason() {
        let mut lost = delivered();
        lost.labels = vec![[("severity".to_owned(), "info".to_owned())].into()];
        lost.receivers[0].empty = true;
        lost.receivers[0].integrations[0].problems.push("no link to a dashboard".into());
        let step = lost.step();
        assert_eq!(
            (step.ok, step.detail.as_str()),
            (Some(false), "nobody is told: its route ends in `r`, which has no integration")
        );
        // The Watchdog is for nobody, and says so.
        lost.labels = vec![[("severity".to_owned(), "none".to_owned())].into()];
        assert_eq!(lost.step().ok, Some(true));
        // One receiver that tells somebody is enough.
        lost.receivers.push(delivered().receivers.remove(0));
        lost.receivers[0].integrations[0].problems.clear();
        assert_eq!(lost.step().ok, Some(true));
    }

    #[test]
    fn what_was_not_even_read_misses_every_level() {
        let alert = |level| AlertReport { level, ..AlertReport::default() };
        let report = Report {
            wanted_level: 3,
            alerts: vec![alert(None), alert(Some(2)), alert(Some(3))],
            ..Report::default()
        };
        assert_eq!(report.missed().len(), 2);
    }
}
