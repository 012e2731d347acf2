//! Proves what Grafana provisioned: it answers `/api/health` about a second before its dashboards are
//! there (measured), it only logs a file that it refuses, and goes on without it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::StreamExt;
use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use crate::apply::StackSession;
use crate::engine::{Engine, LogQuery};
use crate::health::provisioned::{Page, pages, refusals};
use crate::model::{FileSet, ServiceKind};
use crate::net::NetError;
use crate::net::grafana::Grafana;
use crate::render::context::{ALERTMANAGER_DATASOURCE, PROMETHEUS_DATASOURCE};

/// How long provisioning may take after Grafana answers.
const LIMIT: Duration = Duration::from_secs(20);
/// How long a datasource may fail after its service was proved.
const SOURCES: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(150);
/// After so long without a page its reason is looked for in the log, then this often.
const LOG_AFTER: Duration = Duration::from_millis(2500);
const LOG_PAUSE: Duration = Duration::from_secs(1);
/// Older lines may speak of a file that is right by now; a file that is refused is logged again at each
/// scan, every ten seconds.
const LOG_SINCE: Duration = Duration::from_secs(25);

/// One thing that Grafana does not show, with the reason in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// `dashboards/x.json`, or `the datasource confidex-prometheus`.
    pub what: String,
    pub reason: String,
}

/// A running Grafana, and what it should show.
pub struct Proof<'a, E> {
    pub session: &'a StackSession<E>,
    pub grafana: &'a Grafana,
    pub container_id: &'a str,
    pub files: &'a FileSet,
}

impl<E: Engine> Proof<'_, E> {
    /// What Grafana does not show of its files, and which datasource fails, after a bounded wait.
    ///
    /// # Errors
    /// When Grafana does not answer, or does not take the password.
    pub async fn lacks(&self, with_alertmanager: Datasources) -> Result<Vec<Lack>, NetError> {
        let (pages, sources) = tokio::join!(self.lacks_of(|_| true), self.sources(with_alertmanager));
        Ok(pages?.into_iter().chain(sources).collect())
    }

    /// The dashboards that are not there: waits until all are, or each missing one was refused.
    ///
    /// # Errors
    /// When Grafana does not answer, or does not take the password.
    pub async fn lacks_of(&self, which: impl Fn(&Page) -> bool) -> Result<Vec<Lack>, NetError> {
        let deadline = Instant::now() + LIMIT;
        let mut read_log_at = Instant::now() + LOG_AFTER;
        let mut missing: Vec<Page> = pages(self.files).into_iter().filter(which).collect();
        if missing.is_empty() {
            return Ok(Vec::new());
        }
        // One question for most of them. It may be behind, so what it lacks is asked one by one.
        let listed = self.grafana.dashboard_uids().await?;
        missing.retain(|page| page.uid.as_ref().is_none_or(|uid| !listed.contains(uid)));
        loop {
            missing = self.still_missing(missing).await?;
            if missing.is_empty() {
                return Ok(Vec::new());
            }
            if Instant::now() >= read_log_at {
                read_log_at = Instant::now() + LOG_PAUSE;
                let refused = self.refused().await;
                // A file without a uid of its own can only be spoken against by the log.
                let settled = |page: &Page| page.uid.is_none() || refused.contains_key(&page.path);
                if missing.iter().all(settled) || Instant::now() >= deadline {
                    return Ok(missing.into_iter().filter_map(|page| lack(page, &refused)).collect());
                }
            }
            sleep(PAUSE).await;
        }
    }

    async fn still_missing(&self, pages: Vec<Page>) -> Result<Vec<Page>, NetError> {
        let asked = join_all(pages.into_iter().map(|page| async move {
            let there = match &page.uid {
                Some(uid) => self.grafana.dashboard(uid).await?.is_some(),
                None => false,
            };
            Ok::<_, NetError>((!there).then_some(page))
        }));
        asked.await.into_iter().filter_map(Result::transpose).collect()
    }

    /// Grafana's words on each refused file. Its log not being readable is no reason of its own.
    async fn refused(&self) -> std::collections::BTreeMap<String, String> {
        let lines = self.log().await;
        refusals(lines.iter().map(String::as_str))
    }

    async fn log(&self) -> Vec<String> {
        let since =
            SystemTime::now().checked_sub(LOG_SINCE).and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let since = since.map(|at| format!("{}.000000000", at.as_secs()));
        let query = LogQuery { follow: false, since, tail: None };
        let lines = self.session.engine.logs(self.container_id, query);
        let lines =
            lines.filter_map(|line| async move { line.ok().map(|line| line.text) }).collect::<Vec<_>>();
        tokio::time::timeout(Duration::from_secs(5), lines).await.unwrap_or_default()
    }

    /// The datasources that fail, after a bounded wait: a changed password is known everywhere a moment later.
    async fn sources(&self, wanted: Datasources) -> Vec<Lack> {
        let deadline = Instant::now() + SOURCES;
        loop {
            let lacks = self.failing_sources(wanted).await;
            if lacks.is_empty() || Instant::now() >= deadline {
                return lacks;
            }
            sleep(PAUSE).await;
        }
    }

    async fn failing_sources(&self, wanted: Datasources) -> Vec<Lack> {
        let prometheus = self.grafana.datasource_health(PROMETHEUS_DATASOURCE).await;
        let mut lacks = Vec::from_iter(failed(PROMETHEUS_DATASOURCE, prometheus));
        if wanted == Datasources::PrometheusAndAlertmanager {
            let path = format!("{ALERTMANAGER_DATASOURCE}/api/v2/status");
            lacks.extend(failed(ALERTMANAGER_DATASOURCE, self.grafana.through_datasource(&path).await));
        }
        lacks
    }
}

/// Which datasources the stack has a service behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Datasources {
    Prometheus,
    PrometheusAndAlertmanager,
}

impl Datasources {
    /// `has` tells whether the stack has a service.
    pub fn of(has: impl Fn(ServiceKind) -> bool) -> Self {
        if has(ServiceKind::Alertmanager) { Self::PrometheusAndAlertmanager } else { Self::Prometheus }
    }
}

fn failed(uid: &str, answer: Result<(), NetError>) -> Option<Lack> {
    let reason = answer.err()?.to_string();
    Some(Lack { what: format!("the datasource {uid}"), reason })
}

fn lack(page: Page, refused: &std::collections::BTreeMap<String, String>) -> Option<Lack> {
    let reason = match (refused.get(&page.path), &page.uid) {
        (Some(words), _) => words.clone(),
        (None, Some(uid)) => format!("it is not there as `{uid}`, and Grafana's log does not say why"),
        (None, None) => return None,
    };
    Some(Lack { what: page.shown_as, reason })
}
