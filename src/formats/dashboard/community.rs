//! A dashboard as it was exported or shared, with what an import by hand would ask for filled in.

use serde_json::{Map, Value, json};

use super::convert;
use crate::model::uid_of_file;

/// A datasource that Grafana is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub uid: String,
    pub name: String,
    /// `prometheus`, `alertmanager`…
    pub kind: String,
}

/// What Grafana gets in place of the file, and what was filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    pub text: String,
    pub what: Vec<String>,
}

/// The file with its inputs, datasources and uid filled in; `None` where there is nothing to do, or nothing
/// that could be read.
pub fn resolve(path: &str, text: &str, sources: &[Source]) -> Option<Resolved> {
    let file: Value = serde_json::from_str(text).ok()?;
    let mut what = Vec::new();
    let mut dashboard = match convert::to_classic(&file) {
        Some(classic) => {
            what.push("converted to the classic schema".to_owned());
            classic
        }
        None => file,
    };
    if !dashboard.get("title").is_some_and(Value::is_string) {
        return None;
    }
    let filled = inputs(&mut dashboard, sources, &mut what);
    let fields = dashboard.as_object_mut()?;
    if fields.get("id").is_some_and(|id| !id.is_null()) {
        fields.remove("id");
        what.push("its id left out".to_owned());
    }
    if fields.get("uid").and_then(Value::as_str).is_none_or(str::is_empty) {
        let uid = uid_of_file(path);
        what.push(format!("the uid `{uid}` from its name"));
        fields.insert("uid".to_owned(), Value::String(uid));
    }
    library_panels(&mut dashboard, &mut what);
    let variables = datasource_variables(&dashboard);
    let mut walk = Filler { inputs: &filled, variables: &variables, sources, named: Vec::new() };
    walk.fill(&mut dashboard);
    what.extend(walk.named);
    (!what.is_empty()).then(|| Resolved { text: format!("{dashboard:#}\n"), what })
}

/// What stands for each input, by its name; the lists of them are taken away.
fn inputs(dashboard: &mut Value, sources: &[Source], what: &mut Vec<String>) -> Vec<(String, String)> {
    let Some(fields) = dashboard.as_object_mut() else { return Vec::new() };
    let listed = fields.remove("__inputs");
    let required = fields.remove("__requires").is_some();
    let mut filled = Vec::new();
    for input in listed.as_ref().and_then(Value::as_array).into_iter().flatten() {
        let text = |key: &str| input[key].as_str().unwrap_or_default();
        let value = match (text("type"), text("pluginId")) {
            ("datasource", "__expr__") => Some("__expr__".to_owned()),
            ("datasource", kind) => of_kind(sources, kind).map(|source| source.uid.clone()),
            _ => input["value"].as_str().map(str::to_owned),
        };
        if let Some(value) = value {
            what.push(format!("{} is `{value}`", text("name")));
            filled.push((text("name").to_owned(), value));
        }
    }
    if required && what.is_empty() {
        what.push("`__requires` left out".to_owned());
    }
    filled
}

fn of_kind<'a>(sources: &'a [Source], kind: &str) -> Option<&'a Source> {
    sources.iter().find(|source| source.kind == kind || (kind.is_empty() && source.kind == PROMETHEUS))
}

const PROMETHEUS: &str = "prometheus";

/// A panel of a library is put in the place that names it: the library is not provisioned.
fn library_panels(dashboard: &mut Value, what: &mut Vec<String>) {
    let Some(Value::Object(elements)) =
        dashboard.as_object_mut().and_then(|fields| fields.remove("__elements"))
    else {
        return;
    };
    let mut count = 0;
    let panels = dashboard.get_mut("panels").and_then(Value::as_array_mut);
    for panel in panels.into_iter().flatten() {
        let own = panel.get_mut("panels").and_then(Value::as_array_mut);
        for inner in own.into_iter().flatten() {
            count += usize::from(from_library(inner, &elements));
        }
        count += usize::from(from_library(panel, &elements));
    }
    if count > 0 {
        what.push(format!("panels of its library put in place: {count}"));
    }
}

