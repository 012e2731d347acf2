//! Checks of single values. Each tells what would be right, never what a secret is.

use std::net::IpAddr;

use crate::model::is_dashboard_uid;
use crate::model::{ImageRef, PromDuration, StackName};
use crate::settings::fields::Kind;
use crate::settings::tree::Value;

/// Why a value is refused: the sentence, and what to write instead.
pub(super) type Refusal = (String, Option<String>);

/// The value as text, after the check that it is what `kind` wants. Numbers and booleans come as
/// their canonical text.
pub(super) fn checked(kind: Kind, value: &Value) -> Result<String, Refusal> {
    let text = text_of(kind, value)?;
    if text.chars().any(char::is_control) {
        return Err(("the text holds a control character".to_owned(), None));
    }
    check_text(kind, &text)?;
    Ok(text)
}

fn text_of(kind: Kind, value: &Value) -> Result<String, Refusal> {
    let wrong = |expected: &str| Err((format!("expected {expected}, found {}", value.kind()), None));
    match (kind, value) {
        (Kind::Bool | Kind::AutoBool, Value::Bool(flag)) => Ok(flag.to_string()),
        (Kind::Bool, _) => wrong("`true` or `false`"),
        (Kind::Port | Kind::Count | Kind::Cpus | Kind::ChatId, Value::Integer(number)) => {
            Ok(number.to_string())
        }
        (Kind::Port, _) => wrong("a port number"),
        (Kind::Count, _) => wrong("a whole number"),
        (Kind::Cpus, Value::Float(number)) => Ok(number.to_string()),
        (_, Value::Text(text)) => Ok(text.clone()),
        (Kind::Duration, Value::Integer(number)) => {
            Err((format!("`{number}` has no unit"), Some(format!("write `{number}s` for seconds"))))
        }
        (Kind::Memory | Kind::PrometheusSize | Kind::RedisSize, Value::Integer(number)) => {
            Err((format!("`{number}` has no unit"), Some("for example `512MiB`".to_owned())))
        }
        _ => wrong("a text"),
    }
}

/// The same checks for values that come as text: from the environment or `.env`.
pub(super) fn check_text(kind: Kind, text: &str) -> Result<(), Refusal> {
    let refuse = |message: String, hint: &str| Err((message, Some(hint.to_owned())));
    let ok = |good: bool, what: &str, hint: &str| {
        if good { Ok(()) } else { refuse(format!("`{text}` is not {what}"), hint) }
    };
    match kind {
        Kind::Text if text.trim().is_empty() => {
            refuse("the text is empty".to_owned(), "give it a value, or leave the field out")
        }
        Kind::DashboardUid => ok(
            is_dashboard_uid(text),
            "a dashboard's uid",
            "letters, digits, `-` and `_`, at most 40; it stands in the dashboard's JSON as `uid`",
        ),
        Kind::StackName => ok(
            StackName::new(text).is_some(),
            "a stack name",
            "lower-case letters, digits and `-`, at most 40",
        ),
        Kind::Address => {
            ok(text.parse::<IpAddr>().is_ok(), "an IP address", "for example 127.0.0.1, or 0.0.0.0 for all")
        }
        Kind::Port => {
            ok(text.parse::<u16>().is_ok(), "a port", "a number from 1 to 65535; 0 lets the engine choose")
        }
        Kind::HostPort => ok(
            text.rsplit_once(':').is_some_and(|(host, port)| {
                !host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok_and(|port| port > 0)
            }),
            "host:port",
            "for example smtp.example.com:587",
        ),
        Kind::ChatId => {
            ok(text.parse::<i64>().is_ok(), "a chat's id", "a whole number; that of a group is negative")
        }
        Kind::Image => ok(
            ImageRef::new(text).is_some(),
            "an image reference",
            "for example docker.io/prom/prometheus:v3.13.3",
        ),
        Kind::Duration => ok(
            PromDuration::parse(text).is_some_and(|d| !d.length().is_zero()),
            "a duration",
            "a number and a unit, for example 15s, 5m, 1h30m, 15d",
        ),
        Kind::PrometheusSize => ok(
            text == "none" || is_size(text, &["B", "KB", "MB", "GB", "TB", "PB"]),
            "a size",
            "for example 512MB or 5GB; `none` for no limit",
        ),
        Kind::RedisSize => ok(is_size(text, &["b", "kb", "mb", "gb"]), "a size", "for example 256mb or 1gb"),
        Kind::Memory => ok(
            memory(text).is_some(),
            "an amount of memory",
            "for example 512MiB or 2GiB, at least 6MiB; `none` for no limit",
        ),
        Kind::Cpus => {
            ok(cpus(text).is_some(), "a number of CPUs", "a number above 0 such as 1.5; `none` for no limit")
        }
        Kind::Count => {
            ok(text.parse::<u32>().is_ok_and(|number| number > 0), "a count", "a whole number above 0")
        }
        Kind::Bool => ok(matches!(text, "true" | "false"), "a boolean", "`true` or `false`"),
        Kind::AutoBool => ok(
            matches!(text, "auto" | "true" | "false"),
            "one of auto, true, false",
            "`auto`, `true` or `false`",
        ),
        Kind::Url => {
            ok(url(text).is_some(), "an http or https URL", "for example https://backend.example.com/metrics")
        }
        Kind::Choice(words) => {
            ok(words.contains(&text), &format!("one of {}", words.join(", ")), &words.join(", "))
        }
        Kind::VariableName => ok(
            is_variable_name(text),
            "the name of an environment variable",
            "for example BACKEND_BEARER_TOKEN; the value itself stands in .env",
        ),
        Kind::Text | Kind::Labels | Kind::BasicAuth | Kind::Targets => Ok(()),
    }
}

