//! Takes secrets out of a text: by value, in every spelling that one may have, and by shape, for those that
//! nobody named.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use regex::Regex;

use crate::doctor::secrets;
use crate::model::Secret;
use crate::settings::Settings;

/// What stands in the place of a secret.
pub const REDACTED: &str = "<redacted>";
/// Shorter values stand in many texts by chance.
const SHORTEST: usize = 4;

/// What a secret looks like; the first group, if there is one, stays.
const SHAPES: [&str; 12] = [
    // The tail of a webhook's URL is its password.
    r"(https?://hooks\.slack\.com/)[^\s\x22'<>]+",
    r"(https?://api\.telegram\.org/bot)[^/\s\x22'<>]+",
    r"(https?://[^/\s:@\x22']+:)[^/\s@\x22']+@",
    r"(?i)(authorization[\x22']?\s*[:=]\s*[\x22']?(?:basic|bearer)\s+)[A-Za-z0-9+/=_.~-]+",
    r"(?i)([?&](?:token|key|api_key|apikey|access_token|secret|password|sig|signature)=)[^&\s\x22']+",
    r"(?i)([\x22']?(?:[a-z0-9_-]*(?:password|passwd|secret|token|api_?key|routing_?key|service_?key|credentials))[\x22']?\s*[:=]\s*)(?:\x22[^\x22\n]{4,}\x22|'[^'\n]{4,}'|[A-Za-z0-9+/_.~-]{12,})",
    r"()xox[abeoprs]-[A-Za-z0-9-]{8,}",
    r"()gls?a_[A-Za-z0-9_]{16,}",
    r"()eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+",
    r"()\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}",
    r"()AKIA[A-Z0-9]{16}",
    r"(?s)()-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----",
];

/// Knows the secrets, and shows none of them.
pub struct Redactor {
    /// Longest first: one may be a part of another.
    values: Vec<String>,
    shapes: Vec<Regex>,
}

impl Redactor {
    /// Takes these secrets out of texts.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let spelled: BTreeSet<String> = secrets.into_iter().flat_map(|one| spellings(one.reveal())).collect();
        let mut values: Vec<String> = spelled.into_iter().collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Self { values, shapes: SHAPES.iter().filter_map(|shape| Regex::new(shape).ok()).collect() }
    }

    /// Takes out those of the settings and of `more`.
    pub fn of(settings: &Settings, more: &[Secret]) -> Self {
        Self::new(secrets::of(settings).iter().map(|(_, secret)| secret).chain(more))
    }

    /// The text without what is known to be a secret.
    pub fn values(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for value in self.values.iter().filter(|value| !value.is_empty()) {
            if text.contains(value.as_str()) {
                text = text.replace(value.as_str(), REDACTED);
            }
        }
        text
    }

    /// The text without what is known to be a secret or looks like one.
    pub fn text(&self, text: &str) -> String {
        let mut text = self.values(text);
        for shape in &self.shapes {
            if shape.is_match(&text) {
                text = shape.replace_all(&text, format!("${{1}}{REDACTED}")).into_owned();
            }
        }
        text
    }
}

/// A value as it is and as JSON, URLs, base64 and redis.conf write it.
fn spellings(value: &str) -> Vec<String> {
    let value = value.trim();
    if value.len() < SHORTEST {
        return Vec::new();
    }
    let json = serde_json::Value::String(value.to_owned()).to_string();
    let json = json.trim_matches('"').to_owned();
    // JSON within JSON, as a label that holds a specification.
    let twice = serde_json::Value::String(json.clone()).to_string().trim_matches('"').to_owned();
    let mut found = vec![
        value.to_owned(),
        twice,
        json,
        utf8_percent_encode(value, NON_ALPHANUMERIC).to_string(),
        value.replace('$', "$$"),
        value.replace('\'', "''"),
        crate::doctor::secrets::path_of(value).to_owned(),
    ];
    for engine in [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD] {
        found.push(engine.encode(value));
        // The end of `user:password` has another spelling at each of three offsets; its middle shows.
        found.extend(
            (0..3).filter_map(|offset| {
                middle(&engine.encode(format!("{}{value}", "u".repeat(offset))), offset)
            }),
        );
    }
    found.retain(|one| one.len() >= SHORTEST);
    found
}

/// The part of a base64 text that does not depend on what stands around the value.
fn middle(encoded: &str, offset: usize) -> Option<String> {
    let encoded = encoded.trim_end_matches('=');
    let skipped = if offset == 0 { 0 } else { offset + 1 };
    let end = encoded.len().checked_sub(encoded.len() % 4)?.max(skipped);
    let text = encoded.get(skipped..end)?;
    // Short ones stand in many texts by chance.
    (text.len() >= 12).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_goes_in_every_spelling() {
        let secret = Secret::new("pä\"ss $1 & more");
        let redactor = Redactor::new([&secret]);
        let json = serde_json::json!({"k": secret.reveal()}).to_string();
        let basic = STANDARD.encode(format!("someone:{}", secret.reveal()));
        let url = format!("http://h/?q={}", utf8_percent_encode(secret.reveal(), NON_ALPHANUMERIC));
        for text in [secret.reveal(), &json, &serde_json::json!(json).to_string(), &basic, &url] {
            let shown = redactor.text(text);
            assert!(shown.contains(REDACTED), "{text} → {shown}");
            assert!(!shown.contains("more") && !shown.contains("c3Mg"), "{text} → {shown}");
        }
    }

    #[test]
    fn a_shape_goes_though_nobody_named_it() {
        let redactor = Redactor::new([]);
        for (text, gone) in [
            ("Post https://hooks.slack.com/services/T1/B2/abcdefgh: EOF", "abcdefgh"),
            ("Post \"https://api.telegram.org/bot123:abcdefgh/sendMessage\"", "abcdefgh"),
            ("Authorization: Basic c29tZW9uZTpwYXNz", "c29tZW9uZTpwYXNz"),
            (r#"{"routing_key": "0123456789abcdef"}"#, "0123456789abcdef"),
            ("postgres password=hunter2hunter2 host=x", "hunter2hunter2"),
            ("http://someone:hunter2@host/x", "hunter2"),
            ("GET /hook?token=abc123def", "abc123def"),
            ("xoxb-1234-abcdefgh", "abcdefgh"),
            ("hash $2y$10$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234", "ABCDEFGHIJ"),
            ("-----BEGIN RSA PRIVATE KEY-----\nabcd\n-----END RSA PRIVATE KEY-----", "abcd"),
        ] {
            let shown = redactor.text(text);
            assert!(!shown.contains(gone) && shown.contains(REDACTED), "{text} → {shown}");
        }
        let plain = "the target confidex-backend answers 401: password_file: /etc/prometheus/secrets/a";
        assert_eq!(
            redactor.text("level=info msg=\"Listening on\" address=[::]:9090"),
            "level=info msg=\"Listening on\" address=[::]:9090"
        );
        assert!(redactor.text(plain).contains("answers 401"));
    }

    #[test]
    fn a_short_value_does_not_shred_the_text() {
        assert_eq!(Redactor::new([&Secret::new("a")]).text("banana"), "banana");
    }
}
