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
    assert!(dashboard.refusals.iter().all(|refusal| refusal.reason.contains("no title")));
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
    let [broken] = &Dashboard::read("d.json", "{\"uid\": \"x\",\n \"panels\": [").refusals[..] else {
        unreachable!("one refusal")
    };
    assert_eq!(broken.place.line, 2);
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

/// A file, and for each refusal its line, its column and words of the reason.
type Expected<'a> = (&'a str, &'a [(usize, usize, &'a str)]);

#[test]
fn each_file_that_grafana_refuses_is_told_with_its_place() {
    let long = format!("{{\"title\": \"x\", \"uid\": \"{}\"}}", "a".repeat(41));
    let cases: [Expected<'_>; 10] = [
        ("[1,2]", &[(1, 1, "not an object")]),
        ("null", &[(1, 1, "not an object")]),
        ("\n \"a\"", &[(2, 2, "not an object")]),
        ("{\"uid\": \"q\", \"panels\": []}", &[(1, 2, "no title")]),
        ("{\"title\": \"\"}", &[(1, 11, "no title")]),
        (&long, &[(1, 23, "longer than 40")]),
        ("{\"title\": \"x\", \"uid\": \"a b/c\"}", &[(1, 23, "other characters")]),
        (
            "{\"uid\":5,\"title\":[],\"panels\":{\"a\":1},\"templating\":3}",
            &[
                (1, 8, "`uid` is a number"),
                (1, 10, "`title` is a list"),
                (1, 21, "`panels` is an object"),
                (1, 51, "`templating` is a number"),
            ],
        ),
        ("{\"meta\": {}, \"dashboard\": {\"title\": \"x\"}}", &[(1, 14, "below `dashboard`")]),
        ("{\"title\": \"x\",}", &[(1, 15, "key must be a string")]),
    ];
    for (text, wanted) in cases {
        let found = Dashboard::read("d.json", text).refusals;
        assert_eq!(found.len(), wanted.len(), "{text}: {found:?}");
        for (refusal, (line, column, words)) in found.iter().zip(wanted) {
            assert_eq!((refusal.place.line, refusal.place.column), (*line, *column), "{text}: {refusal:?}");
            assert!(refusal.reason.contains(words), "{text}: {refusal:?}");
        }
    }
    for text in
        ["{\"title\": \"x\"}", "{\"title\": \"x\", \"uid\": null}", "{\"title\": \"x\", \"title\": \"y\"}"]
    {
        assert_eq!(Dashboard::read("d.json", text).refusals, [], "{text}");
    }
}

#[test]
fn of_two_with_one_uid_or_title_the_second_is_refused() {
    let read = |path: &str, uid: &str, title: &str| {
        Dashboard::read(path, format!("{{\"uid\": \"{uid}\", \"title\": \"{title}\"}}"))
    };
    let all = [
        read("a", "1", "x"),
        read("b", "1", "y"),
        read("c", "2", "x"),
        read("d", "1", "x"),
        read("e", "3", "z"),
    ];
    let found: Vec<_> = validity::refusals(&all)
        .into_iter()
        .map(|(one, refusal)| format!("{}: {}", one.source.path, refusal.reason))
        .collect();
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(
        found[0].starts_with("b: a has the uid `1`") && found[1].starts_with("d: a has the uid"),
        "{found:?}"
    );
    assert!(found[2].starts_with("c: a has the title `x`"), "{found:?}");
}
