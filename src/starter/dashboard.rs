//! The backend's dashboard: one panel per alert, with the alert's own threshold.

use serde_json::{Value, json};

use crate::starter::Backend;
use crate::starter::draft::{AlertDraft, Direction, Panel};

/// Which instances the dashboard shows.
const FILTER: &str = "instance=~\"$instance\"";
/// Panels stand in two columns of Grafana's grid of 24.
const WIDTH: usize = 12;
const HEIGHT: usize = 8;

/// The dashboard as JSON, in the classic form that provisioning takes.
pub(super) fn text(backend: &Backend, drafts: &[AlertDraft]) -> String {
    let panels: Vec<Value> = drafts.iter().enumerate().map(|(index, draft)| panel(index, draft)).collect();
    let name = &backend.name;
    let dashboard = json!({
        "uid": backend.dashboard_uid(),
        "title": format!("{name} overview"),
        "description": format!("What the alerts in rules/{name}.yml look at, with their thresholds."),
        "tags": [name],
        "schemaVersion": 39,
        "version": 1,
        "editable": false,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": [{
            "name": "Alerts",
            "enable": true,
            "iconColor": "red",
            "datasource": {"type": "prometheus", "uid": "${datasource}"},
            "expr": "ALERTS{alertstate=\"firing\", severity=~\"critical|warning\"}",
            "step": "1m",
            "titleFormat": "{{alertname}}",
            "tagKeys": "severity,instance",
        }]},
        "links": [
            {"title": "Monitoring stack", "type": "link", "url": "/d/confidexmon-stack", "icon": "dashboard", "keepTime": true},
            {"title": "Runbooks", "type": "dashboards", "tags": ["runbook"], "asDropdown": true, "icon": "external link"},
        ],
        "templating": {"list": [datasource(), instance(backend)]},
        "panels": panels,
    });
    format!("{dashboard:#}\n")
}

fn datasource() -> Value {
    json!({
        "name": "datasource", "label": "Datasource", "type": "datasource", "query": "prometheus",
        "current": {"text": "Prometheus", "value": "confidex-prometheus"}, "hide": 0, "includeAll": false, "multi": false,
        "options": [], "refresh": 1, "regex": "",
    })
}

fn instance(backend: &Backend) -> Value {
    let query = format!("label_values(up{{job=\"{}\"}}, instance)", backend.job);
    json!({
        "name": "instance", "label": "Instance", "type": "query",
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "definition": query, "query": {"query": query, "refId": "instance"},
        "includeAll": true, "allValue": ".*", "multi": true, "current": {"text": ["All"], "value": ["$__all"]},
        "options": [], "refresh": 2, "regex": "", "sort": 1, "hide": 0,
    })
}

fn panel(index: usize, draft: &AlertDraft) -> Value {
    let Panel { title, expr, unit, .. } = &draft.panel;
    let source = json!({"type": "prometheus", "uid": "${datasource}"});
    json!({
        "id": index + 1,
        "type": "timeseries",
        "title": title,
        "description": format!("Alert: {}.", draft.name),
        "datasource": source,
        "gridPos": {"h": HEIGHT, "w": WIDTH, "x": index % 2 * WIDTH, "y": index / 2 * HEIGHT},
        "targets": [{
            "refId": "A",
            "datasource": source,
            "expr": expr.replace("{FILTER}", FILTER),
            "legendFormat": "{{instance}}",
        }],
        "fieldConfig": {
            "defaults": {
                "unit": unit,
                "min": 0,
                "color": {"mode": "palette-classic"},
                "custom": {"thresholdsStyle": {"mode": "line"}},
                "thresholds": {"mode": "absolute", "steps": steps(&draft.panel)},
            },
            "overrides": [],
        },
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "links": [{"title": format!("Runbook {}", draft.name), "url": format!("/d/{}", crate::render::runbook::uid(&draft.name))}],
    })
}

fn steps(panel: &Panel) -> Value {
    let (below, above) = match panel.direction {
        Direction::BadAbove => ("green", "red"),
        Direction::BadBelow => ("red", "green"),
    };
    json!([{"color": below, "value": null}, {"color": above, "value": panel.threshold}])
}
