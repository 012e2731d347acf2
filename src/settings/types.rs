//! The settings after every source has been read, checked and merged. Values here are valid.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::model::{ImageRef, PromDuration, Secret, ServiceKind, StackName};
use crate::settings::env_vars;
use crate::settings::receivers::OtherReceiver;

/// Everything that was configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub stack: StackName,
    /// Address on which every port is published.
    pub bind: IpAddr,
    /// Host port per service; 0 lets the engine choose (tests).
    pub ports: BTreeMap<ServiceKind, u16>,
    pub images: BTreeMap<ServiceKind, ImageRef>,
    pub log_level: LogLevel,
    pub prometheus: PrometheusSettings,
    pub grafana: GrafanaSettings,
    pub redis: RedisSettings,
    /// At least one; the first is the backend.
    pub targets: Vec<TargetSettings>,
    pub receivers: ReceiverSettings,
    pub links: LinkSettings,
    pub resources: BTreeMap<ServiceKind, ResourceSettings>,
    pub security: SecuritySettings,
    /// Services left out by the command line.
    pub without: Vec<ServiceKind>,
}

/// How much the services log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
}

/// `prometheus:` in the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrometheusSettings {
    pub retention_time: PromDuration,
    /// Prometheus's notation, for example `5GB`; `None` for no limit by size.
    pub retention_size: Option<String>,
    pub scrape_interval: PromDuration,
    pub scrape_timeout: PromDuration,
    pub evaluation_interval: PromDuration,
    pub external_labels: BTreeMap<String, String>,
}

/// `grafana:` in the settings, with the administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrafanaSettings {
    pub admin_user: String,
    pub admin_password: Secret,
    /// True when `GRAFANA_ADMIN_PASSWORD` is not set and the documented default is used.
    pub password_is_default: bool,
}

/// `redis:` in the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisSettings {
    pub enabled: bool,
    pub password: Option<Secret>,
    /// Redis's notation, for example `256mb`.
    pub max_memory: String,
    pub append_only: bool,
    /// Whether its exporter runs beside it, so that Prometheus sees it.
    pub exporter: bool,
}

/// One scrape target: a backend, with how to reach it from inside the Prometheus container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetSettings {
    pub job: String,
    /// `http` or `https`.
    pub scheme: String,
    /// `host:port`, IPv6 in brackets.
    pub address: String,
    /// Starts with `/`.
    pub path: String,
    pub interval: Option<PromDuration>,
    pub labels: BTreeMap<String, String>,
    pub auth: TargetAuth,
    pub tls: TargetTls,
    pub insecure_skip_verify: bool,
}

/// Certificates of a target: whom it is believed from, and who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetTls {
    /// The authority that signed the target's certificate.
    pub authority: Option<PemFile>,
    /// The certificate and the key that Prometheus shows.
    pub certificate: Option<PemFile>,
    /// Its key.
    pub key: Option<PemFile>,
}

/// A file in PEM beside the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PemFile {
    /// The setting that names it.
    pub setting: &'static str,
    /// As written: relative to the project folder.
    pub path: String,
    /// Its content, once it was read.
    pub text: Secret,
}

impl TargetTls {
    /// The files that are named, with what each is called in a container.
    pub fn files(&self) -> impl Iterator<Item = (&'static str, &PemFile)> {
        let all = [("ca", &self.authority), ("cert", &self.certificate), ("key", &self.key)];
        all.into_iter().filter_map(|(name, file)| Some((name, file.as_ref()?)))
    }

    /// The same, to be filled in.
    pub fn files_mut(&mut self) -> impl Iterator<Item = &mut PemFile> {
        [&mut self.authority, &mut self.certificate, &mut self.key].into_iter().flatten()
    }
}

/// How a scrape authenticates itself to the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetAuth {
    None,
    Bearer(Secret),
    Basic { username: String, password: Secret },
}

/// `receivers:` in the settings, with the secrets of each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiverSettings {
    pub slack_webhook: Option<Secret>,
    pub slack_channel: String,
    pub slack_webhook_critical: Option<Secret>,
    pub slack_channel_critical: String,
    pub pagerduty_service_key: Option<Secret>,
    /// The Events API to send to; `None` for Alertmanager's own default (the US).
    pub pagerduty_url: Option<String>,
    /// Any HTTP endpoint that takes Alertmanager's webhook JSON; gets every alert.
    pub webhook_url: Option<Secret>,
    /// Receivers of other kinds that are switched on.
    pub others: Vec<OtherReceiver>,
    /// The alert that inhibits all others of the same target while it fires.
    pub backend_down_alert: String,
    pub group_wait: PromDuration,
    pub group_interval: PromDuration,
    pub repeat_interval: PromDuration,
}

