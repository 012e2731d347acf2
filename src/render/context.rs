//! The values that templates may use. This is a contract with users' own templates: names stay.

use serde_json::{Value, json};

use crate::model::ServiceKind;
use crate::settings::{Settings, TargetAuth, TargetSettings};

/// Before the part of a secret file's name that follows its content.
const MARK: &str = ".v-";

/// Where secret files lie inside the containers.
pub mod secret_path {
    use crate::model::Secret;
    use crate::model::manifest::sha256;

    /// The URL of Slack's webhook.
    pub const SLACK: &str = "/etc/alertmanager/secrets/slack_webhook_url";
    /// The one for critical alerts.
    pub const SLACK_CRITICAL: &str = "/etc/alertmanager/secrets/slack_webhook_critical";
    /// PagerDuty's integration key.
    pub const PAGERDUTY: &str = "/etc/alertmanager/secrets/pagerduty_service_key";
    /// The URL of any webhook.
    pub const WEBHOOK: &str = "/etc/alertmanager/secrets/webhook_url";
    /// The password before Prometheus and Alertmanager, for Prometheus itself.
    pub const PROMETHEUS_WEB_AUTH: &str = "/etc/prometheus/secrets/web_auth_password";
    /// The password of Grafana's administrator.
    pub const GRAFANA_ADMIN: &str = "/etc/confidexmon/secrets/admin_password";
    /// The line of `redis.conf` with the password.
    pub const REDIS: &str = "/etc/redis/secrets/password.conf";
    /// Redis's password by its address, for its exporter.
    pub const REDIS_EXPORTER: &str = "/etc/redis-exporter/secrets/password.json";

    /// The secret of a receiver that is not among those above.
    pub fn receiver(key: &str, secret: &Secret) -> String {
        named(&format!("/etc/alertmanager/secrets/{key}"), secret)
    }

    /// Where a file lies whose name follows its content. Prometheus goes on with the credential that it
    /// read first, a reload included, until its configuration itself is another one (measured on 3.5);
    /// so the name, which stands in the configuration, changes with the secret. The name can be read by
    /// whoever reads the configuration: guessing costs many rounds for each guess, and few bits are shown.
    pub fn named(path: &str, secret: &Secret) -> String {
        const ROUNDS: u32 = 4096;
        let mut digest = sha256(format!("confidexmon secret\0{path}\0{}", secret.reveal()).as_bytes());
        for _ in 0..ROUNDS {
            digest = sha256(&digest);
        }
        format!("{path}{}{:02x}{:02x}{:02x}", super::MARK, digest[0], digest[1], digest[2])
    }

    /// The name without what follows the content: the same for the old file and the new one.
    pub fn stem(path: &str) -> Option<&str> {
        path.contains("/secrets/").then(|| path.rsplit_once(super::MARK).map(|(stem, _)| stem))?
    }

    /// A certificate or a key of a scrape configuration.
    pub fn target_tls(name: &str, kind: &str, text: &Secret) -> String {
        named(&format!("{}_{kind}", target(name)), text)
    }

    /// The credential of a scrape configuration. Two names never share a file, or one host would be
    /// sent the credential of another.
    pub fn target(name: &str) -> String {
        use std::fmt::Write as _;
        let mut safe = String::new();
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || byte == b'-' {
                safe.push(byte as char);
            } else {
                let _ = write!(safe, "_{byte:02x}");
            }
        }
        format!("/etc/prometheus/secrets/target_{safe}")
    }
}

/// Uids of Grafana's datasources: fixed, so that links and dashboards survive, and of at most 40
/// characters of `[A-Za-z0-9_-]`, or Grafana does not start.
pub const PROMETHEUS_DATASOURCE: &str = "confidex-prometheus";
/// The uid of the datasource behind which Alertmanager stands.
pub const ALERTMANAGER_DATASOURCE: &str = "confidex-alertmanager";

/// The name of each target's scrape configuration. Prometheus wants them unique, while several targets
/// may have one `job`: all but the first get a number.
pub fn scrape_names(targets: &[TargetSettings]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for target in targets {
        let is_free = |name: &String| {
            let is_a_job = *name != target.job && targets.iter().any(|other| other.job == *name);
            !names.contains(name) && !is_a_job
        };
        let numbered = (2..).map(|number| format!("{}-{number}", target.job));
        let name = std::iter::once(target.job.clone()).chain(numbered).find(is_free);
        names.push(name.unwrap_or_default());
    }
    names
}

/// Links as a person's browser sees them, each without a trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Links {
    pub grafana: String,
    pub prometheus: String,
    pub alertmanager: String,
    pub runbook_base: String,
}

