//! Whether the stack does its work, as lines of text.

use std::collections::BTreeMap;

use crate::health::overview::{ActiveAlert, AlertState, Delivery, Overview, Target, TargetHealth};
use crate::report::output::{BAD, GOOD, WARN};
use crate::report::{Output, words};

/// Alerts that are shown one by one; more are counted.
const MOST_ALERTS: usize = 10;
/// Steps of a plan that are named; more are counted.
const MOST_STEPS: usize = 3;

/// The block below the table of `status`. `now` in seconds since the epoch.
pub fn block(output: Output, overview: &Overview, now: i64) -> String {
    let mut text = String::new();
    if let Some(targets) = &overview.targets {
        text.push_str(&format!("targets   {}\n", target_counts(output, targets)));
        for target in targets.iter().filter(|target| target.health != TargetHealth::Up) {
            text.push_str(&format!("          {}\n", target_line(output, target)));
        }
    }
    if overview.alerts.is_some() {
        text.push_str(&format!("alerts    {}\n", alert_counts(output, overview)));
        let firing = overview.firing();
        for alert in firing.iter().take(MOST_ALERTS) {
            text.push_str(&format!("          {}\n", alert_line(output, alert, now)));
        }
        if firing.len() > MOST_ALERTS {
            text.push_str(&format!(
                "          and {} more: `confidexmon alerts`\n",
                firing.len() - MOST_ALERTS
            ));
        }
    }
    if overview.other_project.is_none() {
        let notified = if overview.notifies.is_empty() {
            output.styled_data("nobody: no receiver is configured", WARN)
        } else {
            overview.notifies.join(", ")
        };
        text.push_str(&format!("notified  {notified}\n"));
    }
    if let Some(reload) = &overview.last_reload {
        let age = seconds_since(&reload.loaded_at, now)
            .map_or_else(String::new, |age| format!(" {} ago", words::age(age)));
        let told = if reload.successful {
            format!("the rules and targets in force were loaded{age}")
        } else {
            output.styled_data("the last reload failed; what was loaded before is in force", BAD)
        };
        text.push_str(&format!("reload    {told}\n"));
    }
    if let Some(place) = &overview.other_project {
        let whose = output.styled_data(&format!("another one, {place}"), WARN);
        text.push_str(&format!(
            "project   {whose}: its receivers and settings are not those of this folder\n"
        ));
    }
    if let Some(drift) = &overview.drift {
        text.push_str(&format!("settings  {}\n", drift_text(output, drift)));
    }
    text
}

fn drift_text(output: Output, drift: &[String]) -> String {
    if drift.is_empty() {
        return "everything is as they say".to_owned();
    }
    let named: Vec<&str> = drift.iter().take(MOST_STEPS).map(String::as_str).collect();
    let more = drift.len().saturating_sub(MOST_STEPS);
    let more = if more > 0 { format!("; {more} more") } else { String::new() };
    let text = format!("not in force: {}{more}", named.join("; "));
    format!("{} (`confidexmon plan` shows it, `confidexmon up` does it)", output.styled_data(&text, WARN))
}

fn target_counts(output: Output, targets: &[Target]) -> String {
    if targets.is_empty() {
        return output
            .styled_data("none yet: Prometheus takes some seconds after a start to know them", WARN);
    }
    let up = targets.iter().filter(|target| target.health == TargetHealth::Up).count();
    let text = format!("{up} of {} up", targets.len());
    output.styled_data(&text, if up == targets.len() { GOOD } else { WARN })
}

/// `confidex-backend  down  http://…: connection refused`.
pub fn target_line(output: Output, target: &Target) -> String {
    let style = match target.health {
        TargetHealth::Up => GOOD,
        TargetHealth::Down => BAD,
        TargetHealth::Unknown => WARN,
    };
    let error = if target.last_error.is_empty() { String::new() } else { format!(": {}", target.last_error) };
    let health = output.styled_data(target.health.word(), style);
    format!("{}  {health}  {}{error}", target.job, target.url)
}

fn alert_counts(output: Output, overview: &Overview) -> String {
    let firing = overview.firing();
    let pending = overview.alerts.iter().flatten().filter(|alert| alert.state == AlertState::Pending).count();
    let pending = if pending > 0 { format!("; {pending} pending") } else { String::new() };
    if firing.is_empty() {
        return format!(
            "{}{pending}",
            output.styled_data(&format!("none fires{}", on_purpose(overview.alerts.as_deref())), GOOD)
        );
    }
    let mut by_severity: Vec<(&str, usize)> = Vec::new();
    for alert in &firing {
        let severity = if alert.severity.is_empty() { "no severity" } else { &alert.severity };
        match by_severity.iter_mut().find(|(name, _)| *name == severity) {
            Some((_, count)) => *count += 1,
            None => by_severity.push((severity, 1)),
        }
    }
    let parts: Vec<String> =
        by_severity.iter().map(|(severity, count)| format!("{count} {severity}")).collect();
    let fire = if firing.len() == 1 { "fires" } else { "fire" };
    let text = format!("{} {fire} ({})", words::count(firing.len(), "alert"), parts.join(", "));
    format!("{}{pending}", output.styled_data(&text, BAD))
}

