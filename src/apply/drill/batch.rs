//! Some alerts at once: a container of Prometheus processes, one of Alertmanagers, and a sink.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::alert_run::AlertRun;
use super::process;
use super::sandbox::{Sandbox, Scratch, Wanted};
use super::sink::Sink;
use super::{Attempt, Drill};
use crate::drill::receivers::{self, Receiver};
use crate::drill::report::Delivery;
use crate::drill::shortened_rules;
use crate::engine::Engine;
use crate::error::{Error, ExitCode};
use crate::model::ServiceKind;
use crate::store::tarball;

/// The port of the first process inside a container.
const FIRST_PORT: u16 = 9100;
/// A hosts file is never larger.
const LARGEST_HOSTS: usize = 64 * 1024;

pub(super) struct Batch<'a, E> {
    pub(super) sandbox: &'a Sandbox<'a, E>,
    pub(super) drill: &'a Drill<'a>,
    pub(super) number: usize,
    /// Rule files that promtool accepts.
    pub(super) valid: &'a [String],
    pub(super) attempts: &'a [Attempt],
}

/// What a wave leaves.
pub(super) struct Done {
    /// The alert's key → what became of it.
    pub(super) deliveries: BTreeMap<String, Delivery>,
    /// What is to be said about the receivers.
    pub(super) notes: Vec<String>,
    /// No longer needed.
    pub(super) containers: [Scratch; 2],
}

/// The two containers.
struct Pair {
    prometheus: Scratch,
    alertmanager: Scratch,
}

