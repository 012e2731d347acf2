//! What Grafana's answer to a panel's query means.

use serde_json::Value;

use crate::check::finding::{Finding, Severity};
use crate::check::panels::{EMPTY, ERROR, NAN, PanelQuery};

/// `None` when the panel shows something.
pub fn assess(query: &PanelQuery, answer: &Value) -> Option<Finding> {
    let result = &answer["results"]["A"];
    let error = result["error"].as_str().or_else(|| answer["message"].as_str().filter(|_| result.is_null()));
    let about = format!("`{}` asks `{}`", query.panel, query.expr);
    if let Some(error) = error {
        return Some(query.finding(ERROR, Severity::Bug, format!("panel {about}: Grafana answers: {error}")));
    }
    let values: Vec<&Value> = result["frames"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(numbers)
        .flat_map(|column| column.as_array().into_iter().flatten())
        .collect();
    if values.is_empty() {
        let message = format!("panel {about}: Grafana finds nothing");
        return Some(match &query.no_value {
            Some(text) => {
                query.finding(EMPTY, Severity::Info, format!("{message}, and the panel shows `{text}`"))
            }
            None => query.finding(EMPTY, Severity::Warning, message),
        });
    }
    // JSON has no NaN: Grafana writes null and names the places beside it.
    let is_number = |value: &&Value| value.is_number() || value.is_string();
    if !values.iter().any(is_number) {
        let message = format!("panel {about}: every value is NaN, so it shows nothing");
        return Some(query.finding(NAN, Severity::Warning, message));
    }
    None
}

/// The columns of a frame that are no times.
pub(super) fn numbers(frame: &Value) -> Vec<&Value> {
    let fields = frame["schema"]["fields"].as_array().map(Vec::as_slice).unwrap_or_default();
    let columns = frame["data"]["values"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_value = |at: usize| fields.get(at).is_none_or(|field| field["type"] == "number");
    columns.iter().enumerate().filter(|(at, _)| is_value(*at)).map(|(_, column)| column).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    #[test]
    fn errors_nothing_and_nan_are_findings() {
        let dashboard = json!({"panels": [{"title": "P", "targets": [{"expr": "x"}]}]}).to_string();
        let query = crate::check::panels::queries("d.json", &dashboard, Duration::from_secs(15)).remove(0);
        let frame = |values: Value| {
            json!({"results": {"A": {"status": 200, "frames": [{
                "schema": {"fields": [{"type": "time"}, {"type": "number"}]},
                "data": {"values": [[1, 2], values]},
            }]}}})
        };
        let id = |answer: &Value| assess(&query, answer).map(|finding| finding.id);
        assert_eq!(id(&frame(json!([1, null]))), None);
        assert_eq!(id(&frame(json!([null, null]))), Some(NAN));
        assert_eq!(id(&frame(json!([]))), Some(EMPTY));
        assert_eq!(id(&json!({"results": {"A": {"frames": []}}})), Some(EMPTY));
        let error = json!({"results": {"A": {"status": 400, "error": "parse error", "frames": []}}});
        assert!(assess(&query, &error).unwrap().message.contains("parse error"));
        assert_eq!(id(&json!({"message": "Data source not found"})), Some(ERROR));
        let quiet = PanelQuery { no_value: Some("none".to_owned()), ..query.clone() };
        let nothing = json!({"results": {"A": {"frames": []}}});
        assert_eq!(assess(&quiet, &nothing).unwrap().severity, Severity::Info);
    }
}
