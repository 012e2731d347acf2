//! One alert through the running Alertmanager: what is posted, and what its counters prove.
//!
//! The counters are those of a receiver, not of an alert, and other alerts use it too. So counting
//! begins only just before the group of this alert is due. `alertmanager_notifications_total` proves
//! nothing at all: it counts a notification when its first attempt begins (measured with a receiver that
//! refuses connections). What was delivered are the requests that did not fail.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::analysis::routing;
use crate::drill::level::{self, Step};
use crate::drill::report::{Live, LiveReceiver};
use crate::formats::alertmanager::AlertmanagerFile;
use crate::formats::exposition;
use crate::model::PromDuration;

/// The label that tells a drill's alert from a real one.
pub const LABEL: &str = "drill";
/// What a person must read first.
pub const MARK: &str = "[TEST]";

/// The label's value: Alertmanager's own titles and subjects, which users' receivers may rely on, list
/// the values of the common labels, so the value itself has to say what it is.
pub fn label_value(nonce: &str) -> String {
    format!("TEST-{nonce}")
}

/// The alert as Alertmanager's API takes it. Times are RFC 3339; it resolves itself at `ends_at`,
/// should nobody be left to do so.
pub fn alert(
    labels: &BTreeMap<String, String>,
    annotations: &BTreeMap<String, String>,
    nonce: &str,
    starts_at: &str,
    ends_at: &str,
) -> Value {
    let mut labels = labels.clone();
    labels.insert(LABEL.to_owned(), nonce.to_owned());
    let mut annotations = annotations.clone();
    let name = labels.get("alertname").cloned().unwrap_or_default();
    let summary = annotations.get("summary").filter(|summary| !summary.is_empty()).cloned();
    annotations.insert("summary".to_owned(), format!("{MARK} {}", summary.unwrap_or(name)));
    // Messages of the user's own may show the description first.
    if let Some(description) = annotations.get_mut("description") {
        *description = format!("{MARK} {description}");
    }
    json!([{"labels": labels, "annotations": annotations, "startsAt": starts_at, "endsAt": ends_at}])
}

/// Receiver and integration → what Alertmanager has counted.
pub type Counters = BTreeMap<(String, String), Counts>;

/// Alertmanager's counts of one receiver's integration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub requests: u64,
    pub failed_requests: u64,
    /// Reason → notifications given up.
    pub failed: BTreeMap<String, u64>,
}

/// Reads the counters from `/metrics`. Without `receiver_name` nothing is proven of a receiver.
pub fn counters(text: &str) -> Counters {
    let mut counters = Counters::new();
    for sample in exposition::parse(text).samples {
        let label = |name: &str| {
            sample.labels.iter().find(|(key, _)| key.as_str() == name).map(|(_, value)| value.clone())
        };
        let Some(key) = label("receiver_name").zip(label("integration")) else { continue };
        let counts = counters.entry(key).or_default();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a counter of messages; the cast saturates"
        )]
        let value = sample.value as u64;
        match sample.name.as_str() {
            "alertmanager_notification_requests_total" => counts.requests += value,
            "alertmanager_notification_requests_failed_total" => counts.failed_requests += value,
            "alertmanager_notifications_failed_total" => {
                *counts.failed.entry(label("reason").unwrap_or_default()).or_default() += value;
            }
            _ => {}
        }
    }
    counters
}

/// What has been counted since `before`, for the integrations of these receivers.
pub fn since(before: &Counters, now: &Counters, receivers: &BTreeSet<String>) -> Vec<LiveReceiver> {
    let ours = now.iter().filter(|((receiver, _), _)| receivers.contains(receiver));
    ours.map(|(key, counts)| {
        let none = Counts::default();
        let old = before.get(key).unwrap_or(&none);
        let failed: BTreeMap<String, u64> = counts
            .failed
            .iter()
            .map(|(reason, count)| {
                (reason.clone(), count.saturating_sub(old.failed.get(reason).copied().unwrap_or(0)))
            })
            .filter(|(_, count)| *count > 0)
            .collect();
        let requests = counts.requests.saturating_sub(old.requests);
        let failed_requests = counts.failed_requests.saturating_sub(old.failed_requests);
        LiveReceiver {
            name: key.0.clone(),
            integration: key.1.clone(),
            delivered: requests.saturating_sub(failed_requests),
            requests,
            failed_requests,
            failed,
            reason: None,
            notified_after_ms: None,
        }
    })
    .collect()
}

