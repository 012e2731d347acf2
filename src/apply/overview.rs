//! Asks Prometheus and Alertmanager how the stack does its work.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use crate::apply::StackSession;
use crate::apply::probe::Address;
use crate::apply::wait::Running;
use crate::engine::Engine;
use crate::formats::scrape_config;
use crate::health::overview::{ActiveAlert, LastReload, ReceivedAlert, Target, TargetHealth, join};
use crate::model::ServiceKind;
use crate::net::NetError;
use crate::net::alertmanager::Alertmanager;
use crate::net::prometheus::{LoadedGroup, Prometheus};
use crate::services::{Desired, DesiredService};

/// How long one question may take: a service that hangs must not hang who asks.
const DEADLINE: Duration = Duration::from_secs(3);
/// Prometheus hands discovered targets, static ones too, to its scrapers only every 5 s (measured on 3.5).
pub const DISCOVERY: Duration = Duration::from_secs(6);
/// How often targets are looked at until each was scraped.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// The stack's own APIs, where they answer.
#[derive(Clone, Debug, Default)]
pub struct Apis {
    pub prometheus: Option<Prometheus>,
    pub alertmanager: Option<Alertmanager>,
}

impl Apis {
    /// Of the services that run.
    pub fn of<E: Engine>(session: &StackSession<E>, desired: &Desired, running: &Running) -> Self {
        let at = |kind: ServiceKind| -> Option<(&DesiredService, Address)> {
            let (wanted, (_, port)) = (desired.services.get(&kind)?, running.get(&kind)?);
            Some((wanted, session.address(wanted, *port)))
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

/// Job and URL of each target that Prometheus's files name; `None` where more decides.
pub fn wanted_targets(desired: &Desired) -> Option<BTreeSet<(String, String)>> {
    let files = &desired.services.get(&ServiceKind::Prometheus)?.files.files;
    let text = std::str::from_utf8(files.get("/etc/prometheus/prometheus.yml")?.bytes()).ok()?;
    scrape_config::known_urls(&serde_yaml::from_str(text).ok()?)
}

/// What is waited for after a change.
#[derive(Clone, Debug, Default)]
pub struct FirstScrapes {
    /// Job and URL of each target that there should be; `None` where that is not known.
    pub wanted: Option<BTreeSet<(String, String)>>,
    /// The longest wait.
    pub limit: Duration,
}

/// Every target once each was scraped, or when the limit is over. Prometheus spreads first scrapes over the scrape
/// interval, and shows the targets from before a reload until it has discovered those after it.
pub async fn scraped_targets<E: Engine>(
    session: &StackSession<E>,
    prometheus: &Prometheus,
    FirstScrapes { wanted, limit }: &FirstScrapes,
) -> Option<Vec<Target>> {
    let began = Instant::now();
    loop {
        let found = targets(prometheus).await?;
        let stale = wanted.as_ref().filter(|wanted| began.elapsed() < DISCOVERY && !shows(&found, wanted));
        let waits = found.iter().any(|target| target.health == TargetHealth::Unknown);
        // Right after a start there may be none at all yet.
        if stale.is_none() && !waits && !found.is_empty() || began.elapsed() + LOOK_AGAIN >= *limit {
            return Some(match stale {
                Some(wanted) if !found.is_empty() => brought_up_to_date(found, wanted),
                _ => found,
            });
        }
        tokio::select! {
            () = sleep(LOOK_AGAIN) => {}
            () = session.cancel.cancelled() => return Some(found),
        }
    }
}

fn shows(found: &[Target], wanted: &BTreeSet<(String, String)>) -> bool {
    found.len() == wanted.len()
        && found.iter().all(|target| wanted.contains(&(target.job.clone(), target.url.clone())))
}

/// Without those that are on their way out, and with those that are not there yet.
fn brought_up_to_date(found: Vec<Target>, wanted: &BTreeSet<(String, String)>) -> Vec<Target> {
    let mut left = wanted.clone();
    let mut current: Vec<Target> =
        found.into_iter().filter(|target| left.remove(&(target.job.clone(), target.url.clone()))).collect();
    current.extend(left.into_iter().map(|(job, url)| Target {
        job,
        instance: String::new(),
        url,
        health: TargetHealth::Unknown,
        last_error: String::new(),
    }));
    current
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

/// The rules in force.
pub async fn rules(prometheus: &Prometheus) -> Option<Vec<LoadedGroup>> {
    answered(prometheus.rules()).await
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
