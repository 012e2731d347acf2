//! Sends one marked alert through the running Alertmanager and takes it back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio::time::sleep;

use crate::apply::{StackSession, doctor, wait};
use crate::doctor::notification_failure;
use crate::drill::live;
use crate::drill::report::{Delivery, Live, LiveReceiver};
use crate::engine::Engine;
use crate::error::{Error, ExitCode};
use crate::model::ServiceKind;
use crate::net::NetError;
use crate::net::alertmanager::Alertmanager;
use crate::report::events::{Event, Reporter};
use crate::services::Desired;

/// Between two looks at the counters.
const PAUSE: Duration = Duration::from_millis(500);
/// A suppression that lasts so long is one, and not only the moment before an inhibitor ends.
const SUPPRESSED: Duration = Duration::from_secs(3);
/// Counting begins so long before the message is due.
const EARLY: Duration = Duration::from_secs(1);
/// How long the alert may take to be gone after it was resolved.
const GONE: Duration = Duration::from_secs(5);

/// Between two lines of progress.
const NEWS: Duration = Duration::from_secs(10);

/// The running stack's Alertmanager.
pub struct Through {
    alertmanager: Alertmanager,
    container_id: String,
    /// Its configuration, as rendered.
    config: String,
}

/// The Alertmanager that answers.
///
/// # Errors
/// When none does.
pub async fn running<E: Engine>(session: &StackSession<E>, desired: &Desired) -> Result<Through, Error> {
    let running = wait::running(session, desired).await?;
    let found = desired.services.get(&ServiceKind::Alertmanager).zip(running.get(&ServiceKind::Alertmanager));
    let Some((wanted, (container_id, port))) = found else {
        return Err(not_running());
    };
    let auth = wanted.probe.basic_auth();
    let base_url = session.address(wanted, *port).url("");
    let alertmanager = Alertmanager { http: session.http.clone(), base_url, auth };
    if !alertmanager.is_ready().await {
        return Err(not_running());
    }
    Ok(Through { alertmanager, container_id: container_id.clone(), config: config(desired) })
}

/// The configuration that the stack's Alertmanager runs with, as rendered.
fn config(desired: &Desired) -> String {
    let wanted = desired.services.get(&ServiceKind::Alertmanager);
    let file = wanted.and_then(|wanted| wanted.files.files.get("/etc/alertmanager/alertmanager.yml"));
    file.map(|file| String::from_utf8_lossy(file.bytes()).into_owned()).unwrap_or_default()
}

fn not_running() -> Error {
    Error::new(
        ExitCode::Failed,
        "the stack's Alertmanager does not answer, so nothing can be sent through it",
    )
    .hint("start the stack: `confidexmon up`")
}

/// Posts the alert, watches the counters, and resolves it in every case.
pub async fn send<E: Engine>(
    session: &StackSession<E>,
    through: &Through,
    delivery: &Delivery,
    timeout: Duration,
) -> Result<Live, Error> {
    let alertmanager = &through.alertmanager;
    let Some(labels) = delivery.labels.first() else {
        return Err(Error::new(ExitCode::Failed, "the alert has no labels to send"));
    };
    let nonce = live::label_value(&super::sandbox::nonce());
    let starts = Timestamp::now();
    let body = |ends: Timestamp| {
        live::alert(labels, &delivery.annotations, &nonce, &starts.to_string(), &ends.to_string())
    };
    let before = live::counters(&alertmanager.metrics().await?);
    // Should this process be killed, the alert ends by itself.
    let last = starts + SignedDuration::try_from(timeout * 2).unwrap_or(SignedDuration::from_mins(10));
    alertmanager.post_alerts(&body(last)).await?;
    let mut report = Live { nonce: nonce.clone(), ..Live::default() };
    let waits = live::waits(&through.config, labels);
    let reporter = session.reporter.as_ref();
    let began = Instant::now();
    let mut watch = Watch { alertmanager, reporter, waits, before, failing: BTreeMap::new(), began, timeout };
    let watched = tokio::select! {
        watched = watch.run(&mut report) => watched.map_err(Error::from),
        () = session.cancel.cancelled() => Err(Error::new(ExitCode::Interrupted, "stopped by a signal")),
    };
    let resolved = alertmanager.post_alerts(&body(Timestamp::now())).await;
    watched?;
    resolved?;
    find_reasons(session, through, &mut report, began.elapsed() + NEWS).await;
    report.resolved = is_gone(alertmanager, &nonce).await;
    if !report.resolved {
        report.problems.push("the test alert is still shown as active; it ends by itself".to_owned());
    }
    Ok(report)
}

/// What Alertmanager's log says of the integrations that fail.
async fn find_reasons<E: Engine>(
    session: &StackSession<E>,
    through: &Through,
    report: &mut Live,
    age: Duration,
) {
    let fails = |one: &&mut LiveReceiver| one.is_failing() || !one.failed.is_empty();
    let mut failing: Vec<&mut LiveReceiver> = report.receivers.iter_mut().filter(fails).collect();
    if failing.is_empty() {
        return;
    }
    let log = doctor::failures(&session.engine, &through.container_id, age).await;
    for one in &mut failing {
        let found = notification_failure(&log, &one.name, &one.integration);
        one.reason = found.map(|(words, cause)| format!("{cause} ({words})"));
    }
}

