//! Whether the stack does its work: what is scraped, what fires, and who would be told.

use std::collections::BTreeMap;

use serde::Serialize;

/// A scrape target as Prometheus sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Target {
    pub job: String,
    pub instance: String,
    pub url: String,
    pub health: TargetHealth,
    /// Prometheus's own words; empty while it is up.
    pub last_error: String,
}

/// How the last scrape of a target went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TargetHealth {
    Up,
    Down,
    /// Not scraped yet.
    Unknown,
}

impl From<&str> for TargetHealth {
    fn from(word: &str) -> Self {
        match word {
            "up" => Self::Up,
            "down" => Self::Down,
            _ => Self::Unknown,
        }
    }
}

impl TargetHealth {
    /// The word that tables and JSON have for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Unknown => "not scraped yet",
        }
    }
}

/// What is done with an alert that fires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Delivery {
    /// Alertmanager sends it to its receivers.
    Active,
    Silenced,
    Inhibited,
    /// A time interval of its route mutes it.
    Muted,
    /// Alertmanager does not hold it, or could not be asked.
    Unknown,
}

/// How far an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    Firing,
    Pending,
}

/// An alert that is pending or fires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ActiveAlert {
    pub name: String,
    /// Empty when the rule gives none.
    pub severity: String,
    pub state: AlertState,
    /// RFC 3339: since when its expression has held.
    pub since: String,
    pub labels: BTreeMap<String, String>,
    pub summary: String,
    pub delivery: Delivery,
    /// The names of the receivers that its route leads to.
    pub receivers: Vec<String>,
}

impl ActiveAlert {
    /// The Watchdog and its like are there to fire.
    pub fn is_wanted(&self) -> bool {
        self.severity == "none" || self.name == "Watchdog"
    }
}

/// An alert as Prometheus lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvaluatedAlert {
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub state: AlertState,
    pub since: String,
}

/// An alert as Alertmanager holds it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceivedAlert {
    pub labels: BTreeMap<String, String>,
    /// The names of the receivers that its routes lead to.
    pub receivers: Vec<String>,
    /// Alertmanager's word: `active`, `suppressed`, `unprocessed`.
    pub state: String,
    /// Ids of silences.
    pub silenced_by: Vec<String>,
    /// Fingerprints of alerts.
    pub inhibited_by: Vec<String>,
    /// Names of time intervals; empty when only some of its routes are muted.
    pub muted_by: Vec<String>,
    /// RFC 3339: when Prometheus sent it last.
    pub updated_at: String,
}

impl ReceivedAlert {
    /// Whether somebody is told of it, and if not, why.
    pub fn delivery(&self) -> Delivery {
        if !self.silenced_by.is_empty() {
            Delivery::Silenced
        } else if !self.inhibited_by.is_empty() {
            Delivery::Inhibited
        } else if !self.muted_by.is_empty() {
            Delivery::Muted
        } else if self.state == "active" {
            Delivery::Active
        } else {
            Delivery::Unknown
        }
    }
}

/// Everything that is known about the stack's work. `None`: it could not be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Overview {
    pub targets: Option<Vec<Target>>,
    pub alerts: Option<Vec<ActiveAlert>>,
    /// The kinds of receivers that are configured, such as `Slack`.
    pub notifies: Vec<String>,
    pub last_reload: Option<LastReload>,
    /// What `plan` would do, a step each; empty when everything is as the settings say.
    pub drift: Option<Vec<String>>,
    /// Where the project lies that the stack belongs to, when it is not the one here: what is here says nothing
    /// about its receivers and settings.
    pub other_project: Option<String>,
}

/// Prometheus's last reload of its configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LastReload {
    pub successful: bool,
    /// RFC 3339: when the configuration in force was loaded.
    pub loaded_at: String,
}

impl Overview {
    /// The targets that cannot be scraped.
    pub fn down(&self) -> impl Iterator<Item = &Target> {
        self.targets.iter().flatten().filter(|target| target.health == TargetHealth::Down)
    }

    /// Alerts that fire and mean something, the worst first.
    pub fn firing(&self) -> Vec<&ActiveAlert> {
        let all = self.alerts.iter().flatten();
        all.filter(|alert| alert.state == AlertState::Firing && !alert.is_wanted()).collect()
    }
}

