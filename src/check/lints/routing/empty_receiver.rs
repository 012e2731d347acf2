//! What is routed to a receiver without an integration is told to nobody.

use crate::analysis::routing::{Alert, matrix};
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::check::wording;
use crate::formats::alertmanager::{AlertmanagerFile, Receiver};

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "empty-receiver",
    severity: Severity::Bug,
    doc: "Alerts end in a receiver that has no integration, so nobody is told.",
    run: Run::All(check),
};

/// Words in the name of a receiver that is empty on purpose.
const ON_PURPOSE: [&str; 16] = [
    "black",
    "blank",
    "dead",
    "devnull",
    "discard",
    "drop",
    "empty",
    "heartbeat",
    "ignore",
    "mute",
    "nobody",
    "none",
    "noop",
    "null",
    "silen",
    "watchdog",
];

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let Some(file) = view.alertmanager else { return };
    let Some(root) = &file.root else { return };
    for receiver in file.receivers.iter().filter(|receiver| receiver.integrations.is_empty()) {
        if !file.routes().iter().any(|route| route.sends_to == receiver.name.value) {
            continue;
        }
        let lost: Vec<&str> = view
            .alerts
            .iter()
            .filter(|alert| is_for_people(alert))
            .filter(|alert| {
                let hits = matrix::hits(root, alert);
                hits.iter().any(|(route, _)| route.sends_to == receiver.name.value)
                    && hits.iter().all(|(route, _)| tells_nobody(file, &route.sends_to))
            })
            .map(Alert::name)
            .collect();
        out.extend(assess(file, receiver, &lost, !view.alerts.is_empty()));
    }
}

/// Alerts of severity `none`, as the Watchdog, say that nobody is to be told.
fn is_for_people(alert: &Alert<'_>) -> bool {
    alert.severity() != Some("none")
}

fn tells_nobody(file: &AlertmanagerFile, receiver: &str) -> bool {
    file.receiver(receiver).is_some_and(|receiver| receiver.integrations.is_empty())
}

fn assess(
    file: &AlertmanagerFile,
    receiver: &Receiver,
    lost: &[&str],
    knows_alerts: bool,
) -> Option<Finding> {
    let name = receiver.name.value.as_str();
    let lower = name.to_lowercase();
    let on_purpose = ON_PURPOSE.iter().any(|word| lower.contains(word));
    let at = receiver.name.start();
    match (on_purpose, lost) {
        // A receiver that says so is believed. Where others do tell somebody, it is worth knowing what it takes.
        (true, []) => None,
        (true, _) if file.receivers.iter().all(|receiver| receiver.integrations.is_empty()) => None,
        (true, _) => {
            let message = format!("nobody is told of {}: `{name}` has no integration", wording::names(lost));
            Some(file.finding(&LINT, at, message).severity(Severity::Info).fix(
                "give them another severity, add a route or an integration, or set SLACK_WEBHOOK_URL; `severity: none` says that nobody is to be told",
            ))
        }
        (false, []) if knows_alerts => None,
        (false, []) => {
            let message = format!("the receiver `{name}` has no integration: what is routed to it vanishes");
            Some(file.finding(&LINT, at, message).severity(Severity::Warning).fix(FIX))
        }
        (false, _) => {
            let message = format!(
                "the receiver `{name}` has no integration, so nobody is told of {}",
                wording::names(lost)
            );
            Some(file.finding(&LINT, at, message).fix(FIX))
        }
    }
}

const FIX: &str = "add an integration such as `slack_configs`; if nobody is to be told, name it `nobody`";
