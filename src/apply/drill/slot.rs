//! One alert: its Prometheus, its Alertmanager, and what becomes of it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::sink::{Arrival, Sink, What};
use super::stage::{Scratch, Stage};
use super::{Attempt, Drill};
use crate::drill::feed;
use crate::drill::message;
use crate::drill::receivers::Receiver;
use crate::drill::remote_write;
use crate::drill::report::{Delivery, IntegrationReport, ReceiverReport};
use crate::engine::{Engine, EngineError, ExecOutput};
use crate::model::ServiceKind;
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
/// The deadline of one request to a process that shares two cores with many others.
const REQUEST: Duration = Duration::from_secs(10);

/// An alert that fires before Prometheus knows its Alertmanagers is dropped, and sent again after a
/// minute by default.
const RESEND: &str = "5s";

pub(super) struct Slot<'a, E> {
    pub(super) stage: &'a Stage<'a, E>,
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

/// The first process of a container only keeps it alive.
pub(super) fn idle_prometheus() -> Vec<String> {
    [
        "--config.file=/etc/prometheus/idle.yml",
        "--storage.tsdb.path=/prometheus/idle",
        "--web.listen-address=127.0.0.1:9099",
        "--log.level=warn",
    ]
    .map(str::to_owned)
    .to_vec()
}

