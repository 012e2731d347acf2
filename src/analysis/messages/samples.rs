//! Notifications that a receiver can get: one alert, several, some of them over, labels missing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::analysis::routing::matrix::hits;
use crate::analysis::routing::{Alert, LabelDomain};
use crate::analysis::view::View;
use crate::formats::alertmanager::AlertmanagerFile;

/// One notification.
#[derive(Clone, Debug)]
pub struct Notification {
    /// In a sentence: "when …".
    pub when: &'static str,
    pub receiver: String,
    pub alerts: Vec<SampleAlert>,
    pub group_by: BTreeSet<String>,
    /// Blank texts say nothing about a message that has nothing to say.
    pub is_bare: bool,
    /// Only integrations that send resolved alerts get it.
    pub is_resolved: bool,
}

/// One alert of a notification that is made up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SampleAlert {
    pub is_firing: bool,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
}

const STARTED: &str = "2026-01-02T03:04:05Z";
const ENDED: &str = "2026-01-02T03:24:05Z";
const NOT_ENDED: &str = "0001-01-01T00:00:00Z";

/// The notifications for a receiver, made of the alerts that reach it.
pub fn of_receiver(view: &View<'_>, file: &AlertmanagerFile, receiver: &str) -> Vec<Notification> {
    let mut alerts: Vec<SampleAlert> = Vec::new();
    let mut group_by: Option<(BTreeSet<String>, bool)> = None;
    let routes = file.routes().into_iter().filter(|route| route.sends_to == receiver);
    for route in routes {
        let labels: BTreeSet<String> = route.group_by.labels.iter().cloned().collect();
        group_by = Some(match group_by {
            // What holds on every way to it.
            Some((known, all)) => (known.intersection(&labels).cloned().collect(), all && route.group_by.all),
            None => (labels, route.group_by.all),
        });
    }
    if let Some(root) = &file.root {
        let reach =
            |alert: &&Alert<'_>| hits(root, alert).iter().any(|(route, _)| route.sends_to == receiver);
        alerts.extend(view.alerts.iter().take(MOST_ALERTS).filter(reach).map(sample));
    }
    if alerts.is_empty() {
        alerts.push(nobodys());
    }
    let (group_by, alone) = group_by.unwrap_or_default();
    notifications(receiver, &alerts, &group_by, alone)
}

/// Thousands of alerts are much like these.
const MOST_ALERTS: usize = 2000;

fn notifications(
    receiver: &str,
    alerts: &[SampleAlert],
    group_by: &BTreeSet<String>,
    alone: bool,
) -> Vec<Notification> {
    let one = alerts.first().cloned().unwrap_or_else(nobodys);
    let same_group = |other: &&SampleAlert| {
        **other != one && group_by.iter().all(|label| other.labels.get(label) == one.labels.get(label))
    };
    let second = alerts.iter().find(same_group).cloned().unwrap_or_else(|| elsewhere(&one, group_by));
    let over = |alert: &SampleAlert| SampleAlert { is_firing: false, ..alert.clone() };
    let bare = SampleAlert {
        is_firing: true,
        labels: one
            .labels
            .iter()
            .filter(|(name, _)| *name == "alertname")
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        annotations: BTreeMap::new(),
    };
    let make = |when: &'static str, alerts: Vec<SampleAlert>| Notification {
        when,
        receiver: receiver.to_owned(),
        is_resolved: alerts.iter().any(|alert| !alert.is_firing),
        alerts,
        group_by: group_by.clone(),
        is_bare: false,
    };
    let mut all = vec![make("one alert fires", vec![one.clone()])];
    if !alone {
        all.push(make("two alerts fire", vec![one.clone(), second.clone()]));
        all.push(make("one of two alerts is over", vec![one.clone(), over(&second)]));
    }
    all.push(make("the alert is over", vec![over(&one)]));
    all.push(Notification { is_bare: true, ..make("the alert has no other label", vec![bare]) });
    all
}

