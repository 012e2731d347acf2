#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::*;
use crate::formats::promql::Kind;

const FILE: &str = r#"{
  "uid": "x",
  "templating": {"list": [
    {"name": "ds", "type": "datasource", "query": "prometheus"},
    {"name": "path", "type": "query", "datasource": {"uid": "${ds}"}, "query": {"query": "label_values(shop_x{a=\"b\"}, path)"}}
  ]},
  "panels": [
    {"type": "row", "title": "R", "panels": [
      {"type": "stat", "title": "Errors \"all\"", "datasource": {"uid": "prom"},
       "targets": [{"expr": "sum(rate(shop_x{p=~\"$path\"}[$__rate_interval])) > 1", "legendFormat": "{{p}}"}],
       "fieldConfig": {"defaults": {"unit": "s", "thresholds": {"mode": "absolute", "steps": [{"value": null}, {"value": 0.5}]}}},
       "links": [{"url": "/d/x?var-alert=A"}]}
    ]}
  ]
}
"#;

#[test]
fn reads_panels_with_their_places() {
    let dashboard = Dashboard::read("d.json", FILE);
    assert!(dashboard.problem.is_none());
    assert_eq!(dashboard.uid.as_ref().unwrap().value, "x");
    let panel = &dashboard.panels[1];
    assert_eq!(
        (panel.title.as_str(), panel.kind.as_ref().unwrap().value.as_str()),
        ("Errors \"all\"", "stat")
    );
    assert_eq!(panel.unit.as_ref().unwrap().value, "s");
    assert_eq!(panel.thresholds.iter().map(|t| t.value.as_str()).collect::<Vec<_>>(), ["0.5"]);
    assert_eq!(panel.links[0].value, "/d/x?var-alert=A");
    let query = &panel.queries[0];
    let (node, selector) = query.tree.as_ref().unwrap().selectors()[0];
    assert_eq!(selector.range, Some(VARIABLE_RANGE));
    let place = query.place(&dashboard.source, node.at);
    assert!(dashboard.source.text[dashboard.source.offset(place)..].starts_with("shop_x{p"));
    let place = query.place(&dashboard.source, query.tree.as_ref().unwrap().at);
    assert!(dashboard.source.text[dashboard.source.offset(place)..].starts_with("> 1"));
}

#[test]
fn reads_the_expression_in_a_variable() {
    let dashboard = Dashboard::read("d.json", FILE);
    let query = dashboard.variables[1].query.as_ref().unwrap();
    let tree = query.tree.as_ref().unwrap();
    assert!(matches!(&tree.kind, Kind::Selector(selector) if selector.name.as_deref() == Some("shop_x")));
    let place = query.place(&dashboard.source, tree.at);
    assert!(dashboard.source.text[dashboard.source.offset(place)..].starts_with("shop_x{a"));
}

#[test]
fn says_where_a_file_breaks() {
    assert!(Dashboard::read("d.json", "{\"uid\": \"x\",\n \"panels\": [").problem.is_some());
    assert!(Dashboard::read("d.json", "[]").panels.is_empty());
}

const V2: &str = r#"{
  "apiVersion": "dashboard.grafana.app/v2beta1",
  "kind": "Dashboard",
  "metadata": {"name": "x"},
  "spec": {
    "title": "X",
    "variables": [
      {"kind": "DatasourceVariable", "spec": {"name": "ds", "pluginId": "prometheus"}},
      {"kind": "QueryVariable", "spec": {"name": "path", "query": {"kind": "DataQuery", "group": "prometheus", "datasource": {"name": "${ds}"}, "spec": {"query": "label_values(shop_x, path)"}}}}
    ],
    "elements": {
      "panel-1": {"kind": "Panel", "spec": {
        "id": 1, "title": "Rate", "links": [{"url": "/d/x?var-alert=A"}],
        "data": {"kind": "QueryGroup", "spec": {"queries": [
          {"kind": "PanelQuery", "spec": {"refId": "A", "hidden": false, "query": {"kind": "DataQuery", "group": "prometheus", "datasource": {"name": "prom"}, "spec": {"expr": "rate(shop_x[5m])"}}}}
        ]}},
        "vizConfig": {"kind": "VizConfig", "group": "timeseries", "spec": {"fieldConfig": {"defaults": {"unit": "ops"}}}}
      }}
    }
  }
}
"#;

#[test]
fn reads_the_newer_schema() {
    let dashboard = Dashboard::read("d.json", V2);
    assert_eq!(dashboard.uid.as_ref().unwrap().value, "x");
    let [panel] = &dashboard.panels[..] else { unreachable!("one panel") };
    assert_eq!((panel.title.as_str(), panel.kind.as_ref().unwrap().value.as_str()), ("Rate", "timeseries"));
    assert_eq!(panel.datasources[0].value, "prom");
    assert_eq!(panel.unit.as_ref().unwrap().value, "ops");
    assert_eq!(panel.links.len(), 1);
    assert!(panel.queries[0].tree.is_ok());
    let kinds: Vec<_> = dashboard.variables.iter().map(|v| (v.kind.as_str(), v.query.is_some())).collect();
    assert_eq!(kinds, [("datasource", false), ("query", true)]);
}
