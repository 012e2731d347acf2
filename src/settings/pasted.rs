//! Values that somebody pasted and did not fill in, or that cannot be what they are meant to be. What is said
//! never holds the value.

use crate::model::Diagnostic;
use crate::settings::dotenv::{Located, Variables};
use crate::settings::{env_vars, problem};

/// Length of a PagerDuty integration key.
const PAGERDUTY_KEY: usize = 32;

/// `named`: the variables that the settings file names itself.
pub(super) fn check(variables: &Variables, named: &[String], problems: &mut Vec<Diagnostic>) {
    for (name, located) in variables {
        let is_secret = env_vars::find(name).is_some_and(|variable| variable.secret) || named.contains(name);
        if is_secret && is_placeholder(&located.value) {
            let text = format!("`{name}` still holds the placeholder of the documentation");
            problems.push(
                problem::error(text, located.place.clone())
                    .fix("put the real value there, or leave it empty"),
            );
        }
    }
    shapes(variables, problems);
}

/// What documentation writes where a value belongs.
fn is_placeholder(value: &str) -> bool {
    let lower = value.to_lowercase();
    let words = ["changeme-", "your-", "your_", "<your", "xxxx"];
    value.contains('…') || value.ends_with("...") || words.iter().any(|word| lower.contains(word))
}

fn shapes(variables: &Variables, problems: &mut Vec<Diagnostic>) {
    let mut odd = |name: &str, what: &str, hint: &str| {
        let place = variables.get(name).and_then(|located| located.place.clone());
        problems.push(problem::warning(format!("`{name}` does not look like {what}"), place).fix(hint));
    };
    let value = |name: &str| variables.get(name).map(|Located { value, .. }| value.as_str());
    if let Some(key) = value(env_vars::PAGERDUTY_SERVICE_KEY).filter(|key| !is_placeholder(key)) {
        let is_key = key.chars().count() == PAGERDUTY_KEY && key.chars().all(|c| c.is_ascii_alphanumeric());
        if !is_key {
            odd(
                env_vars::PAGERDUTY_SERVICE_KEY,
                "an integration key of PagerDuty",
                "it has 32 letters and digits: copy it from the service's integration (Events API v2)",
            );
        }
    }
    if let Some(token) = value(env_vars::TELEGRAM_BOT_TOKEN) {
        let is_token = token.split_once(':').is_some_and(|(id, rest)| {
            !id.is_empty() && id.chars().all(|c| c.is_ascii_digit()) && rest.len() >= 20
        });
        if !is_token {
            odd(
                env_vars::TELEGRAM_BOT_TOKEN,
                "the token of a Telegram bot",
                "it is what BotFather gave: digits, a colon, letters and digits",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: &str, value: &str) -> Vec<String> {
        let variables =
            Variables::from([(name.to_owned(), Located { value: value.to_owned(), place: None })]);
        let mut problems = Vec::new();
        check(&variables, &["BACKEND_TOKEN".to_owned()], &mut problems);
        problems.into_iter().map(|problem| problem.message).collect()
    }

    #[test]
    fn what_was_pasted_and_not_filled_in_is_said_without_its_value() {
        for (name, value) in [
            ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/…"),
            ("SLACK_WEBHOOK_CRITICAL", "https://hooks.slack.com/services/..."),
            ("PAGERDUTY_SERVICE_KEY", "…"),
            ("BACKEND_TOKEN", "<your-token>"),
        ] {
            let said = said(name, value);
            assert_eq!(said.len(), 1, "{name}");
            assert!(said[0].contains("placeholder") && !said[0].contains(value), "{said:?}");
        }
        assert!(said("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T0/B0/abc").is_empty());
        assert!(said("OTHER_PROGRAM", "…").is_empty());
    }

    #[test]
    fn a_key_of_the_wrong_shape_is_said() {
        assert!(said("PAGERDUTY_SERVICE_KEY", "R0123456789abcdef0123456789abcde").is_empty());
        assert!(said("PAGERDUTY_SERVICE_KEY", "PABC123")[0].contains("integration key"));
        assert!(said("TELEGRAM_BOT_TOKEN", "123456:AAEhBP0av28abcdefghij").is_empty());
        assert!(said("TELEGRAM_BOT_TOKEN", "@mybot")[0].contains("Telegram"));
    }
}