pub(super) fn idle_alertmanager() -> Vec<String> {
    [
        "--config.file=/etc/alertmanager/idle.yml",
        "--storage.path=/alertmanager/idle",
        "--web.listen-address=127.0.0.1:9099",
        "--cluster.listen-address=",
        "--log.level=warn",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// The configuration of a process, below its service's config root.
pub(super) fn config_name(number: usize) -> String {
    format!("slot-{number}.yml")
}

/// Where the rules of a Prometheus appear once it has its samples, below its config root.
pub(super) fn rule_folder(number: usize) -> String {
    format!("slot-{number}")
}

impl<E: Engine> Slot<'_, E> {
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
                () = self.stage.applier.cancel.cancelled() => Err("stopped by a signal".to_owned()),
                words = self.process(self.alertmanager, self.alertmanager_command()) => Err(format!("its Alertmanager ended: {words}")),
            }
        };
        if let Err(problem) = work.await {
            delivery.problems.push(problem);
        }
        delivery
    }

    fn prometheus_command(&self) -> Vec<String> {
        let mut command: Vec<String> = vec![
            "prometheus".to_owned(),
            format!("--config.file=/etc/prometheus/{}", config_name(self.number)),
            format!("--storage.tsdb.path=/prometheus/slot-{}", self.number),
            format!("--web.listen-address=:{}", self.port),
            "--web.route-prefix=/".to_owned(),
            "--web.enable-remote-write-receiver".to_owned(),
            "--web.enable-lifecycle".to_owned(),
            format!("--rules.alert.resend-delay={RESEND}"),
            "--log.level=warn".to_owned(),
        ];
        command.extend(self.external_url(ServiceKind::Prometheus));
        command
    }

    fn alertmanager_command(&self) -> Vec<String> {
        let mut command: Vec<String> = vec![
            "alertmanager".to_owned(),
            format!("--config.file=/etc/alertmanager/{}", config_name(self.number)),
            format!("--storage.path=/alertmanager/slot-{}", self.number),
            format!("--web.listen-address=:{}", self.port),
            "--web.route-prefix=/".to_owned(),
            "--cluster.listen-address=".to_owned(),
            "--log.level=warn".to_owned(),
        ];
        command.extend(self.external_url(ServiceKind::Alertmanager));
        command
    }

    /// The links in a message are those of the project's own services.
    fn external_url(&self, service: ServiceKind) -> Option<String> {
        let wanted = self.stage.desired.services.get(&service)?;
        wanted.spec.command.iter().find(|argument| argument.starts_with("--web.external-url=")).cloned()
    }

    /// Runs a process in its container; comes back only when the process is gone.
    async fn process(&self, container: &Scratch, command: Vec<String>) -> String {
        match self.stage.applier.engine.exec(&container.name, &command, None).await {
            Ok(output) => last_words(&output),
            // A call ends before such a process does; the process goes on.
            Err(error) if unfinished(&error) => std::future::pending().await,
            Err(error) => format!("{error}: {}", error.source),
        }
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
        self.feed(&prometheus).await?;
        let began = Instant::now();
        self.follow(&prometheus, &alertmanager, began, delivery).await
    }

    /// Samples first, then the rules: nothing may be judged on an empty database.
    async fn feed(&self, prometheus: &Prometheus) -> Result<(), String> {
        let now = jiff::Timestamp::now().as_millisecond();
        let series = feed::shifted(&self.attempt.input, self.attempt.case.at, now)?;
        if !series.is_empty() {
            let body = remote_write::body(&series);
            let written = prometheus.write(remote_write::CONTENT_TYPE, &remote_write::HEADERS, body).await;
            written.map_err(|error| format!("its input was refused: {}", told(&error)))?;
        }
        let folder = rule_folder(self.number);
        let rules: Vec<_> =
            self.rules.iter().map(|(name, text)| (format!("{folder}/{name}"), text.clone())).collect();
        let uploaded = self.stage.upload(&self.prometheus.name, "/etc/prometheus", &rules).await;
        uploaded.map_err(|error| error.message)?;
        prometheus.reload().await.map_err(|error| format!("its rules were refused: {}", told(&error)))
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
                if (complete && !inhibited) || (inhibited && since.elapsed() > SUPPRESSED) || late {
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

    /// What Prometheus has sent: our alert's labels and texts, and who else fired.
    fn note_alerts(&self, arrivals: &[Arrival], began: Instant, delivery: &mut Delivery) -> Option<Instant> {
        let mut others = BTreeSet::new();
        let mut fired_at = None;
        for arrival in arrivals {
            let What::Alerts(alerts) = &arrival.what else { continue };
            for alert in alerts.as_array().into_iter().flatten() {
                let labels = super::slot::texts(&alert["labels"]);
                match labels.get("alertname") {
                    Some(name) if *name == self.attempt.alert => {
                        fired_at.get_or_insert(arrival.at);
                        delivery.annotations = texts(&alert["annotations"]);
                        if !delivery.labels.contains(&labels) {
                            delivery.labels.push(labels);
                        }
                    }
                    Some(name) => {
                        others.insert(name.clone());
                    }
                    None => {}
                }
            }
        }
        delivery.also_fired = others.into_iter().collect();
        if let Some(at) = fired_at {
            delivery.fired = true;
            delivery.fired_after_ms = Some(at.saturating_duration_since(began).as_millis());
        }
        fired_at
    }

    /// Which messages have arrived of those that the receivers owe.
    fn note_messages(
        &self,
        arrivals: &[Arrival],
        fired_at: Instant,
        routed: &BTreeSet<String>,
        delivery: &mut Delivery,
    ) {
        delivery.receivers.clear();
        for (number, receiver) in
            self.receivers.iter().enumerate().filter(|(_, one)| routed.contains(&one.name))
        {
            let integrations = receiver.kinds.iter().enumerate().map(|(index, kind)| {
                let arrived = arrivals.iter().find_map(|arrival| match &arrival.what {
                    What::Message { receiver, integration, body }
                        if (*receiver, *integration) == (number, index) =>
                    {
                        Some((arrival.at, body))
                    }
                    _ => None,
                });
                let Some((at, body)) = arrived else {
                    return IntegrationReport { kind: kind.clone(), ..IntegrationReport::default() };
                };
                IntegrationReport {
                    kind: kind.clone(),
                    delivered: true,
                    notified_after_ms: Some(at.saturating_duration_since(fired_at).as_millis()),
                    message: Some(message::preview(kind, body)),
                    problems: message::problems(kind, body, &delivery.annotations, &self.drill.links),
                }
            });
            let integrations = integrations.collect();
            delivery.receivers.push(ReceiverReport {
                name: receiver.name.clone(),
                empty: receiver.empty,
                integrations,
            });
        }
    }

    /// What the Alertmanager makes of the alert.
    async fn routed(&self, alertmanager: &Alertmanager) -> Result<Routed, NetError> {
        let all = alertmanager.alerts("").await?;
        let name =
            |alert: &serde_json::Value| alert["labels"]["alertname"].as_str().unwrap_or_default().to_owned();
        let all = all.as_array().cloned().unwrap_or_default();
        let ours: Vec<_> = all.iter().filter(|alert| name(alert) == self.attempt.alert).collect();
        let mut routed = Routed::default();
        for receiver in ours.iter().flat_map(|alert| alert["receivers"].as_array().into_iter().flatten()) {
            routed.receivers.extend(receiver["name"].as_str().map(str::to_owned));
        }
        // One instance that gets through is enough to be told.
        let suppressed = |alert: &&serde_json::Value| alert["status"]["state"] == "suppressed";
        if !ours.is_empty() && ours.iter().all(suppressed) {
            let prints =
                ours.iter().flat_map(|alert| alert["status"]["inhibitedBy"].as_array().into_iter().flatten());
            let sources: BTreeSet<&str> = prints.filter_map(serde_json::Value::as_str).collect();
            let inhibitors = all
                .iter()
                .filter(|alert| alert["fingerprint"].as_str().is_some_and(|print| sources.contains(print)));
            let names: BTreeSet<String> = inhibitors.map(name).collect();
            routed.inhibited_by = names.into_iter().collect();
        }
        Ok(routed)
    }

    /// Why a rule that was evaluated says nothing; `None` while it may still.
    async fn why_quiet(&self, prometheus: &Prometheus) -> Result<Option<String>, NetError> {
        let groups = prometheus.rules().await?;
        let rule = groups
            .iter()
            .flat_map(|group| &group.rules)
            .find(|rule| rule.name == self.attempt.alert && rule.kind == "alerting");
        Ok(match rule {
            None => Some("its rule was not loaded".to_owned()),
            Some(rule) if rule.health == "err" => {
                Some(format!("its rule fails: {}", rule.last_error.clone().unwrap_or_default()))
            }
            Some(rule) if rule.health == "ok" && rule.state.as_deref() == Some("inactive") => Some(format!(
                "it did not fire in its own scenario `{}` (rules/{})",
                self.attempt.case.test, self.attempt.file
            )),
            Some(_) => None,
        })
    }
}

#[derive(Default)]
struct Routed {
    receivers: BTreeSet<String>,
    inhibited_by: Vec<String>,
}

/// The texts of a JSON object.
fn texts(object: &serde_json::Value) -> std::collections::BTreeMap<String, String> {
    let fields = object.as_object().into_iter().flatten();
    fields.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

fn told(error: &NetError) -> String {
    let causes = crate::error::chain(error);
    causes.last().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

fn unfinished(error: &EngineError) -> bool {
    error.source.to_string().starts_with("it did not end within")
}

/// The end of what a process said, in one line.
fn last_words(output: &ExecOutput) -> String {
    let text = format!("{}{}", output.stdout, output.stderr);
    let line = text
        .lines()
        .rev()
        .find(|line| line.contains("err=") || line.contains("level=ERROR"))
        .or(text.lines().last());
    format!("exit code {}, {}", output.exit_code, crate::net::http::one_line(line.unwrap_or("no words")))
}
