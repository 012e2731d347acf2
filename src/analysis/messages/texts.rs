//! The texts of receivers that Alertmanager fills in when it sends a message.

use crate::formats::alertmanager::AlertmanagerFile;
use crate::formats::yaml::node::Node;
use crate::formats::yaml::scalar::Scalar;

/// One text of one receiver.
#[derive(Clone, Debug)]
pub struct MessageText<'a> {
    pub receiver: &'a str,
    /// `slack`, `pagerduty`…
    pub integration: &'a str,
    /// The keys that lead to it, such as `details.firing`.
    pub field: String,
    pub scalar: &'a Scalar,
    /// Resolved alerts are sent too.
    pub sends_resolved: bool,
}

/// Integrations that send nothing when an alert is over, unless they are told to.
const WITHOUT_RESOLVED: [&str; 3] = ["email", "slack", "wechat"];
/// What is taken as it is written.
const LITERAL: [&str; 4] = ["url", "api_url", "http_config", "routing_key"];

/// Every templated text of every receiver.
pub fn all(file: &AlertmanagerFile) -> Vec<MessageText<'_>> {
    let mut found = Vec::new();
    for receiver in file.tree.list_at("receivers") {
        let name = receiver.text_at("name").unwrap_or_default();
        for (key, configs) in receiver.entries() {
            let Some(integration) = key.value.strip_suffix("_configs") else { continue };
            for config in configs.items() {
                of_config((name, integration), config, &mut found);
            }
        }
    }
    found
}

fn of_config<'a>(
    (receiver, integration): (&'a str, &'a str),
    config: &'a Node,
    found: &mut Vec<MessageText<'a>>,
) {
    let told = config.text_at("send_resolved").map(|value| value.eq_ignore_ascii_case("true"));
    let sends_resolved = told.unwrap_or(!WITHOUT_RESOLVED.contains(&integration));
    config.walk(&mut |path, scalar| {
        let literal = path
            .first()
            .is_some_and(|key| LITERAL.contains(&key.value.as_str()) || key.value.ends_with("_file"));
        if literal || !scalar.value.contains("{{") {
            return;
        }
        let field = path.iter().map(|key| key.value.as_str()).collect::<Vec<_>>().join(".");
        found.push(MessageText { receiver, integration, field, scalar, sends_resolved });
    });
}

impl MessageText<'_> {
    /// A text that a person reads: nothing in its place is a message that says nothing.
    pub fn is_read(&self) -> bool {
        const READ: [&str; 13] = [
            "title",
            "text",
            "fallback",
            "pretext",
            "description",
            "summary",
            "message",
            "subject",
            "html",
            "body",
            "content",
            "Subject",
            "entity_display_name",
        ];
        let last = self.field.rsplit('.').next().unwrap_or_default();
        let first = self.field.split('.').next().unwrap_or_default();
        // Fields and actions of Slack may be left out by being blank.
        READ.contains(&last) && !matches!(first, "actions" | "links" | "images") || first == "details"
    }
}
