//! What delivers alerts can fail as well; without these alerts nobody would hear of it.

use std::collections::BTreeSet;

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::yaml::source::Position;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "unwatched-stack",
    severity: Severity::Warning,
    doc: "The rule set has no watchdog, or no alert on failing notifications, dropped alerts or failed reloads.",
    run: Run::All(check),
};

/// What must be watched: any of the metrics, and what is not noticed without it.
const WATCHED: [(&[&str], &str); 3] = [
    (
        &["alertmanager_notifications_failed_total", "alertmanager_notification_requests_failed_total"],
        "notifications that Alertmanager could not deliver",
    ),
    (
        &["prometheus_notifications_dropped_total", "prometheus_notifications_errors_total"],
        "alerts that Prometheus dropped",
    ),
    (
        &[
            "prometheus_config_last_reload_successful",
            "prometheus_config_last_reload_success_timestamp_seconds",
        ],
        "a configuration that Prometheus refused",
    ),
];

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let Some(file) = view.facts.rule_files.first().filter(|_| view.facts.is_complete_rule_set) else {
        return;
    };
    let mut add =
        |message: String, fix: String| out.push(LINT.at(&file.source, Position::default(), message).fix(fix));
    let mut watchdog = false;
    let mut used = BTreeSet::new();
    for rule in view.rules() {
        let selectors = rule.tree.selectors();
        watchdog |= rule.rule.is_alert() && selectors.is_empty();
        used.extend(selectors.into_iter().filter_map(|(_, selector)| selector.name.as_deref()));
    }
    if !watchdog {
        add(
            "no alert fires always: when the whole pipeline dies, silence looks like health".to_owned(),
            "add `alert: Watchdog` with `expr: vector(1)`, and a receiver that misses it".to_owned(),
        );
    }
    for (metrics, what) in WATCHED {
        let watched = metrics.iter().any(|metric| used.contains(metric));
        if !watched {
            add(
                format!("no rule watches {what}"),
                format!("add an alert on `{}`", metrics.first().unwrap_or(&"")),
            );
        }
    }
}