/// Links from the settings, else from the address and ports where the stack is published.
pub fn links(settings: &Settings) -> Links {
    let default = |service| format!("http://{}:{}", browser_host(settings), settings.port(service));
    let or_default = |link: &Option<String>, service| {
        link.as_deref().map_or_else(|| default(service), |url| url.trim_end_matches('/').to_owned())
    };
    let grafana = or_default(&settings.links.grafana, ServiceKind::Grafana);
    let runbook_base = settings.links.runbooks.clone().unwrap_or_else(|| format!("{grafana}/d/runbook-"));
    Links {
        prometheus: or_default(&settings.links.prometheus, ServiceKind::Prometheus),
        alertmanager: or_default(&settings.links.alertmanager, ServiceKind::Alertmanager),
        grafana,
        runbook_base,
    }
}

/// `localhost` for loopback and for "all addresses", the address itself otherwise.
pub fn browser_host(settings: &Settings) -> String {
    host_of(settings.bind)
}

/// The same for an address on which something is published.
pub fn host_of(address: std::net::IpAddr) -> String {
    match address {
        ip if ip.is_loopback() || ip.is_unspecified() => "localhost".to_owned(),
        std::net::IpAddr::V6(ip) => format!("[{ip}]"),
        std::net::IpAddr::V4(ip) => ip.to_string(),
    }
}

/// What of the project the templates name.
#[derive(Clone, Copy, Debug)]
pub struct Included<'a> {
    /// Uid of the dashboard that links lead to by default.
    pub overview: &'a str,
    /// Patterns for the rule files, from Prometheus's folder.
    pub rule_files: &'a [String],
    /// The notification templates, from Alertmanager's folder.
    pub templates: &'a [String],
    /// The stack's own services that serve metrics, with their ports.
    pub scraped: &'a [(ServiceKind, u16)],
}

/// The context of every template.
pub fn context(settings: &Settings, included: &Included<'_>) -> Value {
    let links = links(settings);
    json!({
        "stack": settings.stack.as_str(),
        "prometheus": prometheus(settings, included.rule_files),
        "targets": targets(settings),
        "self_targets": self_targets(settings, included.scraped),
        "alertmanager": alertmanager(settings, included.templates),
        "grafana": grafana(settings),
        "links": {
            "grafana_url": links.grafana,
            "prometheus_url": links.prometheus,
            "alertmanager_url": links.alertmanager,
            "runbook_base_url": links.runbook_base,
            "dashboard": included.overview,
        },
        "redis": {
            "password": settings.redis.password.as_ref().map_or("", |password| password.reveal()),
            "password_file": secret_path::REDIS,
            "maxmemory": settings.redis.max_memory,
            "appendonly": settings.redis.append_only,
        },
    })
}

fn prometheus(settings: &Settings, rule_files: &[String]) -> Value {
    let basic_auth =
        settings.security.web_auth.as_ref().map(
            |auth| json!({"username": auth.username, "password_file": secret_path::named(secret_path::PROMETHEUS_WEB_AUTH, &auth.password)}),
        );
    json!({
        "scrape_interval": settings.prometheus.scrape_interval.as_str(),
        "scrape_timeout": settings.prometheus.scrape_timeout.as_str(),
        "evaluation_interval": settings.prometheus.evaluation_interval.as_str(),
        "external_labels": settings.prometheus.external_labels,
        "rule_files": rule_files,
        "alertmanagers": [format!("{}:9093", settings.stack.container(ServiceKind::Alertmanager))],
        "basic_auth": basic_auth,
        "takes_fallback_protocol": !is_version_2(settings),
    })
}

/// Prometheus 2 guesses what an answer without a type is; 3 refuses it unless it is told, and 2 does not know
/// how to be told.
fn is_version_2(settings: &Settings) -> bool {
    let tag = settings.images.get(&ServiceKind::Prometheus).and_then(|image| image.tag());
    tag.is_some_and(|tag| tag.trim_start_matches('v').starts_with("2."))
}

fn targets(settings: &Settings) -> Vec<Value> {
    let names = scrape_names(&settings.targets);
    settings.targets.iter().zip(&names).map(|(one, name)| target(one, name)).collect()
}

fn target(target: &TargetSettings, name: &str) -> Value {
    let file = |secret| secret_path::named(&secret_path::target(name), secret);
    let (authorization_file, basic_auth) = match &target.auth {
        TargetAuth::None => (Value::Null, Value::Null),
        TargetAuth::Bearer(secret) => (json!(file(secret)), Value::Null),
        TargetAuth::Basic { username, password } => {
            (Value::Null, json!({"username": username, "password_file": file(password)}))
        }
    };
    json!({
        "job": target.job,
        "name": name,
        "scheme": target.scheme,
        "address": target.address,
        "path": target.path,
        "labels": target.labels,
        "interval": target.interval.as_ref().map(crate::model::PromDuration::as_str),
        "timeout": Value::Null,
        "authorization_file": authorization_file,
        "basic_auth": basic_auth,
        "tls": target
            .tls
            .files()
            .map(|(kind, file)| (format!("{kind}_file"), json!(secret_path::target_tls(name, kind, &file.text))))
            .collect::<serde_json::Map<String, Value>>(),
        "insecure_skip_verify": target.insecure_skip_verify,
    })
}

