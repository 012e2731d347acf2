//! What Alertmanager refuses beyond what it cannot read. Its own checker stops at the first of these.

use std::collections::BTreeSet;

use crate::formats::yaml::node::Node;
use crate::formats::yaml::scalar::Scalar;
use crate::model::closest_name;

/// An offset, and the reason.
type Problem = (usize, String);

pub(super) fn problems(tree: &Node) -> Vec<Problem> {
    let mut found = Vec::new();
    twice(tree.list_at("receivers"), "receiver", &mut found);
    twice(tree.list_at("time_intervals"), "time interval", &mut found);
    let global = tree.get("global").unwrap_or(&Node::Null);
    for receiver in tree.list_at("receivers") {
        unknown(receiver, &RECEIVER, &mut found);
        for (key, configs) in receiver.entries() {
            let Some(kind) = key.value.strip_suffix("_configs") else { continue };
            configs.items().iter().for_each(|config| integration(kind, config, (key, global), &mut found));
        }
    }
    unknown(tree, &TOP, &mut found);
    unknown(global, &GLOBAL, &mut found);
    tree.get("route").into_iter().for_each(|route| routes(route, &mut found));
    tree.list_at("inhibit_rules").iter().for_each(|rule| unknown(rule, &INHIBIT, &mut found));
    found
}

fn twice(list: &[Node], what: &str, found: &mut Vec<Problem>) {
    let mut seen = BTreeSet::new();
    for name in list.iter().filter_map(|one| one.scalar_at("name")) {
        if !seen.insert(name.value.as_str()) {
            found.push((name.start(), format!("the {what} `{}` is there twice", name.value)));
        }
    }
}

fn routes(route: &Node, found: &mut Vec<Problem>) {
    unknown(route, &ROUTE, found);
    let labels = route.list_at("group_by");
    let all = labels.iter().filter_map(Node::scalar).find(|label| label.value == "...");
    if let Some(all) = all.filter(|_| labels.len() > 1) {
        found.push((all.start(), "`...` groups by every label, and stands alone".to_owned()));
    }
    let mut seen = BTreeSet::new();
    for label in labels.iter().filter_map(Node::scalar) {
        if !seen.insert(label.value.as_str()) {
            found.push((label.start(), format!("`{}` is in `group_by` twice", label.value)));
        }
    }
    route.list_at("routes").iter().for_each(|child| routes(child, found));
}

/// What an integration needs: keys of its own, one of which is enough, and those of `global` that stand in.
struct Needs {
    kind: &'static str,
    own: &'static [&'static str],
    global: &'static [&'static str],
}

const NEEDS: [Needs; 14] = [
    Needs { kind: "email", own: &["smarthost"], global: &["smtp_smarthost"] },
    Needs { kind: "email", own: &["from"], global: &["smtp_from"] },
    Needs { kind: "email", own: &["to"], global: &[] },
    Needs {
        kind: "slack",
        own: &["api_url", "api_url_file", "app_token", "app_token_file"],
        global: &["slack_api_url", "slack_api_url_file", "slack_app_token", "slack_app_token_file"],
    },
    Needs {
        kind: "pagerduty",
        own: &["routing_key", "routing_key_file", "service_key", "service_key_file"],
        global: &[],
    },
    Needs { kind: "webhook", own: &["url", "url_file"], global: &[] },
    Needs {
        kind: "opsgenie",
        own: &["api_key", "api_key_file"],
        global: &["opsgenie_api_key", "opsgenie_api_key_file"],
    },
    Needs {
        kind: "victorops",
        own: &["api_key", "api_key_file"],
        global: &["victorops_api_key", "victorops_api_key_file"],
    },
    Needs { kind: "victorops", own: &["routing_key"], global: &[] },
    Needs { kind: "pushover", own: &["user_key", "user_key_file"], global: &[] },
    Needs { kind: "pushover", own: &["token", "token_file"], global: &[] },
    Needs { kind: "discord", own: &["webhook_url", "webhook_url_file"], global: &[] },
    Needs { kind: "msteams", own: &["webhook_url", "webhook_url_file"], global: &[] },
    Needs { kind: "msteamsv2", own: &["webhook_url", "webhook_url_file"], global: &[] },
];

fn integration(kind: &str, config: &Node, (key, global): (&Scalar, &Node), found: &mut Vec<Problem>) {
    let at = config.first().map_or_else(|| key.start(), Scalar::start);
    let has = |node: &Node, keys: &[&str]| keys.iter().any(|key| node.get(key).is_some());
    for needs in NEEDS.iter().filter(|needs| needs.kind == kind) {
        if !has(config, needs.own) && !has(global, needs.global) {
            let own = needs.own.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(" or ");
            let instead =
                needs.global.first().map_or_else(String::new, |key| format!(", and `global` no `{key}`"));
            found.push((at, format!("an integration of kind `{kind}` needs {own}, and has none{instead}")));
        }
    }
    let fields = match kind {
        "slack" => &SLACK[..],
        "pagerduty" => &PAGERDUTY[..],
        "email" => &EMAIL[..],
        "webhook" => &WEBHOOK[..],
        _ => return,
    };
    unknown(config, fields, found);
}

/// Fields that nobody knows and that are nearly known. Others may be newer than this program.
fn unknown(node: &Node, known: &[&str], found: &mut Vec<Problem>) {
    for (key, _) in node.entries() {
        if known.contains(&key.value.as_str()) {
            continue;
        }
        if let Some(near) = closest_name(&key.value, known) {
            found.push((key.start(), format!("there is no field `{}`; did you mean `{near}`?", key.value)));
        }
    }
}

