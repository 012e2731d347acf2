//! The secrets of the settings, so that none of their values is shown, and those that are no real ones.

use crate::model::Secret;
use crate::settings::{Settings, TargetAuth};

/// Variable and value of each secret of the settings.
pub fn of(settings: &Settings) -> Vec<(String, Secret)> {
    let mut secrets = vec![("GRAFANA_ADMIN_PASSWORD".to_owned(), settings.grafana.admin_password.clone())];
    secrets.extend(settings.redis.password.clone().map(|value| ("REDIS_PASSWORD".to_owned(), value)));
    secrets.extend(settings.receivers.set().map(|(_, variable, value)| (variable.to_owned(), value.clone())));
    if let Some(auth) = &settings.security.web_auth {
        secrets.push(("WEB_AUTH_PASSWORD".to_owned(), auth.password.clone()));
    }
    for target in &settings.targets {
        let keys = target.tls.files().filter(|(name, _)| *name == "key");
        secrets.extend(keys.map(|(_, file)| (file.setting.to_owned(), file.text.clone())));
        let secret = match &target.auth {
            TargetAuth::None => continue,
            TargetAuth::Bearer(secret) => secret,
            TargetAuth::Basic { password, .. } => password,
        };
        secrets.push((format!("the credential of {}", target.job), secret.clone()));
    }
    secrets
}

/// Marks of values that stand in examples.
const MARKS: [(&str, &str); 9] = [
    ("xxxx", "is written with X's"),
    ("t00000000", "is Slack's example"),
    ("your-", "says `your-…`"),
    ("your_", "says `your_…`"),
    ("example.", "names an example's host"),
    ("changeme", "says `changeme`"),
    ("${", "is the name of a variable"),
    ("<", "has angle brackets"),
    ("…", "has dots in the place of the real part"),
];

/// What tells that a receiver's value is an example's; `None` for one that may be real.
pub fn placeholder(value: &Secret) -> Option<&'static str> {
    let lower = value.reveal().to_lowercase();
    MARKS.iter().find(|(mark, _)| lower.contains(mark)).map(|(_, words)| *words)
}

/// The path of a URL, which is the secret part of a webhook's; the whole of anything else.
pub fn path_of(value: &str) -> &str {
    let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
    match rest.and_then(|rest| rest.find('/').map(|at| &rest[at..])) {
        // A short one stands in many texts by chance.
        Some(path) if path.len() >= 10 => path,
        _ => value,
    }
}
