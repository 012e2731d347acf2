//! The scratch Alertmanager's configuration: the project's routing, inhibition and texts, with every
//! integration posting to our sink.

use serde_json::{Map, Value, json};

use crate::drill::backfill::quoted;
use crate::drill::series::Labels;

/// Stands wherever a secret would.
const PLACEHOLDER: &str = "drill-placeholder";
/// The wait before a group's first message when nothing else fires, and between two messages.
const GROUP_WAIT: &str = "1s";
/// The wait when other alerts fire too: their groups are evaluated up to a second later, and one of
/// them may inhibit.
const GROUP_WAIT_IN_COMPANY: &str = "3s";
/// The receiver of alerts that are not drilled but may inhibit.
const OTHERS: &str = "confidexmon-drill-others";

/// A configuration and what its receivers are.
#[derive(Clone, Debug, PartialEq)]
pub struct Scratch {
    pub config: Value,
    pub receivers: Vec<Receiver>,
    /// What differs from the project's configuration beyond addresses, secrets and waits.
    pub notes: Vec<String>,
}

/// A receiver of the project, with what it would send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    pub name: String,
    /// Without an integration in the project: nobody is told. Here it has a webhook.
    pub empty: bool,
    /// The kinds of the integrations as they run here: `slack`, `pagerduty`, `webhook`, …
    pub kinds: Vec<String>,
}

/// Where an integration posts to, by the number of its receiver and its own number there.
pub type Address<'a> = dyn Fn(usize, usize) -> String + 'a;

/// The configuration for the drill of one alert. `rendered` is the project's alertmanager.yml.
///
/// `own`: the labels that tell it from other rules of its name. `has_other_alerts`: other alerts fire in the same scenario.
pub fn sandbox_config(
    rendered: &Value,
    alert: &str,
    own: &Labels,
    has_other_alerts: bool,
    address: &Address<'_>,
) -> Scratch {
    let mut notes = Vec::new();
    let mut receivers = Vec::new();
    let mut configs = Vec::new();
    for (number, receiver) in rendered["receivers"].as_array().into_iter().flatten().enumerate() {
        let (config, facts) = one_receiver(receiver, &|index| address(number, index), &mut notes);
        configs.push(config);
        receivers.push(facts);
    }
    configs.push(json!({"name": OTHERS}));
    let mut root = rendered["route"].as_object().cloned().unwrap_or_default();
    let wait = if has_other_alerts { GROUP_WAIT_IN_COMPANY } else { GROUP_WAIT };
    shorten(&mut root, wait, true, &mut notes);
    let alertname = ("alertname".to_owned(), alert.to_owned());
    let ours = std::iter::once((&alertname.0, &alertname.1)).chain(own);
    let matchers: Vec<String> = ours.map(|(name, value)| format!("{name}={}", quoted(value))).collect();
    root.insert("matchers".to_owned(), json!(matchers));
    notes.sort_unstable();
    notes.dedup();
    let mut config = json!({
        "route": {"receiver": OTHERS, "routes": [root]},
        "receivers": configs,
    });
    for name in ["templates", "inhibit_rules"] {
        if let Some(value) = rendered.get(name).filter(|value| !value.is_null()) {
            config[name] = value.clone();
        }
    }
    if let Some(value) = rendered.pointer("/global/resolve_timeout") {
        config["global"] = json!({"resolve_timeout": value});
    }
    Scratch { config, receivers, notes }
}

/// Cuts the waits of a route and of those below it; time intervals would make the answer depend on
/// the hour.
fn shorten(route: &mut Map<String, Value>, wait: &str, is_root: bool, notes: &mut Vec<String>) {
    for (name, length) in [("group_wait", wait), ("group_interval", GROUP_WAIT)] {
        if is_root || route.contains_key(name) {
            route.insert(name.to_owned(), json!(length));
        }
    }
    for name in ["mute_time_intervals", "active_time_intervals"] {
        for interval in route.remove(name).iter().filter_map(Value::as_array).flatten() {
            let interval = interval.as_str().unwrap_or_default();
            notes.push(format!("the time interval `{interval}` of a route does not count in a drill"));
        }
    }
    for child in route.get_mut("routes").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(child) = child.as_object_mut() {
            shorten(child, wait, false, notes);
        }
    }
}