/// Receiver → how long the alert's group waits before its first message, as the configuration says.
pub fn waits(config: &str, labels: &BTreeMap<String, String>) -> BTreeMap<String, Duration> {
    let file = AlertmanagerFile::read("alertmanager.yml", config);
    let Some(root) = &file.root else { return BTreeMap::new() };
    let labels = routing::Labels::exact(labels.iter().map(|(name, value)| (name.clone(), value.clone())));
    let mut waits: BTreeMap<String, Duration> = BTreeMap::new();
    for hit in routing::walk(root, &labels) {
        let wait =
            PromDuration::parse(&hit.route.timing.group_wait).map_or(Duration::ZERO, |wait| wait.length());
        let known = waits.entry(hit.route.sends_to.clone()).or_default();
        *known = wait.max(*known);
    }
    waits
}

/// What keeps the alert from being told, in words, from its entry in Alertmanager's API.
pub fn suppression(alert: &Value) -> Option<String> {
    let status = &alert["status"];
    let list = |name: &str| -> Vec<String> {
        let values = status[name].as_array().into_iter().flatten();
        values.filter_map(|value| value.as_str().map(str::to_owned)).collect()
    };
    let (silences, inhibitors, intervals) = (list("silencedBy"), list("inhibitedBy"), list("mutedBy"));
    if !silences.is_empty() {
        return Some(format!("silenced by the silence {}", silences.join(", ")));
    }
    if !inhibitors.is_empty() {
        return Some(format!("inhibited by the alert with fingerprint {}", inhibitors.join(", ")));
    }
    if !intervals.is_empty() {
        return Some(format!("muted by the time interval {}", intervals.join(", ")));
    }
    (status["state"] == "suppressed").then(|| "suppressed".to_owned())
}

/// After so many attempts in so long a time, all of which failed, one that works is not expected. (The first are
/// made within seconds; one that waits for an answer takes longer, and is waited for.)
const ATTEMPTS: u64 = 4;
const PATIENCE: Duration = Duration::from_secs(15);

/// True when every integration has said its word. `failing_for` tells since when one has only failed.
pub fn is_settled(receivers: &[LiveReceiver], failing_for: impl Fn(&LiveReceiver) -> Duration) -> bool {
    let is_hopeless = |one: &LiveReceiver| {
        one.is_failing() && one.failed_requests >= ATTEMPTS && failing_for(one) >= PATIENCE
    };
    let is_settled = |one: &LiveReceiver| one.delivered > 0 || !one.failed.is_empty() || is_hopeless(one);
    !receivers.is_empty() && receivers.iter().all(is_settled)
}

/// What the drill waits for, in a line.
pub fn progress(elapsed: Duration, due: Duration, receivers: &[LiveReceiver]) -> String {
    let left = due.saturating_sub(elapsed).as_secs();
    if left > 0 {
        return format!("the message is due in {left} s (group_wait)");
    }
    let open = receivers.iter().filter(|one| one.delivered == 0).map(|one| match one.failed_requests {
        0 => one.to_string(),
        failed => format!("{one} ({failed} of {} attempts failed)", one.requests),
    });
    let open: Vec<String> = open.collect();
    if open.is_empty() {
        "waiting for Alertmanager".to_owned()
    } else {
        format!("waiting for {}", open.join(", "))
    }
}

const GROUP_WAITS: &str = "; Alertmanager tells of a group once per group interval, so where a real alert of it fires, or another live drill of it was made just now, the test waits for that: try again after `group_interval`, or with a longer `--timeout`";

/// What became of an integration that has not delivered.
fn failure(one: &LiveReceiver) -> Option<String> {
    let why = one.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    if let Some((kind, _)) = one.failed.first_key_value() {
        return Some(format!("{one} gave up ({kind}){why}"));
    }
    if one.delivered > 0 {
        return None;
    }
    Some(if one.requests > 0 && one.requests == one.failed_requests {
        let attempts = if one.requests == 1 {
            "its only attempt".to_owned()
        } else {
            format!("each of {} attempts", one.requests)
        };
        format!("{one} failed in {attempts}{why}")
    } else {
        format!(
            "{one} has delivered nothing in time ({} of {} attempts failed){why}",
            one.failed_requests, one.requests
        )
    })
}