/// The same alert, from another place.
fn elsewhere(alert: &SampleAlert, group_by: &BTreeSet<String>) -> SampleAlert {
    let mut other = alert.clone();
    let differing = ["instance", "pod", "path"].into_iter().find(|name| !group_by.contains(*name));
    if let Some(name) = differing {
        other.labels.insert(name.to_owned(), "elsewhere:9100".to_owned());
    }
    other
}

fn sample(alert: &Alert<'_>) -> SampleAlert {
    let mut labels = BTreeMap::new();
    if let Some(variant) = alert.variants.first() {
        for (name, domain) in variant.labels.listed() {
            if let Some(value) = value_of(name, domain) {
                labels.insert(name.to_owned(), value);
            }
        }
    }
    for (name, value) in alert.rule.labels.iter() {
        labels.insert(name.to_owned(), without_actions(&value.value));
    }
    labels.insert("alertname".to_owned(), alert.name().to_owned());
    let annotations = alert.rule.annotations.iter();
    SampleAlert {
        is_firing: true,
        labels,
        annotations: annotations
            .map(|(name, text)| (name.to_owned(), without_actions(&text.value)))
            .collect(),
    }
}

/// A value that the label can have; `None` where the alert may lack it.
fn value_of(name: &str, domain: &LabelDomain) -> Option<String> {
    match domain {
        LabelDomain::OneOf(values) => values.iter().find(|value| !value.is_empty()).map(ToOwned::to_owned),
        LabelDomain::NoneOf(_) if name == "instance" => Some("backend:9100".to_owned()),
        LabelDomain::NoneOf(_) => domain.is_present().then(|| "sample".to_owned()),
    }
}

/// What Prometheus makes of a text, as far as its words go.
fn without_actions(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        shown.push_str(before);
        shown.push('1');
        rest = after.split_once("}}").map_or("", |(_, rest)| rest);
    }
    shown + rest
}

/// For a receiver that no alert is known to reach.
fn nobodys() -> SampleAlert {
    let map = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    SampleAlert {
        is_firing: true,
        labels: map(&[
            ("alertname", "Sample"),
            ("instance", "backend:9100"),
            ("job", "backend"),
            ("severity", "critical"),
        ]),
        annotations: map(&[("summary", "A sample"), ("description", "A sample alert")]),
    }
}

impl Notification {
    /// `firing` while one of its alerts fires.
    pub fn status(&self) -> &'static str {
        if self.alerts.iter().any(|alert| alert.is_firing) { "firing" } else { "resolved" }
    }

    /// The labels or annotations that all of its alerts share.
    pub fn common(&self, of: fn(&SampleAlert) -> &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let Some((first, rest)) = self.alerts.split_first() else { return BTreeMap::new() };
        let shared = |(name, value): &(&String, &String)| {
            rest.iter().all(|alert| of(alert).get(*name) == Some(*value))
        };
        of(first).iter().filter(shared).map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The shared labels by which its route groups.
    pub fn group_labels(&self) -> BTreeMap<String, String> {
        let labels = self.common(|alert| &alert.labels).into_iter();
        labels.filter(|(name, _)| self.group_by.contains(name)).collect()
    }

    /// As `amtool template render` reads it.
    pub fn json(&self) -> Value {
        let alert = |alert: &SampleAlert| {
            json!({
                "status": if alert.is_firing { "firing" } else { "resolved" },
                "labels": alert.labels,
                "annotations": alert.annotations,
                "startsAt": STARTED,
                "endsAt": if alert.is_firing { NOT_ENDED } else { ENDED },
                "generatorURL": "http://localhost:9090/graph",
                "fingerprint": "0123456789abcdef",
            })
        };
        json!({
            "receiver": self.receiver,
            "status": self.status(),
            "alerts": self.alerts.iter().map(alert).collect::<Vec<_>>(),
            "groupLabels": self.group_labels(),
            "commonLabels": self.common(|alert| &alert.labels),
            "commonAnnotations": self.common(|alert| &alert.annotations),
            "externalURL": "http://localhost:9093",
        })
    }
}
