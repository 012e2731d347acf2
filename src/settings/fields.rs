//! Every field of the settings file, once: the reader, the unknown-key check and the JSON schema all
//! follow these tables.

/// What a field may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text without control characters.
    Text,
    /// `[a-z0-9-]{1,40}`.
    StackName,
    /// Grafana's uid of a dashboard: `[A-Za-z0-9_-]{1,40}`.
    DashboardUid,
    /// An IP address.
    Address,
    /// 0–65535; 0 lets the engine choose.
    Port,
    Image,
    /// Prometheus's notation.
    Duration,
    /// `5GB`, `512MB`: Prometheus's notation for bytes.
    PrometheusSize,
    /// `256mb`: Redis's notation for bytes.
    RedisSize,
    /// `1GiB`, `512MiB`, `none`.
    Memory,
    /// CPUs, a number above 0, or `none`.
    Cpus,
    /// A whole number above 0.
    Count,
    Bool,
    /// `auto`, `true`, `false`.
    AutoBool,
    /// An http or https URL.
    Url,
    /// `host:port`.
    HostPort,
    /// A whole number that may be negative.
    ChatId,
    Choice(&'static [&'static str]),
    /// Label names to values.
    Labels,
    /// The name of an environment variable.
    VariableName,
    /// `{username, password_env}`.
    BasicAuth,
    /// The list of scrape targets.
    Targets,
}

/// One field: its path, what it may hold, and what it means.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub path: &'static str,
    pub kind: Kind,
    pub doc: &'static str,
}

const fn field(path: &'static str, kind: Kind, doc: &'static str) -> Field {
    Field { path, kind, doc }
}

/// The words for a log level.
pub const LOG_LEVELS: &[&str] = &["debug", "info", "warn", "error"];

