//! Flags over environment over `.env` over the file over defaults → [`Settings`], with all problems.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::model::loopback;
use crate::model::{Diagnostic, ImageRef, Place, PromDuration, Secret, ServiceKind, Severity, StackName};
use crate::settings::dotenv::{self, Variables};
use crate::settings::env_vars::{self, VARIABLES};
use crate::settings::fields::FIELDS;
use crate::settings::reader::{self, Values};
use crate::settings::{
    GrafanaSettings, LinkSettings, LogLevel, PrometheusSettings, ReceiverSettings, RedisSettings,
    ResourceSettings, SecuritySettings, Settings, WebAuth, pasted, placeholders, problem, receivers, scalar,
    targets, tree,
};

/// Grafana's documented first password.
pub(super) const DEFAULT_PASSWORD: &str = "changeme";

/// The texts and maps that settings come from; nothing is read here.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    /// (name as shown, text)
    pub settings_file: Option<(&'a str, &'a str)>,
    pub dotenv: Option<(&'a str, &'a str)>,
    pub environment: &'a BTreeMap<String, String>,
    pub flags: &'a FlagOverrides,
}

/// What the command line overrides.
#[derive(Clone, Debug, Default)]
pub struct FlagOverrides {
    pub with: Vec<ServiceKind>,
    pub without: Vec<ServiceKind>,
    /// Placeholders stand for secrets that are not set, for commands that only look at the files.
    pub placeholders: bool,
}

/// Settings, and every problem. With a problem of severity `Error` there are no settings.
pub fn resolve(sources: &Sources<'_>) -> (Option<Settings>, Vec<Diagnostic>) {
    let mut problems = Vec::new();
    let mut values = file_values(sources, &mut problems);
    let known = targets::variable_names(&values);
    let mut variables = dotenv::variables(sources.dotenv, sources.environment, &known, &mut problems);
    pasted::check(&variables, &known, &mut problems);
    if sources.flags.placeholders {
        placeholders::fill(&mut variables, &known);
    }
    contradictions(sources.flags, &mut problems);
    shadowed(&values, &variables, &mut problems);
    override_values(&mut values, &variables, &mut problems);
    let resolver = Resolver { values: &values, variables: &variables, flags: sources.flags };
    let settings = resolver.settings(&mut problems);
    if let Some(settings) = &settings {
        super::rules::check(settings, &values, &mut problems);
    }
    problems.sort_by(|a, b| a.place.cmp(&b.place));
    let failed = problems.iter().any(|problem| problem.severity == Severity::Bug);
    (settings.filter(|_| !failed), problems)
}

fn file_values(sources: &Sources<'_>, problems: &mut Vec<Diagnostic>) -> Values {
    let Some((file, text)) = sources.settings_file else { return Values::default() };
    match tree::parse(file, text) {
        Ok(document) => reader::read(file, &document, problems),
        Err(problem) => {
            problems.push(problem);
            Values::default()
        }
    }
}

/// Lets variables that name a field replace the file's value, under the same checks.
fn override_values(values: &mut Values, variables: &Variables, problems: &mut Vec<Diagnostic>) {
    for variable in VARIABLES {
        let Some((located, path)) = variables.get(variable.name).zip(variable.overrides) else { continue };
        let Some(field) = FIELDS.iter().find(|field| field.path == path) else { continue };
        match scalar::check_text(field.kind, &located.value) {
            Ok(()) => {
                let place = located.place.clone().unwrap_or_else(|| environment_place(variable.name));
                values.set(field.path, located.value.clone(), place);
            }
            Err((message, hint)) => {
                let mut problem =
                    problem::error(format!("{}: {message}", variable.name), located.place.clone());
                problem.fix = hint;
                problems.push(problem);
            }
        }
    }
}

/// A line of `.env` that wins over a setting: whoever changes the setting wonders why nothing happens.
fn shadowed(values: &Values, variables: &Variables, problems: &mut Vec<Diagnostic>) {
    for variable in VARIABLES {
        let Some((located, path)) = variables.get(variable.name).zip(variable.overrides) else { continue };
        let set = values.text(path).filter(|text| *text != located.value && !is_default(path, text));
        if let (Some(_), Some(place)) = (set, &located.place) {
            let text = format!("`{}` wins over `{path}` of the settings file", variable.name);
            problems.push(
                problem::warning(text, Some(place.clone()))
                    .fix("remove one of the two: what stands in .env is in force"),
            );
        }
    }
}

/// What `init` writes into every settings file is nobody's choice. (Of images it is said in any case: a pinned version
/// that is not the one in use misleads.)
fn is_default(path: &str, text: &str) -> bool {
    match path.strip_prefix("ports.") {
        Some(key) => ServiceKind::ALL
            .iter()
            .any(|service| service.key() == key && service.defaults().port.to_string() == text),
        None => (path, text) == ("stack", "confidex") || (path, text) == ("bind", "127.0.0.1"),
    }
}

