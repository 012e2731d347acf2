//! A secret in a configuration file ends in git, in backups and in `/api/v2/status`.

use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, Run, View};
use crate::formats::yaml::scalar::Scalar;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "secret-in-clear",
    severity: Severity::Bug,
    doc: "The Alertmanager configuration holds a secret in clear.",
    run: Run::All(check),
};

/// Keys whose value is a secret wherever they stand.
const SECRETS: [&str; 24] = [
    "api_key",
    "api_secret",
    "app_token",
    "auth_password",
    "auth_secret",
    "bearer_token",
    "bot_token",
    "client_secret",
    "credentials",
    "opsgenie_api_key",
    "password",
    "rocketchat_token",
    "secret_key",
    "service_key",
    "slack_api_url",
    "slack_app_token",
    "smtp_auth_password",
    "smtp_auth_secret",
    "telegram_bot_token",
    "token",
    "user_key",
    "victorops_api_key",
    "webhook_url",
    "wechat_api_secret",
];

/// Beginnings of addresses that are secrets as a whole.
const SECRET_URLS: [&str; 6] = [
    "https://hooks.slack.com/",
    "https://discord.com/api/webhooks/",
    "https://discordapp.com/api/webhooks/",
    "https://outlook.office.com/webhook/",
    "https://events.pagerduty.com/integration/",
    "https://hooks.slack-gov.com/",
];

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let Some(file) = view.alertmanager else { return };
    file.tree.walk(&mut |path, scalar| {
        if let Some(what) = secret(path, &scalar.value) {
            let message = format!("{what} stands here in clear, for everyone who can read the file");
            let finding = file.finding(&LINT, scalar.start(), message);
            out.push(
                finding
                    .fix("move it to a file and name that (`…_file`), then replace the secret: it is known"),
            );
        }
    });
}

fn secret(path: &[&Scalar], value: &str) -> Option<String> {
    let trimmed = value.trim();
    if trimmed.is_empty()
        || trimmed.contains("{{")
        || trimmed.starts_with('<')
        || crate::formats::alertmanager::variable(trimmed).is_some()
    {
        return None;
    }
    let key = path.last()?.value.as_str();
    let of = |service: &str| path.iter().any(|key| key.value == service);
    // Slack's `api_url` is the webhook itself, and PagerDuty's `routing_key` the key; the same words of
    // other services are no secrets.
    let is_secret = match key {
        "api_url" => of("slack_configs"),
        "routing_key" => of("pagerduty_configs"),
        key => SECRETS.contains(&key),
    };
    if is_secret {
        return Some(format!("the secret `{key}`"));
    }
    if SECRET_URLS.iter().any(|start| trimmed.starts_with(start)) || is_secret_address(trimmed) {
        return Some("a webhook address, which is a secret,".to_owned());
    }
    // `http_headers: {Authorization: {values: [Bearer …]}}`
    if of("http_headers") && ["Bearer ", "Basic "].iter().any(|scheme| trimmed.starts_with(scheme)) {
        return Some("a secret in a header".to_owned());
    }
    if let Some(name) = secret_parameter(trimmed) {
        return Some(format!("the secret `{name}` in the address of `{key}`"));
    }
    has_password(trimmed).then(|| format!("a password in the address of `{key}`"))
}

/// Teams and Telegram put the secret into the path of an address of anybody's own host or bot.
fn is_secret_address(text: &str) -> bool {
    text.starts_with("https://api.telegram.org/bot")
        || text.starts_with("https://") && text.contains(".webhook.office.com/")
}

/// `?token=…`; a template or a number of it says nothing.
fn secret_parameter(text: &str) -> Option<&str> {
    const NAMES: [&str; 7] =
        ["access_token", "api_key", "apikey", "auth_token", "password", "secret", "token"];
    let (address, query) = text.split_once('?')?;
    let is_secret = |name: &str, value: &str| NAMES.contains(&name) && value.len() >= 8;
    let parameters = query.split('&').filter_map(|one| one.split_once('='));
    let mut found = parameters.filter(|(name, value)| is_secret(name, value));
    found.next().map(|(name, _)| name).filter(|_| address.contains("://"))
}

/// `scheme://user:password@host`.
fn has_password(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    scheme.chars().all(|c| c.is_ascii_alphanumeric())
        && user.and_then(|user| user.split_once(':')).is_some_and(|(_, password)| !password.is_empty())
}
