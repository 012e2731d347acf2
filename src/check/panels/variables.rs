//! Dashboard variables at the values that a dashboard opens with.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

/// `${name.field:format}`, `[[name:format]]`, `$name`. Made once: that takes longer than many replacements.
static NOTATIONS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?-u)\$\{(\w+)(?:\.\w+)?(?::\w+)?\}|\[\[(\w+)(?::\w+)?\]\]|\$(\w+)").ok());

/// Name → value as a `PromQL` matcher wants it.
#[derive(Debug, Default)]
pub(super) struct Variables {
    values: Vec<(String, String)>,
}

impl Variables {
    pub(super) fn of(dashboard: &Value) -> Self {
        let list = dashboard["templating"]["list"].as_array().into_iter().flatten();
        let values =
            list.filter_map(|variable| Some((variable["name"].as_str()?.to_owned(), value(variable))));
        Self { values: values.collect() }
    }

    /// Replaces `$name`, `${name}`, `${name:format}` and `[[name]]`; unknown names stay as they are.
    pub(super) fn apply(&self, text: &str, built_in: &[(&str, String)]) -> String {
        let Some(pattern) = NOTATIONS.as_ref() else { return text.to_owned() };
        let known = |name: &str| {
            let built_in = built_in.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
            let own = self.values.iter().find(|(known, _)| known == name);
            built_in.or_else(|| own.map(|(_, value)| value.as_str()))
        };
        let replaced = pattern.replace_all(text, |found: &Captures<'_>| {
            let name = found.iter().skip(1).flatten().next().map_or("", |name| name.as_str());
            known(name).map_or_else(|| found[0].to_owned(), str::to_owned)
        });
        replaced.into_owned()
    }
}

fn value(variable: &Value) -> String {
    let kind = variable["type"].as_str().unwrap_or_default();
    let multi = variable["multi"].as_bool() == Some(true) || variable["includeAll"].as_bool() == Some(true);
    let current: Vec<&str> = match &variable["current"]["value"] {
        Value::String(text) => vec![text.as_str()],
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let all = current.contains(&"$__all");
    if all || (current.is_empty() && kind == "query") {
        return variable["allValue"].as_str().filter(|value| !value.is_empty()).unwrap_or(".*").to_owned();
    }
    if let [only] = current.as_slice() {
        return if multi && kind != "datasource" { regex::escape(only) } else { (*only).to_owned() };
    }
    if !current.is_empty() {
        let parts: Vec<String> = current.iter().map(|value| regex::escape(value)).collect();
        return format!("({})", parts.join("|"));
    }
    // Nothing chosen yet: the first of the list, or the text itself.
    let query = variable["query"].as_str().unwrap_or_default();
    match kind {
        "custom" | "interval" => query.split(',').next().unwrap_or_default().trim().to_owned(),
        _ => query.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::needless_raw_string_hashes)]
    use super::*;

    #[test]
    fn values_are_those_a_dashboard_opens_with() {
        let cases = [
            (r#"{"type":"query","includeAll":true,"allValue":".+","current":{"value":["$__all"]}}"#, ".+"),
            (r#"{"type":"query","includeAll":true,"current":{"value":"$__all"}}"#, ".*"),
            (r#"{"type":"query","multi":true,"current":{"value":["a.b","c"]}}"#, "(a\\.b|c)"),
            (r#"{"type":"query","multi":true,"current":{"value":["a.b"]}}"#, "a\\.b"),
            (r#"{"type":"datasource","query":"prometheus","current":{"value":"uid-1"}}"#, "uid-1"),
            (r#"{"type":"custom","query":"5m, 10m"}"#, "5m"),
            (r#"{"type":"constant","query":"x"}"#, "x"),
            (r#"{"type":"query"}"#, ".*"),
        ];
        for (text, expected) in cases {
            let variable: Value = serde_json::from_str(text).unwrap_or_default();
            assert_eq!(value(&variable), expected, "{text}");
        }
    }

    #[test]
    fn every_notation_is_replaced_and_longer_names_are_not_cut() {
        let variables =
            Variables { values: vec![("a".to_owned(), "1".to_owned()), ("ab".to_owned(), "2".to_owned())] };
        let text = variables.apply("$a $ab ${a:regex} [[ab]] $abc $__range", &[("__range", "3h".to_owned())]);
        assert_eq!(text, "1 2 1 2 $abc 3h");
    }
}