impl<E: Engine> Batch<'_, E> {
    pub(super) async fn run(&self) -> Result<Done, Error> {
        let pair = self.containers().await?;
        let sink = self.sink(&pair).await?;
        let (receivers, notes) = self.configure(&pair, &sink).await?;
        let rules = self.rules();
        let slots = self.attempts.iter().enumerate().map(|(number, attempt)| {
            let slot = AlertRun {
                sandbox: self.sandbox,
                drill: self.drill,
                sink: &sink,
                attempt,
                receivers: &receivers,
                rules: &rules,
                number,
                port: port(number),
                prometheus: &pair.prometheus,
                alertmanager: &pair.alertmanager,
            };
            async move {
                let delivery = slot.run().await;
                self.sandbox.one_more(&attempt.target.key);
                (attempt.target.key.clone(), delivery)
            }
        });
        let deliveries: BTreeMap<String, Delivery> = join_all(slots).await.into_iter().collect();
        if sink.is_silent() && deliveries.values().any(|delivery| delivery.fired) {
            return Err(Error::new(ExitCode::Failed, "alerts fire, but nothing reaches this machine from the containers")
                .hint("a firewall on this machine probably drops what comes from the engine's bridge; allow it, for example `iptables -I INPUT -i docker0 -j ACCEPT`"));
        }
        Ok(Done { deliveries, notes, containers: [pair.prometheus, pair.alertmanager] })
    }

    async fn containers(&self) -> Result<Pair, Error> {
        let ports: Vec<u16> = (0..self.attempts.len()).map(port).collect();
        let idle = json!({"route": {"receiver": "none"}, "receivers": [{"name": "none"}]}).to_string();
        let mut alertmanager_files = vec![("idle.yml".to_owned(), idle)];
        let set = super::files(self.sandbox.desired, ServiceKind::Alertmanager)?;
        for (path, file) in &set.files {
            // Templates only: the configuration is made for each alert, and no secret is needed.
            if let (false, Some(name)) =
                (file.is_secret(), path.strip_prefix(&format!("{}/templates/", set.root)))
            {
                let text = String::from_utf8_lossy(file.bytes()).into_owned();
                alertmanager_files.push((format!("templates/{name}"), text));
            }
        }
        let (first, second) =
            (format!("prometheus-{}", self.number), format!("alertmanager-{}", self.number));
        let prometheus = Wanted {
            service: ServiceKind::Prometheus,
            part: &first,
            command: process::idle_prometheus(),
            ports: ports.clone(),
            networked: true,
            files: vec![("idle.yml".to_owned(), "{}".to_owned())],
        };
        let alertmanager = Wanted {
            service: ServiceKind::Alertmanager,
            part: &second,
            command: process::idle_alertmanager(),
            ports,
            networked: true,
            files: alertmanager_files,
        };
        self.sandbox.connect().await?;
        let (prometheus, alertmanager) =
            tokio::join!(self.sandbox.container(prometheus), self.sandbox.container(alertmanager));
        Ok(Pair { prometheus: prometheus?, alertmanager: alertmanager? })
    }

    async fn sink(&self, pair: &Pair) -> Result<Sink, Error> {
        let archive = self.sandbox.session.engine.download(&pair.alertmanager.name, "/etc/hosts").await?;
        let files = tarball::extract(&archive, LARGEST_HOSTS).unwrap_or_default();
        let hosts = files.first().map(|file| String::from_utf8_lossy(&file.bytes).into_owned());
        Sink::open(&hosts.unwrap_or_default(), super::sandbox::nonce() + self.sandbox.id()).await
    }

    /// Writes a configuration for every process.
    async fn configure(&self, pair: &Pair, sink: &Sink) -> Result<(Vec<Receiver>, Vec<String>), Error> {
        let desired = self.sandbox.desired;
        let theirs = super::rendered(desired, ServiceKind::Prometheus, "/etc/prometheus/prometheus.yml")?;
        let routing =
            super::rendered(desired, ServiceKind::Alertmanager, "/etc/alertmanager/alertmanager.yml")?;
        let (mut prometheus, mut alertmanager) = (Vec::new(), Vec::new());
        let (mut receivers, mut notes) = (Vec::new(), Vec::new());
        for (number, attempt) in self.attempts.iter().enumerate() {
            prometheus.push((
                process::config_name(number),
                Self::prometheus(&theirs, pair, sink, number, attempt).to_string(),
            ));
            let address = |receiver, integration| sink.url(number, receiver, integration);
            let scratch = receivers::sandbox_config(
                &routing,
                &attempt.target.alert,
                &attempt.target.labels,
                attempt.has_company(),
                &address,
            );
            alertmanager.push((process::config_name(number), scratch.config.to_string()));
            receivers = scratch.receivers;
            notes.extend(scratch.notes);
        }
        self.sandbox.upload(&pair.prometheus.name, "/etc/prometheus", &prometheus).await?;
        self.sandbox.upload(&pair.alertmanager.name, "/etc/alertmanager", &alertmanager).await?;
        Ok((receivers, notes))
    }

    fn prometheus(theirs: &Value, pair: &Pair, sink: &Sink, number: usize, attempt: &Attempt) -> Value {
        let pass_on = attempt.forecast.clone().map(|mut names| {
            names.insert(attempt.target.alert.clone());
            names
        });
        shortened_rules::prometheus(
            theirs,
            &shortened_rules::Prometheus {
                rule_files: &format!("{}/*.yml", process::rule_folder(number)),
                alertmanager: &format!("{}:{}", pair.alertmanager.name, port(number)),
                tap: (&sink.host(), &sink.tap_path(number)),
                pass_on: pass_on.as_ref(),
                window: &crate::drill::backfill::window(attempt.case.at),
            },
        )
    }

    /// (name, text) of the rules with their times cut short.
    fn rules(&self) -> Vec<(String, String)> {
        let valid = self.drill.rule_files.iter().filter(|(path, _)| self.valid.contains(path));
        valid.map(|(path, file)| (path.clone(), shortened_rules::rules(file))).collect()
    }
}

impl Attempt {
    /// True when other alerts fire beside it, or may.
    fn has_company(&self) -> bool {
        self.forecast.as_ref().is_none_or(|names| names.iter().any(|name| *name != self.target.alert))
    }
}

fn port(number: usize) -> u16 {
    FIRST_PORT.saturating_add(u16::try_from(number).unwrap_or(u16::MAX))
}
