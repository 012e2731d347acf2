//! The message as it arrived: what a person would read of it, and what is wrong with it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// What a person sees.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Message {
    pub title: String,
    pub text: String,
}

/// What the links of a message are compared with.
#[derive(Clone, Debug, Default)]
pub struct Links {
    /// What every link to a runbook begins with.
    pub runbook_base: String,
    /// What every link to a dashboard begins with.
    pub dashboard_base: String,
}

/// Title and text, where each kind of integration has them.
pub fn preview(kind: &str, body: &Value) -> Message {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (title, text) = match kind {
        "slack" => (text("/attachments/0/title"), text("/attachments/0/text")),
        "pagerduty" => (
            text("/payload/summary"),
            with_links(details(&body["payload"]["custom_details"]), &body["links"]),
        ),
        "webhook" | "incidentio" => (webhook_title(body), webhook_text(body)),
        "discord" => (text("/embeds/0/title"), text("/embeds/0/description")),
        "opsgenie" => (text("/message"), text("/description")),
        "victorops" => (text("/entity_display_name"), text("/state_message")),
        "msteamsv2" => {
            (text("/attachments/0/content/body/0/text"), text("/attachments/0/content/body/1/text"))
        }
        // One text holds everything.
        "telegram" => (first_line(&text("/text")), text("/text")),
        _ => (text("/title"), text("/text")),
    };
    Message { title: title.trim().to_owned(), text }
}

/// The details of an event are texts in the project's template, and objects without one.
fn details(details: &Value) -> String {
    match (&details["firing"], details.as_object()) {
        (Value::String(text), _) => text.clone(),
        (_, Some(fields)) if !fields.is_empty() => details.to_string(),
        _ => String::new(),
    }
}

/// The links of an event stand beside its text: one a line below it. A blank text stays blank.
fn with_links(text: String, links: &Value) -> String {
    let named = links.as_array().into_iter().flatten().filter_map(|link| {
        let (name, href) = (link["text"].as_str().unwrap_or("link"), link["href"].as_str()?);
        Some(format!("{name}: {href}"))
    });
    let below = named.collect::<Vec<_>>().join("\n");
    if below.is_empty() || text.trim().is_empty() {
        return text;
    }
    format!("{}\n\n{below}", text.trim_end())
}

fn first_line(text: &str) -> String {
    text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned()
}