/// The step that the live delivery makes.
pub fn step(live: &Live) -> Step {
    if let Some(why) = &live.suppressed {
        return Step::failed(level::LIVE, format!("not told to anybody: {why}"));
    }
    if let Some(problem) = live.problems.first() {
        return Step::failed(level::LIVE, problem.clone());
    }
    if live.receivers.is_empty() {
        return Step::failed(level::LIVE, "its receivers have no integration: nobody is told");
    }
    let failed: Vec<String> = live.receivers.iter().filter_map(failure).collect();
    if !failed.is_empty() {
        // Said once, and only where it can be the reason.
        let is_silent = |one: &LiveReceiver| one.delivered == 0 && one.requests == 0 && one.failed.is_empty();
        let note = if live.receivers.iter().any(is_silent) { GROUP_WAITS } else { "" };
        return Step::failed(level::LIVE, format!("{}{note}", failed.join("; ")));
    }
    let all: Vec<String> =
        live.receivers.iter().map(|one| format!("{} of {}", one.integration, one.name)).collect();
    Step::passed(level::LIVE, format!("delivered by {}", all.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "alertmanager_notifications_total{integration=\"slack\",receiver_name=\"critical\"} 4\nalertmanager_notification_requests_total{integration=\"slack\",receiver_name=\"critical\"} 4\n";
    const AFTER: &str = "alertmanager_notifications_total{integration=\"slack\",receiver_name=\"critical\"} 5\nalertmanager_notification_requests_total{integration=\"slack\",receiver_name=\"critical\"} 5\nalertmanager_notifications_total{integration=\"pagerduty\",receiver_name=\"critical\"} 1\nalertmanager_notifications_failed_total{integration=\"pagerduty\",receiver_name=\"critical\",reason=\"clientError\"} 1\nalertmanager_notifications_total{integration=\"slack\",receiver_name=\"warning\"} 9\n";

    fn counted() -> Vec<LiveReceiver> {
        since(&counters(BEFORE), &counters(AFTER), &["critical".to_owned()].into())
    }

    #[test]
    fn counters_tell_who_was_told_since_then() {
        let receivers = counted();
        let short: Vec<_> =
            receivers.iter().map(|one| (one.integration.as_str(), one.delivered, one.failed.len())).collect();
        assert_eq!(short, [("pagerduty", 0, 1), ("slack", 1, 0)]);
        let at_once = |_: &LiveReceiver| Duration::ZERO;
        assert!(is_settled(&receivers, at_once));
        let none = since(&counters(BEFORE), &counters(BEFORE), &["critical".to_owned()].into());
        assert!(!is_settled(&none, at_once));
        assert!(!is_settled(&[], at_once));
    }

    #[test]
    fn what_failed_is_told_with_its_reason() {
        let live = Live { receivers: counted(), ..Live::default() };
        assert_eq!(step(&live).detail, "pagerduty of `critical` gave up (clientError)");
        let slack = Live { receivers: counted().into_iter().skip(1).collect(), ..Live::default() };
        assert_eq!(step(&slack).ok, Some(true));
        assert!(step(&Live::default()).detail.contains("nobody is told"));
    }

    /// A receiver that refuses connections: each attempt counts, nothing is given up for minutes.
    #[test]
    fn attempts_that_fail_deliver_nothing() {
        let after = "alertmanager_notifications_total{integration=\"webhook\",receiver_name=\"w\"} 1\nalertmanager_notification_requests_total{integration=\"webhook\",receiver_name=\"w\"} 4\nalertmanager_notification_requests_failed_total{integration=\"webhook\",receiver_name=\"w\"} 4\n";
        let receivers = since(&Counters::new(), &counters(after), &["w".to_owned()].into());
        assert_eq!(receivers[0].delivered, 0);
        assert!(!is_settled(&receivers, |_| Duration::from_secs(14)));
        assert!(is_settled(&receivers, |_| Duration::from_secs(15)), "nothing else is expected of it");
        let few = LiveReceiver { failed_requests: 3, requests: 3, ..receivers[0].clone() };
        assert!(!is_settled(&[few], |_| Duration::from_mins(1)), "attempts that hang are waited for");
        let why = step(&Live { receivers, ..Live::default() }).detail;
        assert_eq!(why, "webhook of `w` failed in each of 4 attempts");
    }

    #[test]
    fn each_receiver_that_fails_is_named_with_its_reason() {
        let one = |integration: &str, requests, reason: Option<&str>| LiveReceiver {
            name: "critical".to_owned(),
            integration: integration.to_owned(),
            requests,
            failed_requests: requests,
            reason: reason.map(str::to_owned),
            ..LiveReceiver::default()
        };
        let told = LiveReceiver {
            delivered: 1,
            requests: 1,
            integration: "email".to_owned(),
            ..LiveReceiver::default()
        };
        let mut receivers =
            vec![one("slack", 7, Some("no such host")), told, one("pagerduty", 1, Some("refused"))];
        let why = |receivers: &[LiveReceiver]| {
            step(&Live { receivers: receivers.to_vec(), ..Live::default() }).detail
        };
        assert_eq!(
            why(&receivers),
            "slack of `critical` failed in each of 7 attempts: no such host; pagerduty of `critical` failed in its only attempt: refused"
        );
        // The group interval is the reason only where nothing was tried.
        receivers.push(one("webhook", 0, None));
        assert!(why(&receivers).contains("webhook of `critical` has delivered nothing in time (0 of 0"));
        assert!(why(&receivers).ends_with("longer `--timeout`"));
        let seconds = Duration::from_secs;
        assert_eq!(progress(seconds(1), seconds(30), &receivers), "the message is due in 29 s (group_wait)");
        assert_eq!(
            progress(seconds(31), seconds(30), &receivers),
            "waiting for slack of `critical` (7 of 7 attempts failed), pagerduty of `critical` (1 of 1 attempts failed), webhook of `critical`"
        );
    }

    #[test]
    fn the_wait_is_that_of_the_route_taken() {
        let config = "route:\n  receiver: all\n  group_wait: 20s\n  routes:\n    - receiver: critical\n      matchers: ['severity=\"critical\"']\n      group_wait: 10s\n      continue: true\n    - receiver: team\n      matchers: ['severity=\"critical\"']\nreceivers: [{name: all}, {name: critical}, {name: team}]\n";
        let waits = |severity: &str| waits(config, &[("severity".to_owned(), severity.to_owned())].into());
        let seconds = |waits: BTreeMap<String, Duration>| -> Vec<(String, u64)> {
            waits.into_iter().map(|(name, wait)| (name, wait.as_secs())).collect()
        };
        assert_eq!(seconds(waits("critical")), [("critical".to_owned(), 10), ("team".to_owned(), 20)]);
        assert_eq!(seconds(waits("info")), [("all".to_owned(), 20)]);
    }

    #[test]
    fn suppression_is_named() {
        let with = |name: &str| json!({"status": {"state": "suppressed", name: ["x"]}});
        assert_eq!(suppression(&with("silencedBy")).as_deref(), Some("silenced by the silence x"));
        assert_eq!(suppression(&with("mutedBy")).as_deref(), Some("muted by the time interval x"));
        assert!(suppression(&with("inhibitedBy")).is_some());
        assert_eq!(suppression(&json!({"status": {"state": "active", "silencedBy": []}})), None);
    }

    #[test]
    fn the_alert_is_marked_as_a_test() {
        let labels = [("alertname".to_owned(), "A".to_owned())].into();
        let body = alert(&labels, &BTreeMap::new(), "n1", "s", "e");
        assert_eq!(body[0]["labels"], json!({"alertname": "A", "drill": "n1"}));
        assert_eq!(body[0]["annotations"]["summary"], "[TEST] A");
        let annotations = [("summary".to_owned(), "Down".to_owned())].into();
        assert_eq!(alert(&labels, &annotations, "n", "s", "e")[0]["annotations"]["summary"], "[TEST] Down");
        let annotations = [("description".to_owned(), "It is down.".to_owned())].into();
        let body = alert(&labels, &annotations, "n", "s", "e");
        assert_eq!(body[0]["annotations"]["description"], "[TEST] It is down.");
    }
}