const TOP: [&str; 8] = [
    "global",
    "route",
    "receivers",
    "inhibit_rules",
    "templates",
    "time_intervals",
    "mute_time_intervals",
    "tracing",
];
const ROUTE: [&str; 12] = [
    "receiver",
    "group_by",
    "group_wait",
    "group_interval",
    "repeat_interval",
    "match",
    "match_re",
    "matchers",
    "continue",
    "routes",
    "mute_time_intervals",
    "active_time_intervals",
];
const INHIBIT: [&str; 9] = [
    "name",
    "source_match",
    "source_match_re",
    "source_matchers",
    "target_match",
    "target_match_re",
    "target_matchers",
    "equal",
    "sources",
];
const RECEIVER: [&str; 23] = [
    "name",
    "labels",
    "discord_configs",
    "email_configs",
    "incidentio_configs",
    "jira_configs",
    "mattermost_configs",
    "msteams_configs",
    "msteamsv2_configs",
    "opsgenie_configs",
    "pagerduty_configs",
    "pushover_configs",
    "rocketchat_configs",
    "slack_configs",
    "sns_configs",
    "telegram_configs",
    "victorops_configs",
    "webex_configs",
    "webhook_configs",
    "wechat_configs",
    "mute_time_intervals",
    "active_time_intervals",
    "grafana_managed_receiver_configs",
];
const GLOBAL: [&str; 40] = [
    "resolve_timeout",
    "http_config",
    "smtp_from",
    "smtp_hello",
    "smtp_smarthost",
    "smtp_auth_username",
    "smtp_auth_password",
    "smtp_auth_password_file",
    "smtp_auth_secret",
    "smtp_auth_secret_file",
    "smtp_auth_identity",
    "smtp_require_tls",
    "smtp_force_implicit_tls",
    "smtp_tls_config",
    "slack_api_url",
    "slack_api_url_file",
    "slack_app_token",
    "slack_app_token_file",
    "slack_app_url",
    "pagerduty_url",
    "opsgenie_api_url",
    "opsgenie_api_key",
    "opsgenie_api_key_file",
    "wechat_api_url",
    "wechat_api_secret",
    "wechat_api_secret_file",
    "wechat_api_corp_id",
    "victorops_api_url",
    "victorops_api_key",
    "victorops_api_key_file",
    "telegram_api_url",
    "telegram_bot_token",
    "telegram_bot_token_file",
    "webex_api_url",
    "rocketchat_api_url",
    "rocketchat_token",
    "rocketchat_token_file",
    "rocketchat_token_id",
    "rocketchat_token_id_file",
    "jira_api_url",
];
const SLACK: [&str; 31] = [
    "send_resolved",
    "http_config",
    "api_url",
    "api_url_file",
    "app_token",
    "app_token_file",
    "app_url",
    "channel",
    "username",
    "color",
    "title",
    "title_link",
    "pretext",
    "text",
    "fields",
    "short_fields",
    "footer",
    "fallback",
    "callback_id",
    "icon_emoji",
    "icon_url",
    "image_url",
    "thumb_url",
    "link_names",
    "mrkdwn_in",
    "actions",
    "timeout",
    "message_text",
    "update_message",
    "thread_ts",
    "unfurl_links",
];
const PAGERDUTY: [&str; 21] = [
    "send_resolved",
    "http_config",
    "routing_key",
    "routing_key_file",
    "service_key",
    "service_key_file",
    "url",
    "client",
    "client_url",
    "description",
    "severity",
    "source",
    "details",
    "images",
    "links",
    "class",
    "component",
    "group",
    "timeout",
    "custom_details",
    "dedup_key",
];
const EMAIL: [&str; 20] = [
    "send_resolved",
    "to",
    "from",
    "smarthost",
    "hello",
    "auth_username",
    "auth_password",
    "auth_password_file",
    "auth_secret",
    "auth_secret_file",
    "auth_identity",
    "headers",
    "html",
    "text",
    "require_tls",
    "force_implicit_tls",
    "implicit_tls",
    "tls_config",
    "threading",
    "http_config",
];
const WEBHOOK: [&str; 8] =
    ["send_resolved", "http_config", "url", "url_file", "max_alerts", "timeout", "payload", "headers"];

#[cfg(test)]
mod tests {
    use crate::formats::alertmanager::AlertmanagerFile;

    #[test]
    fn each_thing_that_alertmanager_refuses_is_told_not_the_first_alone() {
        let text = "route: {receiver: a, group_by: ['alertname', '...'], repeat_intervall: 1h}\nreceivers:\n  - name: a\n    email_configs: [{to: ops@shop.internal}]\n  - name: a\n    slack_configs: [{titel: x}]\n    webhook_configs: [{}]\n";
        let said: Vec<String> =
            AlertmanagerFile::read("f", text).problems.into_iter().map(|(_, reason)| reason).collect();
        for words in [
            "stands alone",
            "`a` is there twice",
            "`smarthost`, and has none, and `global` no `smtp_smarthost`",
            "`from`",
            "did you mean `repeat_interval`?",
            "did you mean `title`?",
            "`api_url`",
            "`url` or `url_file`",
        ] {
            assert!(said.iter().any(|said| said.contains(words)), "{words}: {said:#?}");
        }
    }
}