fn one_receiver(
    receiver: &Value,
    address: &dyn Fn(usize) -> String,
    notes: &mut Vec<String>,
) -> (Value, Receiver) {
    let name = receiver["name"].as_str().unwrap_or_default().to_owned();
    let mut kinds = Vec::new();
    let mut config = Map::from_iter([("name".to_owned(), json!(name))]);
    for (key, list) in receiver.as_object().into_iter().flatten() {
        let Some(kind) = key.strip_suffix("_configs") else { continue };
        for integration in list.as_array().into_iter().flatten() {
            let url = address(kinds.len());
            // With a service key Alertmanager speaks the Events API v1, at an address of its own: a
            // drill with it would leave this machine.
            if kind == "pagerduty"
                && ["service_key", "service_key_file"].iter().any(|key| integration.get(key).is_some())
            {
                notes.push(format!("pagerduty of `{name}` is drilled with the Events API v2: version 1 cannot be pointed at a sink"));
            }
            let (kind, settings) = redirected(kind, integration, &url).unwrap_or_else(|| {
                notes.push(format!(
                    "an integration of `{name}` of the kind {kind} cannot be pointed at a sink: a webhook stands in, its text is not proven"
                ));
                ("webhook", json!({"url": url}))
            });
            let list = config.entry(format!("{kind}_configs")).or_insert_with(|| json!([]));
            if let Some(list) = list.as_array_mut() {
                list.push(settings);
            }
            kinds.push(kind.to_owned());
        }
    }
    let empty = kinds.is_empty();
    if empty {
        notes.push(format!(
            "the receiver `{name}` has no integration: it tells nobody. Here a webhook stands in."
        ));
        config.insert("webhook_configs".to_owned(), json!([{"url": address(0)}]));
        kinds.push("webhook".to_owned());
    }
    (Value::Object(config), Receiver { name, empty, kinds })
}

/// Kind of an integration, the setting that holds its address, and settings that must hold some secret.
const KINDS: [(&str, &str, &[&str]); 10] = [
    ("slack", "api_url", &[]),
    ("pagerduty", "url", &[]),
    ("webhook", "url", &[]),
    ("opsgenie", "api_url", &["api_key"]),
    ("victorops", "api_url", &["api_key"]),
    ("telegram", "api_url", &["bot_token"]),
    ("discord", "webhook_url", &[]),
    ("msteams", "webhook_url", &[]),
    ("msteamsv2", "webhook_url", &[]),
    ("incidentio", "url", &["alert_source_token"]),
];

