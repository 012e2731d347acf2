//! Runbook pages become Grafana dashboards, so that a notification's link works wherever Grafana does.

use serde_json::json;

/// The uid of an alert's runbook page: stable, and derivable inside a notification template.
pub fn uid(alert_name: &str) -> String {
    format!("runbook-{}", alert_name.to_lowercase())
}

/// A dashboard with one text panel that shows the page, and a link to the dashboard with uid `overview`.
pub fn dashboard(alert_name: &str, markdown: &str, overview: &str) -> String {
    let page = json!({
        "uid": uid(alert_name),
        "title": format!("Runbook: {alert_name}"),
        "tags": ["runbook"],
        "schemaVersion": 39,
        "version": 1,
        "editable": false,
        "timezone": "",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": []},
        "annotations": {"list": []},
        "links": [{"title": "Overview", "type": "link", "url": format!("/d/{overview}"), "icon": "dashboard"}],
        "panels": [{
            "id": 1,
            "type": "text",
            "title": "",
            "gridPos": {"x": 0, "y": 0, "w": 24, "h": 22},
            "options": {"mode": "markdown", "content": markdown},
        }],
    });
    format!("{page:#}\n")
}