fn from_library(panel: &mut Value, elements: &Map<String, Value>) -> bool {
    let model =
        panel["libraryPanel"]["uid"].as_str().and_then(|uid| elements.get(uid)?.get("model")?.as_object());
    let (Some(model), Some(fields)) = (model, panel.as_object_mut()) else { return false };
    fields.remove("libraryPanel");
    for (key, value) in model {
        if !matches!(key.as_str(), "id" | "gridPos" | "libraryPanel") {
            fields.insert(key.clone(), value.clone());
        }
    }
    true
}

fn datasource_variables(dashboard: &Value) -> Vec<String> {
    let list = dashboard["templating"]["list"].as_array().into_iter().flatten();
    list.filter_map(|variable| variable["name"].as_str().map(str::to_owned)).collect()
}

/// Walks through everything that stands in a dashboard.
struct Filler<'a> {
    inputs: &'a [(String, String)],
    /// The dashboard's own variables: a text that names one stays.
    variables: &'a [String],
    sources: &'a [Source],
    /// What was said of datasources, each once.
    named: Vec<String>,
}

impl Filler<'_> {
    fn fill(&mut self, value: &mut Value) {
        match value {
            Value::String(text) if text.contains("${") => *text = self.filled(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.fill(item)),
            Value::Object(fields) => {
                for (key, value) in fields.iter_mut() {
                    self.fill(value);
                    if key == "datasource" {
                        self.datasource(value);
                    }
                }
            }
            _ => {}
        }
    }

    fn filled(&self, text: &str) -> String {
        let one =
            |text: String, (name, value): &(String, String)| text.replace(&format!("${{{name}}}"), value);
        self.inputs.iter().fold(text.to_owned(), one)
    }

    /// A datasource by its name, or none: what Grafana's old format allows.
    fn datasource(&mut self, value: &mut Value) {
        let Some(source) = self.meant(value) else { return };
        let (said, new) = match &value {
            Value::Object(_) => (None, json!({"type": source.kind, "uid": source.uid})),
            Value::String(name) if *name == source.uid => {
                (None, json!({"type": source.kind, "uid": source.uid}))
            }
            Value::String(name) => (
                Some(format!("the datasource \"{name}\" is `{}`", source.uid)),
                json!({"type": source.kind, "uid": source.uid}),
            ),
            _ => (
                Some(format!("where no datasource is named it is `{}`", source.uid)),
                json!({"type": source.kind, "uid": source.uid}),
            ),
        };
        if *value == new {
            return;
        }
        *value = new;
        self.named.extend(said.filter(|said| !self.named.contains(said)));
    }

    fn meant(&mut self, value: &Value) -> Option<Source> {
        let text = match value {
            Value::Null => "",
            Value::String(name) => name.as_str(),
            Value::Object(fields) => fields.get("uid")?.as_str().filter(|uid| uid.starts_with("${DS_"))?,
            _ => return None,
        };
        let source = stands_for(text, self.variables, self.sources)?.clone();
        if let Value::Object(_) = value {
            let said = format!("{text} is `{}`", source.uid);
            if !self.named.contains(&said) {
                self.named.push(said);
            }
        }
        Some(source)
    }
}

/// The datasource that a name, a variable of an import (`${DS_…}`) or nothing means here; `None` where it
/// stays as it is.
pub fn stands_for<'a>(text: &str, variables: &[String], sources: &'a [Source]) -> Option<&'a Source> {
    let prometheus = || of_kind(sources, PROMETHEUS);
    if let Some(rest) = text.strip_prefix('$') {
        let name = rest.trim_start_matches('{').trim_end_matches('}');
        let is_of_import = name.starts_with("DS_") && !variables.iter().any(|own| own == name);
        return prometheus().filter(|_| is_of_import && speaks_of_prometheus(name));
    }
    if let Some(named) = sources.iter().find(|source| source.name == text || source.uid == text) {
        return Some(named);
    }
    let is_default = text.is_empty() || text == "default";
    prometheus().filter(|_| is_default || !text.starts_with("--") && speaks_of_prometheus(text))
}

/// Words of datasources of other kinds.
const OTHERS: [&str; 12] = [
    "loki",
    "elastic",
    "influx",
    "graphite",
    "tempo",
    "jaeger",
    "mysql",
    "postgres",
    "cloudwatch",
    "alertmanager",
    "pyroscope",
    "zipkin",
];

