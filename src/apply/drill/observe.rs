//! What a slot sees: alerts that Prometheus sent, messages that arrived, and what the two services
//! say about an alert that did not.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use serde_json::Value;

use crate::apply::drill::alert_run::AlertRun;
use crate::apply::drill::sink::{Arrival, What};
use crate::drill::report::{Delivery, IntegrationReport, ReceiverReport};
use crate::drill::{live, message};
use crate::engine::Engine;
use crate::net::NetError;
use crate::net::alertmanager::Alertmanager;
use crate::net::prometheus::Prometheus;

impl<E: Engine> AlertRun<'_, E> {
    /// What Prometheus has sent: our alert's labels and texts, and who else fired.
    pub(super) fn note_alerts(
        &self,
        arrivals: &[Arrival],
        began: Instant,
        delivery: &mut Delivery,
    ) -> Option<Instant> {
        let mut others = BTreeSet::new();
        let mut fired_at = None;
        for arrival in arrivals {
            let What::Alerts(alerts) = &arrival.what else { continue };
            for alert in alerts.as_array().into_iter().flatten() {
                let labels = texts(&alert["labels"]);
                match labels.get("alertname") {
                    Some(name)
                        if *name == self.attempt.target.alert && self.attempt.target.is_in(&labels) =>
                    {
                        fired_at.get_or_insert(arrival.at);
                        delivery.annotations = texts(&alert["annotations"]);
                        if !delivery.labels.contains(&labels) {
                            delivery.labels.push(labels);
                        }
                    }
                    Some(name) => {
                        others.insert(name.clone());
                    }
                    None => {}
                }
            }
        }
        delivery.also_fired = others.into_iter().collect();
        if let Some(at) = fired_at {
            delivery.fired = true;
            delivery.fired_after_ms = Some(at.saturating_duration_since(began).as_millis());
        }
        fired_at
    }

    /// Which messages have arrived of those that the receivers owe.
    pub(super) fn note_messages(
        &self,
        arrivals: &[Arrival],
        fired_at: Instant,
        routed: &BTreeSet<String>,
        delivery: &mut Delivery,
    ) {
        delivery.receivers.clear();
        for (number, receiver) in
            self.receivers.iter().enumerate().filter(|(_, one)| routed.contains(&one.name))
        {
            let integrations = receiver.kinds.iter().enumerate().map(|(index, kind)| {
                let arrived = arrivals.iter().find_map(|arrival| match &arrival.what {
                    What::Message { receiver, integration, body }
                        if (*receiver, *integration) == (number, index) =>
                    {
                        Some((arrival.at, body))
                    }
                    _ => None,
                });
                let Some((at, body)) = arrived else {
                    return IntegrationReport { kind: kind.clone(), ..IntegrationReport::default() };
                };
                IntegrationReport {
                    kind: kind.clone(),
                    delivered: true,
                    notified_after_ms: Some(at.saturating_duration_since(fired_at).as_millis()),
                    message: Some(message::preview(kind, body)),
                    // What stands in for a receiver that tells nobody has no words of the project's.
                    problems: if receiver.empty {
                        Vec::new()
                    } else {
                        message::problems(kind, body, &delivery.annotations, &self.drill.links)
                    },
                }
            });
            let integrations = integrations.collect();
            delivery.receivers.push(ReceiverReport {
                name: receiver.name.clone(),
                empty: receiver.empty,
                integrations,
            });
        }
    }

    /// What the Alertmanager makes of the alert.
    pub(super) async fn routed(&self, alertmanager: &Alertmanager) -> Result<Routed, NetError> {
        let all = alertmanager.alerts("").await?;
        let name = |alert: &Value| alert["labels"]["alertname"].as_str().unwrap_or_default().to_owned();
        let all = all.as_array().cloned().unwrap_or_default();
        let target = &self.attempt.target;
        let is_ours = |alert: &&Value| name(alert) == target.alert && target.is_in(&texts(&alert["labels"]));
        let ours: Vec<_> = all.iter().filter(is_ours).collect();
        let mut routed = Routed::default();
        for receiver in ours.iter().flat_map(|alert| alert["receivers"].as_array().into_iter().flatten()) {
            routed.receivers.extend(receiver["name"].as_str().map(str::to_owned));
        }
        // One instance that gets through is enough to be told.
        let suppressed = |alert: &&Value| alert["status"]["state"] == "suppressed";
        if !ours.is_empty() && ours.iter().all(suppressed) {
            let prints =
                ours.iter().flat_map(|alert| alert["status"]["inhibitedBy"].as_array().into_iter().flatten());
            let sources: BTreeSet<&str> = prints.filter_map(Value::as_str).collect();
            let inhibitors = all
                .iter()
                .filter(|alert| alert["fingerprint"].as_str().is_some_and(|print| sources.contains(print)));
            let names: BTreeSet<String> = inhibitors.map(name).collect();
            routed.inhibited_by = names.into_iter().collect();
        }
        Ok(routed)
    }

    /// True when Alertmanager has given up every message that is missing; says so with each.
    pub(super) async fn has_given_up(
        &self,
        alertmanager: &Alertmanager,
        delivery: &mut Delivery,
    ) -> Result<bool, NetError> {
        let counters = live::counters(&alertmanager.metrics().await?);
        let mut all = true;
        for receiver in &mut delivery.receivers {
            for one in receiver.integrations.iter_mut().filter(|one| !one.delivered) {
                let counts = counters.get(&(receiver.name.clone(), one.kind.clone()));
                match counts.and_then(|counts| counts.failed.iter().find(|(_, count)| **count > 0)) {
                    Some((reason, _)) => one.problems.push(format!(
                        "Alertmanager gave up its message (reason {reason}): is one of its templates missing or wrong?"
                    )),
                    None => all = false,
                }
            }
        }
        Ok(all)
    }

    /// Why a rule that was evaluated says nothing; `None` while it may still.
    pub(super) async fn why_quiet(&self, prometheus: &Prometheus) -> Result<Option<String>, NetError> {
        let groups = prometheus.rules().await?;
        let rule = groups.iter().flat_map(|group| &group.rules).find(|rule| {
            rule.name == self.attempt.target.alert
                && self.attempt.target.is_in(&rule.labels)
                && rule.kind == "alerting"
        });
        Ok(match rule {
            None => Some("its rule was not loaded".to_owned()),
            Some(rule) if rule.health == "err" => {
                Some(format!("its rule fails: {}", rule.last_error.clone().unwrap_or_default()))
            }
            Some(rule) if rule.health == "ok" && rule.state.as_deref() == Some("inactive") => Some(format!(
                "it did not fire in its own scenario `{}` (rules/{})",
                self.attempt.case.test, self.attempt.file
            )),
            Some(_) => None,
        })
    }
}

#[derive(Default)]
pub(super) struct Routed {
    pub(super) receivers: BTreeSet<String>,
    pub(super) inhibited_by: Vec<String>,
}

/// The texts of a JSON object.
fn texts(object: &Value) -> BTreeMap<String, String> {
    let fields = object.as_object().into_iter().flatten();
    fields.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

pub(super) fn told(error: &NetError) -> String {
    let causes = crate::error::chain(error);
    causes.last().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}
