//! Every environment variable that is read, once. `.env.example` is compared with this table by a test.

/// One variable, readable from the environment and from `.env`.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    pub name: &'static str,
    /// Never shown.
    pub secret: bool,
    /// The settings field that it overrides, if any.
    pub overrides: Option<&'static str>,
    pub doc: &'static str,
}

const fn secret(name: &'static str, doc: &'static str) -> Variable {
    Variable { name, secret: true, overrides: None, doc }
}

const fn overriding(name: &'static str, field: &'static str) -> Variable {
    Variable { name, secret: false, overrides: Some(field), doc: "" }
}

/// Grafana's administrator.
pub const GRAFANA_ADMIN_PASSWORD: &str = "GRAFANA_ADMIN_PASSWORD";
/// Where Slack takes messages.
pub const SLACK_WEBHOOK_URL: &str = "SLACK_WEBHOOK_URL";
/// The same for critical alerts.
pub const SLACK_WEBHOOK_CRITICAL: &str = "SLACK_WEBHOOK_CRITICAL";
/// The integration key of PagerDuty's Events API v2.
pub const PAGERDUTY_SERVICE_KEY: &str = "PAGERDUTY_SERVICE_KEY";
/// Takes Alertmanager's own JSON.
pub const ALERT_WEBHOOK_URL: &str = "ALERT_WEBHOOK_URL";
/// See [`VARIABLES`].
pub const EMAIL_PASSWORD: &str = "EMAIL_PASSWORD";
/// See [`VARIABLES`].
pub const MSTEAMS_WEBHOOK_URL: &str = "MSTEAMS_WEBHOOK_URL";
/// See [`VARIABLES`].
pub const DISCORD_WEBHOOK_URL: &str = "DISCORD_WEBHOOK_URL";
/// See [`VARIABLES`].
pub const TELEGRAM_BOT_TOKEN: &str = "TELEGRAM_BOT_TOKEN";
/// See [`VARIABLES`].
pub const INCIDENTIO_TOKEN: &str = "INCIDENTIO_TOKEN";
/// See [`VARIABLES`].
pub const JIRA_API_TOKEN: &str = "JIRA_API_TOKEN";
/// Redis's password.
pub const REDIS_PASSWORD: &str = "REDIS_PASSWORD";
/// The password before Prometheus and Alertmanager.
pub const WEB_AUTH_PASSWORD: &str = "WEB_AUTH_PASSWORD";

/// What switches a receiver on.
pub const RECEIVERS: &[&str] = &[
    SLACK_WEBHOOK_URL,
    SLACK_WEBHOOK_CRITICAL,
    PAGERDUTY_SERVICE_KEY,
    ALERT_WEBHOOK_URL,
    MSTEAMS_WEBHOOK_URL,
    DISCORD_WEBHOOK_URL,
    TELEGRAM_BOT_TOKEN,
    INCIDENTIO_TOKEN,
    JIRA_API_TOKEN,
];

/// Every variable that is read, in the order of `.env.example`.
pub const VARIABLES: &[Variable] = &[
    secret(GRAFANA_ADMIN_PASSWORD, "Password of Grafana's administrator; a changed one is applied by `up`"),
    secret(
        SLACK_WEBHOOK_URL,
        "Slack incoming webhook for warnings (and for critical alerts without one of their own)",
    ),
    secret(SLACK_WEBHOOK_CRITICAL, "Slack incoming webhook for critical alerts"),
    secret(PAGERDUTY_SERVICE_KEY, "PagerDuty integration key for critical alerts"),
    secret(ALERT_WEBHOOK_URL, "Any HTTP endpoint that takes Alertmanager's webhook JSON; gets every alert"),
    secret(EMAIL_PASSWORD, "Password of receivers.email_username at the mail server"),
    secret(MSTEAMS_WEBHOOK_URL, "Webhook URL of a Microsoft Teams workflow"),
    secret(DISCORD_WEBHOOK_URL, "Webhook URL of a Discord channel"),
    secret(TELEGRAM_BOT_TOKEN, "Token of a Telegram bot; needs receivers.telegram_chat_id"),
    secret(INCIDENTIO_TOKEN, "Token of an incident.io alert source, for critical alerts"),
    secret(JIRA_API_TOKEN, "API token of receivers.jira_user; critical alerts become issues"),
    secret(REDIS_PASSWORD, "Password of Redis; needed when redis is enabled"),
    secret(WEB_AUTH_PASSWORD, "Password before Prometheus and Alertmanager; needed with security.web_auth"),
    overriding("CONFIDEXMON_STACK", "stack"),
    overriding("CONFIDEXMON_BIND", "bind"),
    overriding("CONFIDEXMON_PORT_PROMETHEUS", "ports.prometheus"),
    overriding("CONFIDEXMON_PORT_GRAFANA", "ports.grafana"),
    overriding("CONFIDEXMON_PORT_ALERTMANAGER", "ports.alertmanager"),
    overriding("CONFIDEXMON_PORT_REDIS", "ports.redis"),
    overriding("CONFIDEXMON_PORT_REDIS_EXPORTER", "ports.redis_exporter"),
    overriding("CONFIDEXMON_IMAGE_PROMETHEUS", "images.prometheus"),
    overriding("CONFIDEXMON_IMAGE_GRAFANA", "images.grafana"),
    overriding("CONFIDEXMON_IMAGE_ALERTMANAGER", "images.alertmanager"),
    overriding("CONFIDEXMON_IMAGE_REDIS", "images.redis"),
    overriding("CONFIDEXMON_IMAGE_REDIS_EXPORTER", "images.redis_exporter"),
    overriding("CONFIDEXMON_LOG_LEVEL", "log_level"),
];

/// The variable of this name.
pub fn find(name: &str) -> Option<&'static Variable> {
    VARIABLES.iter().find(|variable| variable.name == name)
}