/// Joins what Prometheus evaluates with what Alertmanager does about it. Prometheus adds its external labels
/// on the way, so an alert is the one whose labels hold all of Prometheus's.
pub fn join(evaluated: Vec<EvaluatedAlert>, received: Option<&[ReceivedAlert]>) -> Vec<ActiveAlert> {
    let mut joined: Vec<ActiveAlert> = evaluated.into_iter().map(|alert| one(alert, received)).collect();
    joined.sort_by(|a, b| {
        let key = |alert: &ActiveAlert| (alert.state, rank(&alert.severity), alert.name.clone());
        key(a).cmp(&key(b)).then_with(|| a.since.cmp(&b.since))
    });
    joined
}

fn one(alert: EvaluatedAlert, received: Option<&[ReceivedAlert]>) -> ActiveAlert {
    let holds = |other: &&ReceivedAlert| {
        alert.labels.iter().all(|(name, value)| other.labels.get(name) == Some(value))
    };
    let found = received.into_iter().flatten().find(holds).filter(|_| alert.state == AlertState::Firing);
    let label = |name: &str| alert.labels.get(name).cloned().unwrap_or_default();
    ActiveAlert {
        name: label("alertname"),
        severity: label("severity"),
        state: alert.state,
        since: alert.since,
        summary: alert.annotations.get("summary").cloned().unwrap_or_default(),
        delivery: found.map_or(Delivery::Unknown, ReceivedAlert::delivery),
        receivers: found.map(|found| found.receivers.clone()).unwrap_or_default(),
        labels: alert.labels,
    }
}

/// Worst first; severities that nobody knows stand between warning and info.
fn rank(severity: &str) -> u8 {
    match severity {
        "critical" | "page" | "emergency" => 0,
        "error" | "high" => 1,
        "warning" | "ticket" => 2,
        "info" => 4,
        "none" => 5,
        _ => 3,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn evaluated(pairs: &[(&str, &str)], state: AlertState) -> EvaluatedAlert {
        EvaluatedAlert { labels: labels(pairs), annotations: BTreeMap::new(), state, since: String::new() }
    }

    #[test]
    fn an_alert_is_found_with_the_labels_that_prometheus_adds_on_the_way() {
        let firing = evaluated(&[("alertname", "A"), ("severity", "critical")], AlertState::Firing);
        let other = ReceivedAlert {
            labels: labels(&[("alertname", "A"), ("severity", "warning"), ("site", "x")]),
            receivers: vec!["warnings".to_owned()],
            state: "active".to_owned(),
            ..ReceivedAlert::default()
        };
        let same = ReceivedAlert {
            labels: labels(&[("alertname", "A"), ("severity", "critical"), ("site", "x")]),
            receivers: vec!["pager".to_owned()],
            state: "suppressed".to_owned(),
            silenced_by: vec!["1".to_owned()],
            ..ReceivedAlert::default()
        };
        let joined = join(vec![firing.clone()], Some(&[other, same]));
        assert_eq!(
            (&joined[0].delivery, joined[0].receivers.as_slice()),
            (&Delivery::Silenced, &["pager".to_owned()][..])
        );
        // Nobody to ask: that it fires is known all the same.
        assert_eq!(join(vec![firing], None)[0].delivery, Delivery::Unknown);
    }

    #[test]
    fn the_worst_stand_first_and_the_watchdog_does_not_count() {
        let all = vec![
            evaluated(&[("alertname", "Watchdog"), ("severity", "none")], AlertState::Firing),
            evaluated(&[("alertname", "P"), ("severity", "critical")], AlertState::Pending),
            evaluated(&[("alertname", "W"), ("severity", "warning")], AlertState::Firing),
            evaluated(&[("alertname", "C"), ("severity", "critical")], AlertState::Firing),
        ];
        let overview = Overview { alerts: Some(join(all, None)), ..Overview::default() };
        let names: Vec<&str> = overview.alerts.iter().flatten().map(|alert| alert.name.as_str()).collect();
        assert_eq!(names, ["C", "W", "Watchdog", "P"]);
        assert_eq!(overview.firing().iter().map(|alert| alert.name.as_str()).collect::<Vec<_>>(), ["C", "W"]);
    }
}