/// What fires on purpose, named so that nobody wonders where it comes from: ` but Watchdog, which always should`.
pub fn on_purpose(alerts: Option<&[ActiveAlert]>) -> String {
    let alerts = alerts.into_iter().flatten();
    let wanted = alerts.filter(|alert| alert.state == AlertState::Firing && alert.is_wanted());
    let mut names: Vec<&str> = wanted.map(|alert| alert.name.as_str()).collect();
    names.dedup();
    if names.is_empty() { String::new() } else { format!(" but {}, which always should", names.join(", ")) }
}

/// `critical  BackendDown {job="api"}  for 5m  → critical`.
pub fn alert_line(output: Output, alert: &ActiveAlert, now: i64) -> String {
    let severity = if alert.severity.is_empty() { "-" } else { &alert.severity };
    let style = match (alert.severity.as_str(), alert.state) {
        (_, AlertState::Pending) => WARN,
        ("critical", _) => BAD,
        _ => WARN,
    };
    let since =
        seconds_since(&alert.since, now).map_or_else(String::new, |age| format!("  for {}", words::age(age)));
    format!(
        "{}  {}{}{since}  {}",
        output.styled_data(severity, style),
        alert.name,
        told_apart(&alert.labels),
        delivery(alert)
    )
}

/// The labels that tell one alert of a name from another.
fn told_apart(labels: &BTreeMap<String, String>) -> String {
    let own = labels.iter().filter(|(name, _)| !matches!(name.as_str(), "alertname" | "severity"));
    let own: Vec<String> = own.map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    if own.is_empty() { String::new() } else { format!(" {{{}}}", own.join(", ")) }
}

fn delivery(alert: &ActiveAlert) -> String {
    if alert.state == AlertState::Pending {
        return "pending: it fires when it holds on".to_owned();
    }
    match &alert.delivery {
        Delivery::Active if alert.receivers.is_empty() => "goes to no receiver".to_owned(),
        Delivery::Active => format!("→ {}", alert.receivers.join(", ")),
        Delivery::Silenced => "silenced".to_owned(),
        Delivery::Inhibited => "inhibited by another alert".to_owned(),
        Delivery::Muted => "muted by a time interval".to_owned(),
        Delivery::Unknown => "Alertmanager does not hold it".to_owned(),
    }
}

fn seconds_since(at: &str, now: i64) -> Option<i64> {
    Some(now - at.parse::<jiff::Timestamp>().ok()?.as_second())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::overview::{LastReload, TargetHealth};
    use crate::report::Format;

    const PLAIN: Output = Output {
        format: Format::Human,
        quiet: false,
        color_stdout: false,
        color_stderr: false,
        terminal: false,
    };

    #[test]
    fn a_stack_that_works_is_five_lines_and_a_sick_one_says_what_is_wrong() {
        let target = |health, error: &str| Target {
            job: "api".to_owned(),
            instance: "a:1".to_owned(),
            url: "http://a:1/metrics".to_owned(),
            health,
            last_error: error.to_owned(),
        };
        let mut overview = Overview {
            targets: Some(vec![target(TargetHealth::Up, "")]),
            alerts: Some(Vec::new()),
            notifies: vec!["Slack".to_owned()],
            last_reload: Some(LastReload { successful: true, loaded_at: "1970-01-01T00:00:00Z".to_owned() }),
            drift: Some(Vec::new()),
            other_project: None,
        };
        assert_eq!(
            block(PLAIN, &overview, 300),
            "targets   1 of 1 up\nalerts    none fires\nnotified  Slack\nreload    the rules and targets in force were loaded 5m ago\nsettings  everything is as they say\n"
        );
        let firing = |name: &str, severity: &str| ActiveAlert {
            name: name.to_owned(),
            severity: severity.to_owned(),
            state: AlertState::Firing,
            since: "1970-01-01T00:03:00Z".to_owned(),
            labels: [("alertname", name), ("job", "api")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            summary: String::new(),
            delivery: Delivery::Silenced,
            receivers: vec!["pager".to_owned()],
        };
        overview.alerts = Some(vec![firing("Watchdog", "none")]);
        assert!(
            block(PLAIN, &overview, 300)
                .contains("\nalerts    none fires but Watchdog, which always should\n")
        );
        let foreign = Overview {
            other_project: Some("`/srv/shop`".to_owned()),
            drift: None,
            notifies: Vec::new(),
            ..overview.clone()
        };
        let text = block(PLAIN, &foreign, 300);
        assert!(text.contains("another one, `/srv/shop`") && !text.contains("nobody"), "{text}");
        overview.targets = Some(Vec::new());
        assert!(block(PLAIN, &overview, 300).starts_with("targets   none yet"));
        overview.targets = Some(vec![target(TargetHealth::Down, "connection refused")]);
        overview.notifies.clear();
        overview.alerts = Some(vec![firing("ApiDown", "critical")]);
        overview.drift = Some(vec!["reload prometheus".to_owned()]);
        let text = block(PLAIN, &overview, 300);
        for part in [
            "0 of 1 up",
            "api  down  http://a:1/metrics: connection refused",
            "1 alert fires (1 critical)",
            "critical  ApiDown {job=\"api\"}  for 2m  silenced",
            "nobody",
            "not in force: reload prometheus",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }
}
