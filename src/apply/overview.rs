//! Asks Prometheus and Alertmanager how the stack does its work.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::apply::StackSession;
use crate::apply::probe::Address;
use crate::engine::Engine;
use crate::health::overview::{ActiveAlert, LastReload, ReceivedAlert, Target, TargetHealth, join};
use crate::model::ServiceKind;
use crate::net::NetError;
use crate::net::alertmanager::Alertmanager;
use crate::net::prometheus::Prometheus;
use crate::services::{Desired, DesiredService};

/// How long one question may take: a service that hangs must not hang who asks.
const DEADLINE: Duration = Duration::from_secs(3);
/// How often targets are looked at until each was scraped.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// The stack's own APIs, where they answer.
#[derive(Clone, Debug, Default)]
pub struct Apis {
    pub prometheus: Option<Prometheus>,
    pub alertmanager: Option<Alertmanager>,
}

impl Apis {
    /// Of the services that run, by the host port of each.
    pub fn of<E: Engine>(
        session: &StackSession<E>,
        desired: &Desired,
        ports: &BTreeMap<ServiceKind, u16>,
    ) -> Self {
        let at = |kind: ServiceKind| -> Option<(&DesiredService, Address)> {
            let wanted = desired.services.get(&kind)?;
            Some((wanted, session.address(wanted, *ports.get(&kind)?)))
        };
        Self {
            prometheus: at(ServiceKind::Prometheus).map(|(wanted, address)| Prometheus {
                http: session.http.clone(),
                base_url: address.url(""),
                auth: wanted.probe.basic_auth(),
            }),
            alertmanager: at(ServiceKind::Alertmanager).map(|(wanted, address)| Alertmanager {
                http: session.http.clone(),
                base_url: address.url(""),
                auth: wanted.probe.basic_auth(),
            }),
        }
    }
}

/// Every scrape target, sorted by job and instance; `None` when Prometheus cannot be asked.
pub async fn targets(prometheus: &Prometheus) -> Option<Vec<Target>> {
    let found = answered(prometheus.targets()).await?;
    let mut targets: Vec<Target> = found
        .into_iter()
        .map(|target| {
            let label = |name: &str| target.labels.get(name).cloned().unwrap_or_default();
            Target {
                job: label("job"),
                instance: label("instance"),
                health: TargetHealth::from(target.health.as_str()),
                url: target.scrape_url,
                last_error: target.last_error,
            }
        })
        .collect();
    targets.sort_by(|a, b| (&a.job, &a.instance, &a.url).cmp(&(&b.job, &b.instance, &b.url)));
    Some(targets)
}

/// The same once each target was scraped, or when `limit` is over. Prometheus spreads first scrapes over the
/// scrape interval.
pub async fn scraped_targets<E: Engine>(
    session: &StackSession<E>,
    prometheus: &Prometheus,
    limit: Duration,
) -> Option<Vec<Target>> {
    let deadline = Instant::now() + limit;
    loop {
        let found = targets(prometheus).await?;
        let waits = found.iter().any(|target| target.health == TargetHealth::Unknown);
        // Right after a start there may be none at all yet.
        if !waits && !found.is_empty() || Instant::now() + LOOK_AGAIN >= deadline {
            return Some(found);
        }
        tokio::select! {
            () = sleep(LOOK_AGAIN) => {}
            () = session.cancel.cancelled() => return Some(found),
        }
    }
}

/// Alerts that are pending or fire, with what becomes of them.
pub async fn alerts(apis: &Apis) -> Option<Vec<ActiveAlert>> {
    let prometheus = apis.prometheus.as_ref()?;
    let (evaluated, received) =
        tokio::join!(answered(prometheus.alerts()), received(apis.alertmanager.as_ref()));
    Some(join(evaluated?, received.as_deref()))
}

async fn received(alertmanager: Option<&Alertmanager>) -> Option<Vec<ReceivedAlert>> {
    answered(alertmanager?.held()).await
}

/// What Prometheus says of its last reload.
pub async fn last_reload(prometheus: &Prometheus) -> Option<LastReload> {
    let info = answered(prometheus.runtime_info()).await?;
    Some(LastReload { successful: info.reload_config_success, loaded_at: info.last_config_time })
}

/// An answer within the deadline. Why there is none is told by the service's own row.
async fn answered<T>(question: impl Future<Output = Result<T, NetError>>) -> Option<T> {
    match timeout(DEADLINE, question).await {
        Ok(Ok(answer)) => Some(answer),
        Ok(Err(error)) => {
            tracing::debug!("{error}");
            None
        }
        Err(_) => None,
    }
}
