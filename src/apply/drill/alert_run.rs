//! One alert: its Prometheus, its Alertmanager, and what becomes of it.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::observe::told;
use super::process::rule_folder;
use super::sandbox::{Sandbox, Scratch};
use super::sink::Sink;
use super::{Attempt, Drill};
use crate::drill::backfill;
use crate::drill::receivers::Receiver;
use crate::drill::recording_rules;
use crate::drill::remote_write::{self, TimeSeries};
use crate::drill::report::Delivery;
use crate::engine::Engine;
use crate::net::alertmanager::Alertmanager;
use crate::net::prometheus::Prometheus;
use crate::net::{HttpClient, NetError};

/// How long a process may take to answer.
const START: Duration = Duration::from_secs(40);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(200);
/// Starting many processes at the same instant only makes each of them slow.
const STAGGER: Duration = Duration::from_millis(40);
/// A rule that was evaluated and is not true after so long will not become true.
const PATIENCE: Duration = Duration::from_secs(6);
/// So long suppressed means inhibited, and not only until the next look.
const SUPPRESSED: Duration = Duration::from_secs(4);
/// A message that has not arrived by then is looked for in Alertmanager's counters.
const OVERDUE: Duration = Duration::from_secs(6);
/// The deadline of one request to a process that shares two cores with many others.
const REQUEST: Duration = Duration::from_secs(10);

pub(super) struct AlertRun<'a, E> {
    pub(super) sandbox: &'a Sandbox<'a, E>,
    pub(super) drill: &'a Drill<'a>,
    pub(super) sink: &'a Sink,
    pub(super) attempt: &'a Attempt,
    /// In the order of the configuration.
    pub(super) receivers: &'a [Receiver],
    pub(super) rules: &'a [(String, String)],
    pub(super) number: usize,
    pub(super) port: u16,
    pub(super) prometheus: &'a Scratch,
    pub(super) alertmanager: &'a Scratch,
}