/// `DS_PROMETHEUS`, `Prometheus-1`, `DS_PROM`; whoever says nothing of another one means it too.
fn speaks_of_prometheus(name: &str) -> bool {
    let lower = name.to_lowercase();
    lower.contains("prom") || (lower.starts_with("ds_") && !OTHERS.iter().any(|other| lower.contains(other)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn sources() -> Vec<Source> {
        let source = |uid: &str, name: &str, kind: &str| Source {
            uid: uid.into(),
            name: name.into(),
            kind: kind.into(),
        };
        vec![source("am", "Alertmanager", "alertmanager"), source("prom", "Prometheus", "prometheus")]
    }

    fn resolved(text: &str) -> (Value, String) {
        let done = resolve("shop.json", text, &sources()).unwrap();
        (serde_json::from_str(&done.text).unwrap(), done.what.join("; "))
    }

    #[test]
    fn an_import_by_hand_has_nothing_left_to_ask() {
        let (board, what) = resolved(
            r#"{"__inputs": [
                {"name": "DS_PROMETHEUS", "type": "datasource", "pluginId": "prometheus"},
                {"name": "DS_EXPRESSION", "type": "datasource", "pluginId": "__expr__"},
                {"name": "DS_LOKI", "type": "datasource", "pluginId": "loki"},
                {"name": "VAR_METRIC", "type": "constant", "value": "shop_requests_total"}],
              "__requires": [], "id": 1860, "uid": null, "title": "Shop",
              "panels": [
                {"datasource": {"type": "prometheus", "uid": "${DS_PROMETHEUS}"}, "targets": [{"expr": "rate(${VAR_METRIC}[5m])"}]},
                {"datasource": {"type": "__expr__", "uid": "${DS_EXPRESSION}"}},
                {"datasource": {"type": "loki", "uid": "${DS_LOKI}"}},
                {"datasource": null}, {"datasource": "Prometheus"}, {"datasource": "prometheus-prod"},
                {"datasource": "-- Mixed --"}, {"datasource": "${DS_THANOS}"}]}"#,
        );
        let sources: Vec<String> =
            board["panels"].as_array().unwrap().iter().map(|panel| panel["datasource"].to_string()).collect();
        let ours = r#"{"type":"prometheus","uid":"prom"}"#;
        let expr = r#"{"type":"__expr__","uid":"__expr__"}"#;
        let loki = r#"{"type":"loki","uid":"${DS_LOKI}"}"#;
        assert_eq!(sources, [ours, expr, loki, ours, ours, ours, "\"-- Mixed --\"", ours]);
        assert_eq!(board["panels"][0]["targets"][0]["expr"], "rate(shop_requests_total[5m])");
        assert_eq!(board["uid"], "shop");
        assert!(board.get("__inputs").is_none() && board.get("id").is_none(), "{board}");
        for said in [
            "DS_PROMETHEUS is `prom`",
            "VAR_METRIC is",
            "its id left out",
            "the uid `shop`",
            "\"prometheus-prod\" is `prom`",
        ] {
            assert!(what.contains(said), "{said}: {what}");
        }
    }

    #[test]
    fn a_dashboard_that_lacks_nothing_stays_as_it_is() {
        let own = r#"{"uid": "a", "title": "A", "templating": {"list": [{"name": "DS_PROMETHEUS", "type": "datasource"}]},
            "panels": [{"datasource": {"uid": "${DS_PROMETHEUS}"}, "targets": [{"datasource": {"type": "prometheus", "uid": "prom"}}]}]}"#;
        assert_eq!(resolve("a.json", own, &sources()), None);
        for text in ["[1]", "null", "{", "{\"a\": 1}", "{\"title\": 5}"] {
            assert_eq!(resolve("a.json", text, &sources()), None, "{text}");
        }
    }

    #[test]
    fn panels_of_a_library_are_put_in_place() {
        let (board, _) = resolved(
            r#"{"uid": "a", "title": "A", "__elements": {"l1": {"model": {"type": "stat", "title": "Up", "id": 9}}},
              "panels": [{"id": 1, "gridPos": {"x": 3}, "libraryPanel": {"uid": "l1", "name": "Up"}}]}"#,
        );
        assert_eq!(board["panels"][0], json!({"id": 1, "gridPos": {"x": 3}, "type": "stat", "title": "Up"}));
    }
}