/// The settings file.
pub const FIELDS: &[Field] = &[
    field(
        "stack",
        Kind::StackName,
        "Prefix of every container, network and volume; several stacks live side by side",
    ),
    field("bind", Kind::Address, "Address on which all ports are published"),
    field("ports.prometheus", Kind::Port, "Host port of Prometheus"),
    field("ports.grafana", Kind::Port, "Host port of Grafana"),
    field("ports.alertmanager", Kind::Port, "Host port of Alertmanager"),
    field("ports.redis", Kind::Port, "Host port of Redis"),
    field("ports.redis_exporter", Kind::Port, "Host port of Redis's exporter, on loopback only"),
    field("images.prometheus", Kind::Image, "Image of Prometheus"),
    field("images.grafana", Kind::Image, "Image of Grafana"),
    field("images.alertmanager", Kind::Image, "Image of Alertmanager"),
    field("images.redis", Kind::Image, "Image of Redis"),
    field("images.redis_exporter", Kind::Image, "Image of Redis's exporter"),
    field("log_level", Kind::Choice(LOG_LEVELS), "Log level of the services"),
    field("prometheus.retention_time", Kind::Duration, "How long samples are kept"),
    field(
        "prometheus.retention_size",
        Kind::PrometheusSize,
        "How many bytes of samples are kept; `none` for no limit",
    ),
    field("prometheus.scrape_interval", Kind::Duration, "Time between two scrapes of a target"),
    field("prometheus.scrape_timeout", Kind::Duration, "Time a scrape may take"),
    field("prometheus.evaluation_interval", Kind::Duration, "Time between two evaluations of the rules"),
    field("prometheus.external_labels", Kind::Labels, "Labels added to every alert and to federated series"),
    field("grafana.admin_user", Kind::Text, "Name of Grafana's administrator, set on its first start"),
    field("redis.enabled", Kind::Bool, "Whether Redis runs; it then needs REDIS_PASSWORD"),
    field("redis.max_memory", Kind::RedisSize, "Memory Redis may use for data"),
    field("redis.append_only", Kind::Bool, "Whether every write is logged to disk"),
    field(
        "redis.exporter",
        Kind::Bool,
        "Whether Redis's exporter runs beside Redis, so that Prometheus watches it",
    ),
    field("targets", Kind::Targets, "Scrape targets; the first is the backend"),
    field("receivers.slack_channel", Kind::Text, "Slack channel for warnings"),
    field("receivers.slack_channel_critical", Kind::Text, "Slack channel for critical alerts"),
    field("receivers.pagerduty_url", Kind::Url, "PagerDuty's Events API, if not the one in the US"),
    field("receivers.email_to", Kind::Text, "Mail addresses that get alerts, separated by commas"),
    field("receivers.email_from", Kind::Text, "Sender of the mails"),
    field("receivers.email_smarthost", Kind::HostPort, "Mail server: host:port"),
    field("receivers.email_username", Kind::Text, "User at the mail server; the password is EMAIL_PASSWORD"),
    field("receivers.telegram_chat_id", Kind::ChatId, "Telegram chat that gets alerts"),
    field("receivers.incidentio_url", Kind::Url, "URL of the incident.io alert source"),
    field(
        "receivers.jira_url",
        Kind::Url,
        "Address of Jira's API, for example https://example.atlassian.net/rest/api/3",
    ),
    field(
        "receivers.jira_project",
        Kind::Text,
        "Key of the project that gets an issue for each critical alert",
    ),
    field("receivers.jira_user", Kind::Text, "User of the API token"),
    field("receivers.jira_issue_type", Kind::Text, "Type of these issues"),
    field(
        "receivers.backend_down_alert",
        Kind::Text,
        "Name of the alert that says that the backend is down; what else fires for it is held back meanwhile",
    ),
    field("receivers.group_wait", Kind::Duration, "Wait before the first notification of a group"),
    field("receivers.group_interval", Kind::Duration, "Wait before news of a group"),
    field("receivers.repeat_interval", Kind::Duration, "Wait before a notification is repeated"),
    field("links.grafana", Kind::Url, "Grafana's address as people's browsers see it"),
    field("links.prometheus", Kind::Url, "Prometheus's address as people's browsers see it"),
    field("links.alertmanager", Kind::Url, "Alertmanager's address as people's browsers see it"),
    field(
        "links.dashboard",
        Kind::DashboardUid,
        "Uid of the dashboard that links lead to when an alert names none",
    ),
    field("links.runbooks", Kind::Url, "Prefix of runbook links; the alert's name in lower case is appended"),
    field("resources.prometheus.memory", Kind::Memory, "Memory limit"),
    field("resources.prometheus.cpus", Kind::Cpus, "CPU limit"),
    field("resources.prometheus.pids", Kind::Count, "Limit on processes and threads"),
    field("resources.grafana.memory", Kind::Memory, "Memory limit"),
    field("resources.grafana.cpus", Kind::Cpus, "CPU limit"),
    field("resources.grafana.pids", Kind::Count, "Limit on processes and threads"),
    field("resources.alertmanager.memory", Kind::Memory, "Memory limit"),
    field("resources.alertmanager.cpus", Kind::Cpus, "CPU limit"),
    field("resources.alertmanager.pids", Kind::Count, "Limit on processes and threads"),
    field("resources.redis.memory", Kind::Memory, "Memory limit"),
    field("resources.redis.cpus", Kind::Cpus, "CPU limit"),
    field("resources.redis.pids", Kind::Count, "Limit on processes and threads"),
    field("resources.redis_exporter.memory", Kind::Memory, "Memory limit"),
    field("resources.redis_exporter.cpus", Kind::Cpus, "CPU limit"),
    field("resources.redis_exporter.pids", Kind::Count, "Limit on processes and threads"),
    field(
        "security.web_auth",
        Kind::Bool,
        "Basic auth before Prometheus and Alertmanager; needs WEB_AUTH_PASSWORD",
    ),
    field("security.web_auth_username", Kind::Text, "User name of that basic auth"),
    field("security.lifecycle_api", Kind::AutoBool, "Prometheus's reload endpoint; auto: only on loopback"),
];

/// One scrape target of the list `targets`.
pub const TARGET_FIELDS: &[Field] = &[
    field("job", Kind::Text, "Job name: the `job` label of every series"),
    field("url", Kind::Url, "Where the metrics are, as seen from the Prometheus container"),
    field("interval", Kind::Duration, "Time between two scrapes, if not the general one"),
    field("labels", Kind::Labels, "Labels added to every series"),
    field(
        "bearer_token_env",
        Kind::VariableName,
        "Name of the environment variable that holds a bearer token",
    ),
    field("basic_auth", Kind::BasicAuth, "Basic auth; the password's variable is named, not the password"),
    field("ca_file", Kind::Text, "PEM file of the authority that signed the target's certificate"),
    field("cert_file", Kind::Text, "PEM file of the certificate that Prometheus shows to the target"),
    field("key_file", Kind::Text, "PEM file of that certificate's key"),
    field("insecure_skip_verify", Kind::Bool, "Accept any TLS certificate"),
];

/// The fields of a target's `basic_auth`.
pub const BASIC_AUTH_FIELDS: &[Field] = &[
    field("username", Kind::Text, "User name"),
    field("password_env", Kind::VariableName, "Name of the environment variable that holds the password"),
];
