//! Whether enough time has passed for an alert to get from Prometheus to Alertmanager at all.
//!
//! Prometheus sends an alert that fires again once its resend delay is over, at the next evaluation. What is lost
//! meanwhile comes back only then: Alertmanager forgets all alerts when it starts, and Prometheus knows no
//! Alertmanager for some seconds after it has read its configuration.

use crate::doctor::facts::{Facts, Prometheus};
use crate::doctor::units;

/// Prometheus's `--rules.alert.resend-delay` where it does not tell.
const RESEND_DELAY: f64 = 60.0;
/// Prometheus hands over what it has discovered every 5 s; the rest is for the sending.
const HANDED_OVER: f64 = 15.0;
/// Prometheus has found its Alertmanager by then.
const DISCOVERED: f64 = 30.0;

/// The last change that may have cost an alert.
pub(super) struct Change {
    /// Seconds since.
    pub age: f64,
    what: &'static str,
}

/// `Alertmanager started 18 s ago`.
impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} ago", self.what, units::time(self.age))
    }
}

/// The youngest of: Prometheus, its configuration, Alertmanager.
pub(super) fn last_change(facts: &Facts, prometheus: &Prometheus) -> Change {
    let started = facts.alertmanager.answer().and_then(|alertmanager| alertmanager.uptime);
    let all = [
        (Some(prometheus.uptime), "Prometheus started"),
        (prometheus.config_age, "Prometheus loaded its configuration"),
        (started, "Alertmanager started"),
    ];
    let known = all.into_iter().filter_map(|(age, what)| Some(Change { age: age?, what }));
    known.min_by(|a, b| a.age.total_cmp(&b.age)).unwrap_or(Change { age: f64::MAX, what: "" })
}

/// Why an alert of a group with this interval may still be on its way.
pub(super) fn may_be_on_its_way(change: &Change, prometheus: &Prometheus, interval: f64) -> Option<String> {
    let limit = prometheus.resend_delay.unwrap_or(RESEND_DELAY) + 2.0 * interval + HANDED_OVER;
    (change.age < limit).then(|| {
        format!(
            "too early to tell: {change}, and what was lost then is sent again within {}",
            units::time(limit)
        )
    })
}

/// Why Prometheus may not know its Alertmanager yet.
pub(super) fn may_be_undiscovered(prometheus: &Prometheus) -> Option<String> {
    let loaded = prometheus.config_age.unwrap_or(f64::MAX).min(prometheus.uptime);
    (loaded < DISCOVERED).then(|| {
        format!(
            "too early to tell: Prometheus loaded its configuration {} ago, and looks for its Alertmanager",
            units::time(loaded)
        )
    })
}