fn filter(nonce: &str) -> String {
    format!("{}=\"{nonce}\"", live::LABEL)
}

/// What is known while the alert is on its way.
struct Watch<'a> {
    alertmanager: &'a Alertmanager,
    reporter: &'a dyn Reporter,
    /// Receiver → how long the group waits.
    waits: BTreeMap<String, Duration>,
    before: live::Counters,
    /// Receiver and integration → since when it has only failed.
    failing: BTreeMap<(String, String), Instant>,
    began: Instant,
    timeout: Duration,
}

impl Watch<'_> {
    async fn run(&mut self, report: &mut Live) -> Result<(), NetError> {
        let due = self.waits.values().max().copied().unwrap_or_default();
        let mut suppressed_since: Option<Instant> = None;
        let mut settled = false;
        let mut said = None;
        loop {
            if said.is_none_or(|at: Instant| at.elapsed() >= NEWS) {
                said = Some(Instant::now());
                let text = live::progress(self.began.elapsed(), due, &report.receivers);
                self.reporter.event(&Event::Fact { text });
            }
            sleep(PAUSE).await;
            let alerts = self.alertmanager.alerts(&filter(&report.nonce)).await?;
            let alert = alerts.get(0).cloned().unwrap_or(Value::Null);
            let names = alert["receivers"].as_array().into_iter().flatten();
            let receivers: BTreeSet<String> =
                names.filter_map(|one| one["name"].as_str().map(str::to_owned)).collect();
            self.count(&receivers, report).await?;
            let groups = self.alertmanager.groups(&filter(&report.nonce)).await?;
            let grouped = groups.as_array().into_iter().flatten();
            let mut grouped = grouped.flat_map(|group| group["alerts"].as_array().into_iter().flatten());
            report.suppressed = live::suppression(&alert).or_else(|| grouped.find_map(live::suppression));
            if report.suppressed.is_none() {
                suppressed_since = None;
            } else if suppressed_since.get_or_insert_with(Instant::now).elapsed() > SUPPRESSED {
                return Ok(());
            }
            // A receiver without an integration is known after the first look.
            let nobody =
                !receivers.is_empty() && report.receivers.is_empty() && self.began.elapsed() > SUPPRESSED;
            // Twice in a row: Alertmanager raises two counters one after the other, and says a little
            // later that a time interval mutes the alert.
            let is_due = self.began.elapsed() > due && report.suppressed.is_none();
            let before = std::mem::replace(&mut settled, is_due && self.is_settled(report));
            if nobody || (before && settled) || self.began.elapsed() > self.timeout {
                return Ok(());
            }
        }
    }

    fn is_settled(&self, report: &Live) -> bool {
        live::is_settled(&report.receivers, |one| {
            let since = self.failing.get(&(one.name.clone(), one.integration.clone()));
            since.map(Instant::elapsed).unwrap_or_default()
        })
    }

    /// What each receiver has sent since its message became due; what it sent before was not this alert.
    async fn count(&mut self, receivers: &BTreeSet<String>, report: &mut Live) -> Result<(), NetError> {
        let now = live::counters(&self.alertmanager.metrics().await?);
        let elapsed = self.began.elapsed();
        for (key, counts) in &now {
            if self.waits.get(&key.0).is_some_and(|wait| elapsed + EARLY < *wait) {
                self.before.insert(key.clone(), counts.clone());
            }
        }
        note(report, live::since(&self.before, &now, receivers), self.began);
        for one in &report.receivers {
            let key = (one.name.clone(), one.integration.clone());
            if one.is_failing() {
                self.failing.entry(key).or_insert_with(Instant::now);
            } else {
                self.failing.remove(&key);
            }
        }
        Ok(())
    }
}

/// Keeps the moment at which each integration was first seen to have delivered.
fn note(report: &mut Live, mut now: Vec<LiveReceiver>, began: Instant) {
    for one in &mut now {
        let known = report
            .receivers
            .iter()
            .find(|old| (&old.name, &old.integration) == (&one.name, &one.integration));
        one.notified_after_ms = known.and_then(|old| old.notified_after_ms);
        if one.delivered > 0 {
            one.notified_after_ms.get_or_insert(began.elapsed().as_millis());
        }
    }
    report.receivers = now;
}

async fn is_gone(alertmanager: &Alertmanager, nonce: &str) -> bool {
    let deadline = Instant::now() + GONE;
    loop {
        let alerts = alertmanager.alerts(&filter(nonce)).await;
        if alerts.is_ok_and(|alerts| alerts.as_array().is_some_and(Vec::is_empty)) {
            return true;
        }
        if Instant::now() > deadline {
            return false;
        }
        sleep(PAUSE).await;
    }
}