fn webhook_title(body: &Value) -> String {
    let label = |name: &str| body["commonLabels"][name].as_str().unwrap_or_default().to_owned();
    let status = body["status"].as_str().unwrap_or_default().to_uppercase();
    let count = body["alerts"].as_array().map_or(0, Vec::len);
    let title = format!("[{status}:{count}] {} {}", label("severity"), label("alertname"));
    title.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn webhook_text(body: &Value) -> String {
    let alerts = body["alerts"].as_array().into_iter().flatten();
    let lines = alerts.flat_map(|alert| {
        let annotation = |name: &str| alert["annotations"][name].as_str().filter(|text| !text.is_empty());
        [annotation("summary"), annotation("description")]
            .into_iter()
            .flatten()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Everything that a person would stumble over.
pub fn problems(
    kind: &str,
    body: &Value,
    annotations: &BTreeMap<String, String>,
    links: &Links,
) -> Vec<String> {
    let mut problems = Vec::new();
    let message = preview(kind, body);
    for (name, text) in [("title", &message.title), ("text", &message.text)] {
        if text.trim().is_empty() {
            problems.push(format!("the {name} of the {kind} message is blank"));
        }
    }
    let mut texts = Vec::new();
    strings(body, &mut texts);
    // Slack's `<` is written `&lt;`.
    for sign in ["error expanding template", "<no value>", "&lt;no value&gt;"] {
        if let Some(text) = texts.iter().find(|text| text.contains(sign)) {
            problems.push(format!("the {kind} message says: {}", excerpt(text, sign)));
        }
    }
    let runbook = LinkKind { name: "runbook", base: &links.runbook_base, other_base: "" };
    let dashboard =
        LinkKind { name: "dashboard", base: &links.dashboard_base, other_base: &links.runbook_base };
    if !has_link(kind, &texts, annotations, &runbook) {
        problems.push(format!("the {kind} message has no link to a runbook"));
    }
    // Texts fall back on the overview; what carries annotations has none of a dashboard unless the rule gives one,
    // and `check` asks nobody for it.
    if !carries_annotations(kind) && !has_link(kind, &texts, annotations, &dashboard) {
        problems.push(format!("the {kind} message has no link to a dashboard"));
    }
    problems
}

/// A kind of link that a message should have.
struct LinkKind<'a> {
    name: &'a str,
    /// What its address begins with.
    base: &'a str,
    /// What an address of another kind begins with, which may begin with `base` too; empty for none.
    other_base: &'a str,
}

/// A webhook, and incident.io, carries annotations, not texts.
fn carries_annotations(kind: &str) -> bool {
    matches!(kind, "webhook" | "incidentio")
}

/// Where annotations are carried the annotation is the link.
fn has_link(kind: &str, texts: &[&str], annotations: &BTreeMap<String, String>, link: &LinkKind<'_>) -> bool {
    let LinkKind { name, base, other_base } = *link;
    let annotation = |name: &str| annotations.get(name).filter(|value| !value.trim().is_empty());
    let url = annotation(&format!("{name}_url"));
    if carries_annotations(kind) {
        return annotation(name).or(url).is_some();
    }
    let leads_there = |text: &str| {
        text.match_indices(base).any(|(at, _)| {
            let link = &text[at..];
            let is_other = !other_base.is_empty() && link.starts_with(other_base);
            let rest = &link[base.len()..];
            !is_other && rest.starts_with(|c: char| c.is_alphanumeric() || "-_.~%/".contains(c))
        })
    };
    texts.iter().any(|text| leads_there(text) || url.is_some_and(|url| text.contains(url.as_str())))
}

/// Every text of a JSON value.
fn strings<'a>(value: &'a Value, texts: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(values) => values.iter().for_each(|value| strings(value, texts)),
        Value::Object(fields) => fields.values().for_each(|value| strings(value, texts)),
        _ => {}
    }
}

/// The line around the sign, cut to what a terminal shows.
fn excerpt(text: &str, sign: &str) -> String {
    let line = text.lines().find(|line| line.contains(sign)).unwrap_or(text);
    let at = line.find(sign).unwrap_or(0);
    let from = line.char_indices().map(|(byte, _)| byte).rfind(|byte| byte + 40 <= at).unwrap_or(0);
    line[from..].chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn links() -> Links {
        Links {
            runbook_base: "http://g:3002/d/runbook-".to_owned(),
            dashboard_base: "http://g:3002/d/".to_owned(),
        }
    }

    fn slack(title: &str, text: &str) -> Value {
        json!({"channel": "#a", "attachments": [{"title": title, "text": text}]})
    }

    fn checked(body: &Value) -> Vec<String> {
        problems("slack", body, &BTreeMap::new(), &links())
    }

    const GOOD: &str =
        "*Down* <http://g:3002/d/runbook-down|Runbook> · <http://g:3002/d/overview?x=1|Dashboard>";

    #[test]
    fn a_good_message_has_no_problem() {
        assert_eq!(checked(&slack("t", GOOD)), Vec::<String>::new());
    }

    #[test]
    fn what_a_person_would_stumble_over_is_a_problem() {
        assert!(checked(&slack(" ", GOOD))[0].contains("title"));
        assert!(checked(&slack("t", ""))[0].contains("text"));
        assert!(
            checked(&slack("t", &format!("{GOOD} &lt;error expanding template alert_A: no such label")))[0]
                .contains("error expanding template alert_A")
        );
        assert!(checked(&slack("t", &format!("{GOOD} <no value>")))[0].contains("<no value>"));
        assert_eq!(checked(&slack("t", "<http://g:3002/d/overview|Dashboard>")).len(), 1);
        // A runbook lies on a dashboard, but is none.
        assert_eq!(checked(&slack("t", "<http://g:3002/d/runbook-a|Runbook>")).len(), 1);
        // A link that ends where the page's name should be.
        assert_eq!(checked(&slack("t", "<http://g:3002/d/runbook-|Runbook> <http://g:3002/d/o|D>")).len(), 1);
    }

    #[test]
    fn a_link_may_be_an_annotation_of_its_own() {
        let annotations = [("runbook_url".to_owned(), "https://wiki/x".to_owned())].into();
        let body = slack("t", "<https://wiki/x|Runbook> <http://g:3002/d/o|D>");
        assert!(problems("slack", &body, &annotations, &links()).is_empty());
    }

    #[test]
    fn reads_each_kind() {
        let pagerduty = json!({"payload": {"summary": "s", "custom_details": {"firing": "f"}}});
        assert_eq!(preview("pagerduty", &pagerduty), Message { title: "s".into(), text: "f".into() });
        let linked = json!({"payload": {"custom_details": {"firing": "f\n\n"}}, "links": [{"text": "Silence", "href": "http://a/x"}]});
        assert_eq!(preview("pagerduty", &linked).text, "f\n\nSilence: http://a/x");
        let blank = json!({"payload": {"custom_details": {"firing": " "}}, "links": linked["links"]});
        assert_eq!(preview("pagerduty", &blank).text, " ");
        let objects = json!({"payload": {"summary": "s", "custom_details": {"firing": {"a": 1}}}});
        assert_eq!(preview("pagerduty", &objects).text, r#"{"firing":{"a":1}}"#);
        assert!(preview("pagerduty", &json!({"payload": {"custom_details": {}}})).text.is_empty());
        let webhook = json!({"status": "firing", "commonLabels": {"alertname": "A"}, "alerts": [{"annotations": {"summary": "s", "description": "d"}}]});
        assert_eq!(
            preview("webhook", &webhook),
            Message { title: "[FIRING:1] A".into(), text: "s\nd".into() }
        );
        assert_eq!(preview("slack", &json!(null)), Message::default());
    }
}
