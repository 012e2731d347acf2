//! What Alertmanager has, and what became of its notifications.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::apply::doctor::{Inspector, logs, now, since};
use crate::doctor::facts::{ActiveAlert, Alertmanager as Facts, Asked, Notifications};
use crate::engine::{Engine, Processes};
use crate::error::in_full;
use crate::formats::exposition;
use crate::health::overview::ReceivedAlert;
use crate::model::ServiceKind;
use crate::net::alertmanager::Alertmanager;

/// Failures that are older may be cured by now.
const LATELY: Duration = Duration::from_mins(15);
/// What Alertmanager writes when it has read its configuration: failures before it are another's.
const LOADED: &str = "Completed loading of configuration file";

pub(super) async fn gather<E: Engine>(inspector: &Inspector<'_, E>) -> Asked<Facts> {
    if !inspector.desired.services.contains_key(&ServiceKind::Alertmanager) {
        return Asked::Absent;
    }
    let base_url = match inspector.base_url(ServiceKind::Alertmanager) {
        Ok(url) => url,
        Err(reason) => return Asked::NoAnswer(reason),
    };
    let auth = inspector.credentials(ServiceKind::Alertmanager);
    let alertmanager = Alertmanager { http: inspector.http.clone(), base_url, auth };
    let held = match alertmanager.held().await {
        Ok(held) => held,
        Err(error) => return Asked::NoAnswer(format!("Alertmanager does not answer: {}", in_full(&error))),
    };
    let (receivers, metrics, log, started) = tokio::join!(
        alertmanager.receivers(),
        alertmanager.metrics(),
        log(inspector),
        alertmanager.started()
    );
    Asked::Answer(Facts {
        receivers: receivers.unwrap_or_default(),
        alerts: held.into_iter().map(alert).collect(),
        notifications: notifications(&metrics.unwrap_or_default()),
        log,
        uptime: started.ok().map(since),
    })
}

fn alert(held: ReceivedAlert) -> ActiveAlert {
    let label = |name: &str| held.labels.get(name).cloned().unwrap_or_default();
    let updated = held.updated_at.parse::<jiff::Timestamp>().ok();
    ActiveAlert {
        name: label("alertname"),
        severity: label("severity"),
        age: updated.map_or(0.0, |at| now() - at.as_duration().as_secs_f64()),
        silenced_by: held.silenced_by,
        inhibited_by: held.inhibited_by,
        muted_by: held.muted_by,
    }
}

fn notifications(metrics: &str) -> Vec<Notifications> {
    let mut found: BTreeMap<(String, String), Notifications> = BTreeMap::new();
    for sample in exposition::parse(metrics).samples {
        let label = |names: [&str; 2]| {
            let of = sample.labels.iter().find(|(name, _)| names.contains(&name.as_str()));
            of.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let (receiver, integration) =
            (label(["receiver_name", "receiver"]), label(["integration", "integration"]));
        let counter: fn(&mut Notifications) -> &mut f64 = match sample.name.as_str() {
            "alertmanager_notifications_total" => |one| &mut one.sent,
            "alertmanager_notifications_failed_total" => |one| &mut one.failed,
            "alertmanager_notification_requests_failed_total" => |one| &mut one.failed_requests,
            _ => continue,
        };
        let key = (receiver.clone(), integration.clone());
        let one = found.entry(key).or_insert_with(|| Notifications {
            receiver,
            integration,
            ..Notifications::default()
        });
        *counter(one) += sample.value;
    }
    // Most integrations stand there with zeroes only.
    found.into_values().filter(|one| one.sent + one.failed + one.failed_requests > 0.0).collect()
}

async fn log<E: Engine>(inspector: &Inspector<'_, E>) -> Vec<String> {
    let (Ok(session), Some(container)) = (&inspector.session, inspector.container(ServiceKind::Alertmanager))
    else {
        return Vec::new();
    };
    failures(&session.engine, &container.id, LATELY).await
}

/// What its log says of notifications that failed, not older than `age` and under the configuration in force.
pub(in crate::apply) async fn failures<E: Processes>(
    engine: &E,
    container_id: &str,
    age: Duration,
) -> Vec<String> {
    let lines = logs::tail(engine, container_id, 500, Some(age)).await;
    let from = lines.iter().rposition(|line| line.contains(LOADED)).map_or(0, |at| at + 1);
    let fails =
        |line: &&String| line.contains("Notify attempt failed") || line.contains("Notify for alerts failed");
    lines.iter().skip(from).filter(fails).cloned().collect()
}