fn contradictions(flags: &FlagOverrides, problems: &mut Vec<Diagnostic>) {
    for service in flags.with.iter().filter(|service| flags.without.contains(service)) {
        let text = format!("`--with {service}` and `--without {service}` contradict each other");
        problems.push(problem::error(text, None).fix("give one of them"));
    }
}

fn environment_place(name: &str) -> Place {
    Place { file: format!("the environment variable {name}"), line: 0, column: 0, length: 1 }
}

struct Resolver<'a> {
    values: &'a Values,
    variables: &'a Variables,
    flags: &'a FlagOverrides,
}

impl Resolver<'_> {
    fn settings(&self, problems: &mut Vec<Diagnostic>) -> Option<Settings> {
        let bind: IpAddr = self.text("bind", "127.0.0.1").parse().ok()?;
        Some(Settings {
            stack: StackName::new(self.text("stack", "confidex"))?,
            bind,
            ports: self.ports(),
            images: self.images(),
            log_level: self.log_level(),
            prometheus: self.prometheus()?,
            grafana: self.grafana(bind, problems),
            redis: self.redis(problems),
            targets: targets::resolve(self.values, self.variables, problems),
            receivers: self.receivers(problems)?,
            links: self.links(),
            resources: ServiceKind::ALL
                .into_iter()
                .map(|service| (service, self.resources(service)))
                .collect(),
            security: self.security(bind, problems),
            without: self.flags.without.clone(),
        })
    }

    fn text<'b>(&'b self, path: &str, default: &'b str) -> &'b str {
        self.values.text(path).unwrap_or(default)
    }

    fn duration(&self, path: &str, default: &str) -> Option<PromDuration> {
        PromDuration::parse(self.text(path, default))
    }

    fn secret(&self, name: &str) -> Option<Secret> {
        self.variables.get(name).map(|located| Secret::new(located.value.clone()))
    }

    fn ports(&self) -> BTreeMap<ServiceKind, u16> {
        let port = |service: ServiceKind| {
            let set = self.values.text(&format!("ports.{}", service.key()));
            set.and_then(|text| text.parse().ok()).unwrap_or(service.defaults().port)
        };
        ServiceKind::ALL.into_iter().map(|service| (service, port(service))).collect()
    }

    fn images(&self) -> BTreeMap<ServiceKind, ImageRef> {
        let image = |service: ServiceKind| {
            ImageRef::new(self.text(&format!("images.{}", service.key()), service.defaults().image))
        };
        ServiceKind::ALL.into_iter().filter_map(|service| Some((service, image(service)?))).collect()
    }

    fn log_level(&self) -> LogLevel {
        match self.text("log_level", "info") {
            "debug" => LogLevel::Debug,
            "warn" => LogLevel::Warn,
            "error" => LogLevel::Error,
            _ => LogLevel::Info,
        }
    }

    fn prometheus(&self) -> Option<PrometheusSettings> {
        Some(PrometheusSettings {
            retention_time: self.duration("prometheus.retention_time", "15d")?,
            retention_size: Some(self.text("prometheus.retention_size", "5GB").to_owned())
                .filter(|size| size != "none"),
            scrape_interval: self.duration("prometheus.scrape_interval", "15s")?,
            scrape_timeout: self.duration("prometheus.scrape_timeout", "10s")?,
            evaluation_interval: self.duration("prometheus.evaluation_interval", "15s")?,
            external_labels: self.values.labels("prometheus.external_labels"),
        })
    }

    fn grafana(&self, bind: IpAddr, problems: &mut Vec<Diagnostic>) -> GrafanaSettings {
        let set = self.secret(env_vars::GRAFANA_ADMIN_PASSWORD);
        let is_default = set.as_ref().is_none_or(|password| password.reveal() == DEFAULT_PASSWORD);
        if is_default && bind.is_loopback() {
            problems.push(
                problem::warning(
                    "the settings leave Grafana's admin password at the default `changeme`",
                    None,
                )
                .fix("set GRAFANA_ADMIN_PASSWORD in .env"),
            );
        } else if is_default {
            problems.push(
                problem::error(
                    format!("the default Grafana password is refused while ports are published on {bind}"),
                    self.values.place("bind").cloned(),
                )
                .fix("set GRAFANA_ADMIN_PASSWORD in .env, or bind to 127.0.0.1"),
            );
        }
        GrafanaSettings {
            admin_user: self.text("grafana.admin_user", "admin").to_owned(),
            admin_password: set.unwrap_or_else(|| Secret::new(DEFAULT_PASSWORD)),
            password_is_default: is_default,
        }
    }

    fn redis(&self, problems: &mut Vec<Diagnostic>) -> RedisSettings {
        let redis = ServiceKind::Redis;
        let enabled = (self.text("redis.enabled", "false") == "true" || self.flags.with.contains(&redis))
            && !self.flags.without.contains(&redis);
        let exporter = ServiceKind::RedisExporter;
        if !enabled && self.flags.with.contains(&exporter) {
            problems.push(
                problem::error("`--with redis-exporter` needs a Redis to watch", None)
                    .fix("give `--with redis` too, or set `redis.enabled: true`"),
            );
        }
        let password = self.secret(env_vars::REDIS_PASSWORD);
        if enabled && password.is_none() {
            problems.push(
                problem::error(
                    "redis is enabled, but REDIS_PASSWORD is not set",
                    self.values.place("redis.enabled").cloned(),
                )
                .fix("set REDIS_PASSWORD in .env"),
            );
        }
        RedisSettings {
            enabled,
            password,
            max_memory: self.text("redis.max_memory", "256mb").to_owned(),
            append_only: self.text("redis.append_only", "true") == "true",
            exporter: self.text("redis.exporter", "true") == "true" || self.flags.with.contains(&exporter),
        }
    }

    fn receivers(&self, problems: &mut Vec<Diagnostic>) -> Option<ReceiverSettings> {
        let mut webhook = |name: &str| {
            let secret = self.secret(name)?;
            if scalar::url(secret.reveal()).is_none() {
                let place = self.variables.get(name).and_then(|located| located.place.clone());
                problems.push(
                    problem::error(format!("`{name}` is not an http or https URL"), place)
                        .fix("copy the whole webhook URL; its value is not shown here"),
                );
            }
            let Some(reachable) = loopback::at_engine_host(secret.reveal()) else { return Some(secret) };
            let place = self.variables.get(name).and_then(|located| located.place.clone());
            let text = format!(
                "`{name}` names this machine, which inside Alertmanager's container is the container itself; it is sent to `{}` instead",
                loopback::ENGINE_HOST
            );
            problems
                .push(problem::warning(text, place).fix(format!("write `{}` there", loopback::ENGINE_HOST)));
            Some(Secret::new(reachable))
        };
        Some(ReceiverSettings {
            slack_webhook: webhook(env_vars::SLACK_WEBHOOK_URL),
            slack_webhook_critical: webhook(env_vars::SLACK_WEBHOOK_CRITICAL),
            webhook_url: webhook(env_vars::ALERT_WEBHOOK_URL),
            slack_channel: self.text("receivers.slack_channel", "#confidex-alerts").to_owned(),
            slack_channel_critical: self
                .text("receivers.slack_channel_critical", "#confidex-alerts-critical")
                .to_owned(),
            others: receivers::resolve(self.values, self.variables, problems),
            pagerduty_service_key: self.secret(env_vars::PAGERDUTY_SERVICE_KEY),
            pagerduty_url: self.values.text("receivers.pagerduty_url").map(str::to_owned),
            backend_down_alert: self.text("receivers.backend_down_alert", "ConfidexBackendDown").to_owned(),
            group_wait: self.duration("receivers.group_wait", "30s")?,
            group_interval: self.duration("receivers.group_interval", "5m")?,
            repeat_interval: self.duration("receivers.repeat_interval", "4h")?,
        })
    }

    fn links(&self) -> LinkSettings {
        let link = |name: &str| self.values.text(&format!("links.{name}")).map(str::to_owned);
        LinkSettings {
            grafana: link("grafana"),
            prometheus: link("prometheus"),
            alertmanager: link("alertmanager"),
            runbooks: link("runbooks"),
            dashboard: link("dashboard"),
        }
    }

    fn resources(&self, service: ServiceKind) -> ResourceSettings {
        let text = |name: &str| self.values.text(&format!("resources.{}.{name}", service.key()));
        let defaults = service.defaults();
        ResourceSettings {
            memory: scalar::memory(text("memory").unwrap_or(defaults.memory)).and_then(scalar::Limit::value),
            nano_cpus: text("cpus").and_then(scalar::cpus).and_then(scalar::Limit::value),
            pids: text("pids").and_then(|text| text.parse().ok()).unwrap_or(defaults.pids),
        }
    }

    fn security(&self, bind: IpAddr, problems: &mut Vec<Diagnostic>) -> SecuritySettings {
        let wanted = self.text("security.web_auth", "false") == "true";
        let password = self.secret(env_vars::WEB_AUTH_PASSWORD);
        let place = self.values.place("security.web_auth").cloned();
        if !wanted && !bind.is_loopback() {
            problems.push(
                problem::error(
                    format!("Prometheus and Alertmanager would be open to everybody who reaches {bind}"),
                    self.values.place("bind").cloned(),
                )
                .fix("set `security.web_auth: true` and WEB_AUTH_PASSWORD in .env, or bind to 127.0.0.1"),
            );
        }
        if wanted && password.is_none() {
            problems.push(
                problem::error("`security.web_auth` is on, but WEB_AUTH_PASSWORD is not set", place)
                    .fix("set WEB_AUTH_PASSWORD in .env"),
            );
        }
        let username = self.text("security.web_auth_username", "confidexmon").to_owned();
        SecuritySettings {
            web_auth: password.filter(|_| wanted).map(|password| WebAuth { username, password }),
            lifecycle_api: match self.text("security.lifecycle_api", "auto") {
                "true" => Some(true),
                "false" => Some(false),
                _ => None,
            },
        }
    }
}
