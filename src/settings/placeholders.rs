//! Values for secrets that are not set, so that everything else can be looked at without them.

use crate::settings::dotenv::{Located, Variables};
use crate::settings::env_vars;

/// Not a secret of anybody, and of the length that PagerDuty's keys have.
const SECRET: &str = "placeholder-of-a-missing-secret-";
const URL: &str = "https://placeholder.invalid/";

/// The receivers of people. Where one of them is set, the others are left out on purpose.
const RECEIVERS: [(&str, &str); 3] = [
    (env_vars::SLACK_WEBHOOK_URL, URL),
    (env_vars::SLACK_WEBHOOK_CRITICAL, URL),
    (env_vars::PAGERDUTY_SERVICE_KEY, SECRET),
];

/// `named`: the variables that the settings file names itself.
pub(super) fn fill(variables: &mut Variables, named: &[String]) {
    let of_services =
        [env_vars::GRAFANA_ADMIN_PASSWORD, env_vars::REDIS_PASSWORD, env_vars::WEB_AUTH_PASSWORD];
    let mut missing: Vec<(&str, &str)> = of_services.into_iter().map(|name| (name, SECRET)).collect();
    missing.extend(named.iter().map(|name| (name.as_str(), SECRET)));
    let receivers = env_vars::RECEIVERS.iter().any(|name| variables.contains_key(*name));
    if !receivers {
        missing.extend(RECEIVERS);
    }
    for (name, value) in missing {
        let located = || Located { value: value.to_owned(), place: None };
        variables.entry(name.to_owned()).or_insert_with(located);
    }
}