fn is_size(text: &str, units: &[&str]) -> bool {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    digits > 0 && digits <= 15 && units.contains(&&text[digits..])
}

/// A limit that may be absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// The word `none`.
    Unlimited,
    At(i64),
}

impl Limit {
    pub(super) const fn value(self) -> Option<i64> {
        match self {
            Self::Unlimited => None,
            Self::At(value) => Some(value),
        }
    }
}

/// Bytes of `512MiB`, `2GiB`, `500MB`.
pub(super) fn memory(text: &str) -> Option<Limit> {
    if text == "none" {
        return Some(Limit::Unlimited);
    }
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let number: i64 = text.get(..digits)?.parse().ok()?;
    let unit = match text.get(digits..)?.to_ascii_lowercase().as_str() {
        "mib" | "m" => 1 << 20,
        "gib" | "g" => 1 << 30,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => return None,
    };
    // The engine refuses less than 6 MiB.
    number.checked_mul(unit).filter(|bytes| *bytes >= 6 << 20).map(Limit::At)
}

/// Billionths of a CPU.
#[expect(clippy::cast_possible_truncation, reason = "at most 4096 CPUs, so the product is far inside i64")]
pub(super) fn cpus(text: &str) -> Option<Limit> {
    if text == "none" {
        return Some(Limit::Unlimited);
    }
    let number: f64 = text.parse().ok()?;
    (0.01..=4096.0).contains(&number).then_some(Limit::At((number * 1e9) as i64))
}

/// Scheme, authority and path of an http(s) URL without credentials; `None` for anything else.
pub fn url(text: &str) -> Option<(String, String, String)> {
    let (scheme, rest) = text.split_once("://")?;
    if !matches!(scheme, "http" | "https")
        || text.chars().any(|c| c.is_whitespace() || c.is_control() || "{}\"'\\<>`".contains(c))
    {
        return None;
    }
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let host_ok = !host.is_empty() && !host.contains('@') && !host.contains(['?', '#']);
    let port_ok = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    (host_ok && port_ok).then(|| (scheme.to_owned(), authority.to_owned(), path.to_owned()))
}

pub(super) fn is_variable_name(text: &str) -> bool {
    let first_ok = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    first_ok && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Prometheus's label names, without those it keeps for itself.
pub(super) fn is_label_name(text: &str) -> bool {
    is_variable_name(text) && !text.starts_with("__")
}