/// The stack's own services; one that was left out on purpose is no target that is down.
fn self_targets(settings: &Settings, scraped: &[(ServiceKind, u16)]) -> Value {
    let target = |(service, port): &(ServiceKind, u16)| {
        let address = format!("{}:{port}", settings.stack.container(*service));
        json!({"job": service.name(), "address": address, "path": "/metrics"})
    };
    scraped.iter().map(target).collect()
}

fn alertmanager(settings: &Settings, template_files: &[String]) -> Value {
    let receivers = &settings.receivers;
    let slack = receivers
        .slack_webhook
        .as_ref()
        .map(|url| json!({"api_url_file": secret_path::named(secret_path::SLACK, url), "channel": receivers.slack_channel}));
    let slack_critical = receivers.slack_webhook_critical.as_ref().map(
        |url| json!({"api_url_file": secret_path::named(secret_path::SLACK_CRITICAL, url), "channel": receivers.slack_channel_critical}),
    );
    let mut context = json!({
        "resolve_timeout": "5m",
        "group_wait": receivers.group_wait.as_str(),
        "group_interval": receivers.group_interval.as_str(),
        "repeat_interval": receivers.repeat_interval.as_str(),
        "slack": slack,
        "slack_critical": slack_critical,
        "pagerduty": receivers.pagerduty_service_key.as_ref().map(
            |key| json!({"service_key_file": secret_path::named(secret_path::PAGERDUTY, key)})),
        "pagerduty_url": receivers.pagerduty_url,
        "backend_down_alert": receivers.backend_down_alert,
        "webhook": receivers.webhook_url.as_ref().map(
            |url| json!({"url_file": secret_path::named(secret_path::WEBHOOK, url), "send_resolved": true})),
        "template_files": template_files,
    });
    // Templates may ask for a receiver that is not switched on.
    for kind in crate::settings::receivers::KINDS {
        context[kind.key] = Value::Null;
    }
    for one in &receivers.others {
        let mut values = json!(one.values);
        values["secret_file"] =
            json!(one.secret.as_ref().map(|secret| secret_path::receiver(one.kind.key, secret)));
        context[one.kind.key] = values;
    }
    context
}

fn grafana(settings: &Settings) -> Value {
    let basic_auth = settings
        .security
        .web_auth
        .as_ref()
        .map(|auth| json!({"username": auth.username, "password": auth.password.reveal()}));
    json!({
        "prometheus_url": format!("http://{}:9090", settings.stack.container(ServiceKind::Prometheus)),
        "alertmanager_url": format!("http://{}:9093", settings.stack.container(ServiceKind::Alertmanager)),
        "datasource_uid": PROMETHEUS_DATASOURCE,
        "alertmanager_datasource_uid": ALERTMANAGER_DATASOURCE,
        "basic_auth": basic_auth,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(jobs: &[&str]) -> Vec<TargetSettings> {
        let one = |job: &&str| TargetSettings {
            job: (*job).to_owned(),
            scheme: "http".to_owned(),
            address: "a:1".to_owned(),
            path: "/metrics".to_owned(),
            interval: None,
            labels: std::collections::BTreeMap::new(),
            auth: TargetAuth::None,
            tls: crate::settings::TargetTls::default(),
            insecure_skip_verify: false,
        };
        jobs.iter().map(one).collect()
    }

    #[test]
    fn targets_of_one_job_have_names_of_their_own() {
        let names = |jobs: &[&str]| scrape_names(&targets(jobs)).join(" ");
        assert_eq!(names(&["a", "b", "a", "a"]), "a b a-2 a-3");
        assert_eq!(names(&["a", "a", "a-2"]), "a a-3 a-2");
    }

    #[test]
    fn no_two_names_share_a_credential() {
        let names = ["a.b", "a_b", "a b", "a-b", "a_2eb", "ä"];
        let files: std::collections::BTreeSet<String> = names.into_iter().map(secret_path::target).collect();
        assert_eq!(files.len(), names.len(), "{files:?}");
        assert_eq!(
            secret_path::target("confidex-backend"),
            "/etc/prometheus/secrets/target_confidex-backend"
        );
    }
}