impl<E: Engine> AlertRun<'_, E> {
    pub(super) async fn run(&self) -> Delivery {
        let mut delivery = Delivery {
            scenario: self.attempt.case.test.clone(),
            scenario_file: self.attempt.file.clone(),
            ..Delivery::default()
        };
        let work = async {
            sleep(STAGGER * u32::try_from(self.number).unwrap_or(0)).await;
            tokio::select! {
                result = self.work(&mut delivery) => result,
                words = self.process(self.prometheus, self.prometheus_command()) => Err(format!("its Prometheus ended: {words}")),
                () = self.sandbox.session.cancel.cancelled() => Err("stopped by a signal".to_owned()),
                words = self.process(self.alertmanager, self.alertmanager_command()) => Err(format!("its Alertmanager ended: {words}")),
            }
        };
        if let Err(problem) = work.await {
            delivery.problems.push(problem);
        }
        delivery
    }

    async fn work(&self, delivery: &mut Delivery) -> Result<(), String> {
        let url = |container: &Scratch| {
            let port = container.ports.get(&self.port).ok_or("the engine published no port")?;
            Ok::<_, String>(format!("http://127.0.0.1:{port}"))
        };
        let http = HttpClient::new(REQUEST).map_err(|error| told(&error))?;
        let prometheus = Prometheus { http: http.clone(), base_url: url(self.prometheus)?, auth: None };
        let alertmanager = Alertmanager { http, base_url: url(self.alertmanager)?, auth: None };
        let deadline = Instant::now() + START;
        // Prometheus knows its Alertmanagers some 5 s after its start; a reload keeps them.
        let knows_alertmanager = async || prometheus.alertmanagers().await.is_ok_and(|known| known > 1);
        while !(alertmanager.is_ready().await && prometheus.is_ready().await && knows_alertmanager().await) {
            if Instant::now() > deadline {
                return Err(format!("its scratch services were not ready within {} s", START.as_secs()));
            }
            sleep(PAUSE).await;
        }
        let name = &self.attempt.target.key;
        tracing::debug!("drill: {name}: its services are ready");
        self.feed(&prometheus).await?;
        tracing::debug!("drill: {name}: its rules are in force");
        let began = Instant::now();
        self.follow(&prometheus, &alertmanager, began, delivery).await
    }

    /// Samples first, then the rules: nothing may be checked on an empty database.
    async fn feed(&self, prometheus: &Prometheus) -> Result<(), String> {
        let now = jiff::Timestamp::now().as_millisecond();
        let series = backfill::shifted(&self.attempt.input, self.attempt.case.at, now)?;
        let refused = |error: &NetError| format!("its input was refused: {}", told(error));
        write(prometheus, &series).await.map_err(|error| refused(&error))?;
        self.record(prometheus, now).await.map_err(|error| refused(&error))?;
        let folder = rule_folder(self.number);
        let rules: Vec<_> =
            self.rules.iter().map(|(name, text)| (format!("{folder}/{name}"), text.clone())).collect();
        let uploaded = self.sandbox.upload(&self.prometheus.name, "/etc/prometheus", &rules).await;
        uploaded.map_err(|error| error.message)?;
        prometheus.reload().await.map_err(|error| format!("its rules were refused: {}", told(&error)))
    }

    /// Writes what the recording rules that the alert reads would have recorded until now.
    async fn record(&self, prometheus: &Prometheus, now: i64) -> Result<(), NetError> {
        let (at, interval) = (self.attempt.case.at, self.attempt.input.evaluation_interval);
        let Some(step) = recording_rules::step(at, interval) else { return Ok(()) };
        #[expect(clippy::cast_precision_loss, reason = "milliseconds since the epoch fit")]
        let end = now as f64 / 1000.0;
        let files = self.drill.rule_files.iter().map(|(_, file)| file);
        for recording in recording_rules::needed(files, &self.attempt.target.alert) {
            let matrix = prometheus.query_range(&recording.expr, end - at.as_secs_f64(), end, step).await?;
            write(prometheus, &recording_rules::series(&recording, &matrix)).await?;
        }
        Ok(())
    }

    async fn follow(
        &self,
        prometheus: &Prometheus,
        alertmanager: &Alertmanager,
        began: Instant,
        delivery: &mut Delivery,
    ) -> Result<(), String> {
        let mut suppressed_since: Option<Instant> = None;
        loop {
            let late = began.elapsed() > self.drill.timeout;
            let arrivals = self.sink.arrivals(self.number);
            let fired_at = self.note_alerts(&arrivals, began, delivery);
            if let Some(fired_at) = fired_at {
                let known = self.routed(alertmanager).await.map_err(|error| told(&error))?;
                self.note_messages(&arrivals, fired_at, &known.receivers, delivery);
                delivery.inhibited_by = known.inhibited_by;
                let complete = !delivery.receivers.is_empty()
                    && delivery
                        .receivers
                        .iter()
                        .flat_map(|receiver| &receiver.integrations)
                        .all(|one| one.delivered);
                let inhibited = !delivery.inhibited_by.is_empty();
                let since = *suppressed_since.get_or_insert_with(Instant::now);
                if !inhibited {
                    suppressed_since = None;
                }
                if (complete && !inhibited) || (inhibited && since.elapsed() > SUPPRESSED) {
                    return Ok(());
                }
                let overdue = fired_at.elapsed() > OVERDUE && !inhibited;
                if late
                    || (overdue
                        && self.has_given_up(alertmanager, delivery).await.map_err(|error| told(&error))?)
                {
                    return Ok(());
                }
            } else if late || began.elapsed() > PATIENCE {
                if let Some(problem) = self.why_quiet(prometheus).await.map_err(|error| told(&error))? {
                    return Err(problem);
                }
                if late {
                    return Err(format!("it did not fire within {} s", self.drill.timeout.as_secs()));
                }
            }
            sleep(PAUSE).await;
        }
    }
}

async fn write(prometheus: &Prometheus, series: &[TimeSeries]) -> Result<(), NetError> {
    if series.is_empty() {
        return Ok(());
    }
    prometheus.write(remote_write::CONTENT_TYPE, &remote_write::HEADERS, remote_write::body(series)).await
}