impl ReceiverSettings {
    /// True when some receiver would really notify somebody.
    pub fn notifies_somebody(&self) -> bool {
        self.set().next().is_some() || !self.others.is_empty()
    }

    /// The secrets of the receivers that would really notify somebody: what a person calls each, its variable and its
    /// value.
    pub fn set(&self) -> impl Iterator<Item = (&'static str, &'static str, &Secret)> {
        let all = [
            ("Slack", env_vars::SLACK_WEBHOOK_URL, &self.slack_webhook),
            ("Slack", env_vars::SLACK_WEBHOOK_CRITICAL, &self.slack_webhook_critical),
            ("PagerDuty", env_vars::PAGERDUTY_SERVICE_KEY, &self.pagerduty_service_key),
            ("webhook", env_vars::ALERT_WEBHOOK_URL, &self.webhook_url),
        ];
        let others = self.others.iter().map(|one| (one.kind.name, one.kind.variable, &one.secret));
        all.into_iter()
            .chain(others)
            .filter_map(|(kind, variable, value)| Some((kind, variable, value.as_ref()?)))
    }

    /// Their kinds, each once.
    pub fn kinds(&self) -> Vec<&'static str> {
        let mut kinds: Vec<_> = self.set().map(|(kind, ..)| kind).collect();
        kinds.extend(self.others.iter().filter(|one| one.secret.is_none()).map(|one| one.kind.name));
        kinds.dedup();
        kinds
    }
}

/// Base URLs as a person's browser sees them; derived from `bind` and `ports` when not set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkSettings {
    pub grafana: Option<String>,
    pub prometheus: Option<String>,
    pub alertmanager: Option<String>,
    pub runbooks: Option<String>,
    /// Uid of the dashboard that links open when an alert names none.
    pub dashboard: Option<String>,
}

/// Limits of one service's container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceSettings {
    /// Bytes; `None` for no limit.
    pub memory: Option<i64>,
    /// Billionths of a CPU; `None` for no limit.
    pub nano_cpus: Option<i64>,
    pub pids: i64,
}

/// `security:` in the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecuritySettings {
    /// Basic auth before Prometheus and Alertmanager.
    pub web_auth: Option<WebAuth>,
    /// Prometheus's reload endpoint; `None` decides by the bind address (on for loopback).
    pub lifecycle_api: Option<bool>,
}

/// User and password before Prometheus and Alertmanager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebAuth {
    pub username: String,
    pub password: Secret,
}

impl Settings {
    /// The services of this stack, in display order.
    pub fn services(&self) -> Vec<ServiceKind> {
        ServiceKind::ALL
            .into_iter()
            .filter(|kind| match kind {
                ServiceKind::Redis => self.redis.enabled,
                ServiceKind::RedisExporter => self.redis.enabled && self.redis.exporter,
                ServiceKind::Prometheus | ServiceKind::Grafana | ServiceKind::Alertmanager => true,
            })
            .filter(|kind| !self.without.contains(kind))
            .collect()
    }

    /// The jobs under which Prometheus scrapes the stack itself.
    pub fn own_jobs(&self) -> impl Iterator<Item = &'static str> {
        let services = self.services();
        let is_scraped = move |kind: &ServiceKind| match kind {
            ServiceKind::Prometheus | ServiceKind::Grafana | ServiceKind::Alertmanager => true,
            ServiceKind::RedisExporter => services.contains(kind),
            // It speaks to its exporter only.
            ServiceKind::Redis => false,
        };
        ServiceKind::ALL.into_iter().filter(is_scraped).map(ServiceKind::name)
    }

    /// Whether Prometheus's reload endpoint is on.
    pub fn lifecycle_api(&self) -> bool {
        self.security.lifecycle_api.unwrap_or_else(|| self.bind.is_loopback())
    }

    /// The host port of a service; 0 lets the engine choose.
    pub fn port(&self, service: ServiceKind) -> u16 {
        self.ports.get(&service).copied().unwrap_or(0)
    }
}