fn redirected(kind: &str, integration: &Value, url: &str) -> Option<(&'static str, Value)> {
    let (kind, place, secrets) = *KINDS.iter().find(|(known, _, _)| *known == kind)?;
    let mut settings = integration.as_object().cloned().unwrap_or_default();
    // Proxies, credentials and certificates are for the real address.
    settings.remove("http_config");
    settings.retain(|name, _| !name.ends_with("_file") && !name.ends_with("_token") && name != "app_url");
    settings.insert(place.to_owned(), json!(url));
    for name in secrets {
        settings.insert((*name).to_owned(), json!(PLACEHOLDER));
    }
    if kind == "pagerduty" {
        settings.remove("service_key");
        settings.insert("routing_key".to_owned(), json!(PLACEHOLDER));
    }
    if kind == "telegram" {
        settings.entry("chat_id").or_insert(json!(1));
    }
    Some((kind, Value::Object(settings)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered() -> Value {
        json!({
            "global": {"resolve_timeout": "5m", "slack_api_url_file": "/secret"},
            "templates": ["templates/a.tmpl"],
            "route": {
                "receiver": "default", "group_by": ["alertname"], "group_wait": "30s",
                "routes": [
                    {"receiver": "critical", "matchers": ["severity=\"critical\""], "group_wait": "10s", "mute_time_intervals": ["nights"]},
                    {"receiver": "watchdog", "matchers": ["severity=\"none\""]},
                ],
            },
            "inhibit_rules": [{"source_matchers": ["a=\"b\""]}],
            "time_intervals": [{"name": "nights"}],
            "receivers": [
                {"name": "default", "slack_configs": [{"api_url_file": "/s", "title": "t {{ . }}", "http_config": {"proxy_url": "http://p"}}]},
                {"name": "critical", "pagerduty_configs": [{"routing_key_file": "/p", "description": "d"}], "email_configs": [{"to": "a@b"}]},
                {"name": "watchdog"},
            ],
        })
    }

    #[test]
    fn every_integration_posts_to_the_sink_with_its_own_texts() {
        let scratch = sandbox_config(&rendered(), "A\"b", &Labels::new(), false, &|receiver, index| {
            format!("http://sink/{receiver}/{index}")
        });
        let receivers = &scratch.config["receivers"];
        assert_eq!(
            receivers[0]["slack_configs"][0],
            json!({"title": "t {{ . }}", "api_url": "http://sink/0/0"})
        );
        assert_eq!(
            receivers[1]["pagerduty_configs"][0],
            json!({"description": "d", "url": "http://sink/1/0", "routing_key": PLACEHOLDER})
        );
        assert_eq!(receivers[1]["webhook_configs"][0]["url"], "http://sink/1/1");
        assert_eq!(receivers[2]["webhook_configs"][0]["url"], "http://sink/2/0");
        assert_eq!(scratch.receivers[1].kinds, ["pagerduty", "webhook"]);
        assert!(scratch.receivers[2].empty && !scratch.receivers[0].empty);
        assert!(
            !scratch.config.to_string().contains("/s\"") && !scratch.config.to_string().contains("/secret")
        );
        assert_eq!(scratch.notes.len(), 3, "{:?}", scratch.notes);
    }

    #[test]
    fn no_drill_leaves_this_machine() {
        let old = json!({"receivers": [{"name": "p", "pagerduty_configs": [{"service_key": "k"}], "slack_configs": [{"app_token": "t", "app_url": "https://slack.com"}]}]});
        let scratch = sandbox_config(&old, "A", &Labels::new(), false, &|_, _| "http://sink".to_owned());
        let receiver = &scratch.config["receivers"][0];
        assert_eq!(
            receiver["pagerduty_configs"][0],
            json!({"url": "http://sink", "routing_key": PLACEHOLDER})
        );
        assert_eq!(receiver["slack_configs"][0], json!({"api_url": "http://sink"}));
        assert!(scratch.notes[0].contains("version 1"));
    }

    #[test]
    fn routing_stays_and_only_the_drilled_alert_takes_it() {
        let config =
            sandbox_config(&rendered(), "A\"b", &Labels::new(), false, &|_, _| "http://sink".to_owned())
                .config;
        let route = &config["route"]["routes"][0];
        assert_eq!(route["matchers"], json!(["alertname=\"A\\\"b\""]));
        assert_eq!(route["group_by"], json!(["alertname"]));
        assert_eq!((&route["group_wait"], &route["group_interval"]), (&json!("1s"), &json!("1s")));
        assert_eq!(route["routes"][0]["group_wait"], "1s");
        assert!(route["routes"][0].get("mute_time_intervals").is_none());
        assert!(route["routes"][1].get("group_wait").is_none(), "what is inherited stays inherited");
        assert_eq!(config["inhibit_rules"], rendered()["inhibit_rules"]);
        assert_eq!(config["templates"], json!(["templates/a.tmpl"]));
    }
}
