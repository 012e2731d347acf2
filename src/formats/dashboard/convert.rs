//! Newer forms of a dashboard in the classic schema, which is what Grafana provisions from files.

use serde_json::{Map, Value, json};

use super::v2;
use crate::formats::yaml::node::Node;
use crate::formats::yaml::scalar::Scalar;

/// How wide Grafana's grid is.
const GRID_WIDTH: u64 = 24;
/// What an automatic grid is like where it says nothing of itself.
const AUTO_COLUMNS: u64 = 3;
const AUTO_HEIGHT: u64 = 9;

/// How a variable's values are sorted, by their number in the classic schema.
const ORDERS: [&str; 9] = [
    "disabled",
    "alphabeticalAsc",
    "alphabeticalDesc",
    "numericalAsc",
    "numericalDesc",
    "alphabeticalCaseInsensitiveAsc",
    "alphabeticalCaseInsensitiveDesc",
    "naturalAsc",
    "naturalDesc",
];

/// The classic dashboard inside a resource of `dashboard.grafana.app`, else the file itself.
pub(super) fn classic_of(tree: &Node) -> &Node {
    let is_resource = tree.text_at("apiVersion").is_some_and(|version| version.starts_with(v2::API));
    tree.get("spec").filter(|_| is_resource).unwrap_or(tree)
}

/// What of a v2 dashboard the classic schema cannot say, each with its place.
pub(super) fn without_equivalent(tree: &Node) -> Vec<(usize, String)> {
    let spec = v2::spec(tree);
    let mut found = Vec::new();
    spec.get("layout").into_iter().for_each(|layout| layouts(layout, false, &mut found));
    for (name, element) in spec.get("elements").map_or(&[][..], Node::entries) {
        let kind = element.text_at("kind").unwrap_or_default();
        if kind != "Panel" {
            found.push((name.start(), format!("element of kind `{kind}` (`{}`)", name.value)));
        }
    }
    for variable in spec.list_at("variables") {
        let kind = variable.scalar_at("kind");
        if let Some(kind) = kind.filter(|kind| variable_kind(&kind.value).is_none()) {
            found.push((kind.start(), format!("variable of kind `{}`", kind.value)));
        }
    }
    found
}

fn layouts(layout: &Node, in_row: bool, found: &mut Vec<(usize, String)>) {
    let kind = layout.scalar_at("kind");
    let at = kind.map_or(0, Scalar::start);
    let Some(spec) = layout.get("spec") else { return };
    match kind.map_or("", |kind| kind.value.as_str()) {
        "GridLayout" | "AutoGridLayout" => {
            spec.list_at("items").iter().for_each(|item| conditional(item, found));
        }
        "RowsLayout" if !in_row => {
            for row in spec.list_at("rows") {
                conditional(row, found);
                row.get("spec")
                    .and_then(|row| row.get("layout"))
                    .into_iter()
                    .for_each(|layout| layouts(layout, true, found));
            }
        }
        "RowsLayout" => found.push((at, "rows inside of a row".to_owned())),
        "TabsLayout" => found.push((at, "tabs".to_owned())),
        other => found.push((at, format!("layout of kind `{other}`"))),
    }
}

/// Parts that are shown under a condition only.
fn conditional(item: &Node, found: &mut Vec<(usize, String)>) {
    let spec = item.get("spec").and_then(|spec| spec.key("conditionalRendering"));
    found.extend(
        spec.map(|key| (key.start(), "condition for showing a part (`conditionalRendering`)".to_owned())),
    );
}

fn variable_kind(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "QueryVariable" => "query",
        "DatasourceVariable" => "datasource",
        "CustomVariable" => "custom",
        "TextVariable" => "textbox",
        "ConstantVariable" => "constant",
        "IntervalVariable" => "interval",
        "GroupByVariable" => "groupby",
        "AdhocVariable" => "adhoc",
        _ => return None,
    })
}

/// The classic dashboard of a resource; `None` for a file that is classic already.
pub(super) fn to_classic(file: &Value) -> Option<Value> {
    let is_resource = file["apiVersion"].as_str().is_some_and(|version| version.starts_with(v2::API));
    let spec = if file["spec"].is_object() { &file["spec"] } else { file };
    let mut classic = if spec["elements"].is_object() {
        dashboard(spec)
    } else if is_resource && file["spec"].is_object() {
        spec.clone()
    } else {
        return None;
    };
    if let (Some(name), Some(fields)) = (file["metadata"]["name"].as_str(), classic.as_object_mut()) {
        fields.insert("uid".to_owned(), json!(name));
    }
    Some(classic)
}

fn dashboard(spec: &Value) -> Value {
    let time = &spec["timeSettings"];
    let variables: Vec<Value> = items(&spec["variables"]).filter_map(variable).collect();
    let annotations: Vec<Value> = items(&spec["annotations"]).map(|item| annotation(&item["spec"])).collect();
    let mut panels = Panels { spec, made: Vec::new(), y: 0, rows: 0 };
    panels.layout(&spec["layout"]);
    json!({
        "title": spec["title"],
        "description": spec["description"],
        "tags": spec["tags"],
        "editable": spec["editable"],
        "links": spec["links"],
        "liveNow": spec["liveNow"],
        "schemaVersion": 41,
        "graphTooltip": match spec["cursorSync"].as_str() { Some("Crosshair") => 1, Some("Tooltip") => 2, _ => 0 },
        "time": {"from": time["from"], "to": time["to"]},
        "timezone": time["timezone"],
        "weekStart": time["weekStart"],
        "fiscalYearStartMonth": time["fiscalYearStartMonth"],
        "refresh": time["autoRefresh"],
        "timepicker": {"hidden": time["hideTimepicker"], "refresh_intervals": time["autoRefreshIntervals"]},
        "templating": {"list": variables},
        "annotations": {"list": annotations},
        "panels": panels.made,
    })
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// Grid items to panels, from above to below.
struct Panels<'a> {
    spec: &'a Value,
    made: Vec<Value>,
    y: u64,
    rows: u64,
}

impl Panels<'_> {
    fn layout(&mut self, layout: &Value) {
        let spec = &layout["spec"];
        match layout["kind"].as_str() {
            Some("GridLayout") => self.grid(spec),
            Some("AutoGridLayout") => self.auto_grid(spec),
            Some("RowsLayout") => items(&spec["rows"]).for_each(|row| self.row(&row["spec"])),
            _ => {}
        }
    }

    fn grid(&mut self, spec: &Value) {
        let top = self.y;
        for item in items(&spec["items"]) {
            let item = &item["spec"];
            let number = |key: &str| item[key].as_u64().unwrap_or(0);
            let place =
                json!({"x": item["x"], "y": top + number("y"), "w": item["width"], "h": item["height"]});
            self.place(item, place);
            self.y = self.y.max(top + number("y") + number("height"));
        }
    }

    fn auto_grid(&mut self, spec: &Value) {
        let columns = spec["maxColumnCount"].as_u64().unwrap_or(AUTO_COLUMNS).clamp(1, GRID_WIDTH);
        let width = GRID_WIDTH / columns;
        let (top, mut count) = (self.y, 0);
        for item in items(&spec["items"]) {
            let (column, row) = (count % columns, count / columns);
            let place =
                json!({"x": column * width, "y": top + row * AUTO_HEIGHT, "w": width, "h": AUTO_HEIGHT});
            self.place(&item["spec"], place);
            count += 1;
        }
        self.y = top + count.div_ceil(columns) * AUTO_HEIGHT;
    }

    fn row(&mut self, spec: &Value) {
        let collapsed = spec["collapse"].as_bool() == Some(true);
        self.rows += 1;
        let mut row = json!({
            "id": 100_000 + self.rows,
            "type": "row",
            "title": spec["title"],
            "collapsed": collapsed,
            "gridPos": {"x": 0, "y": self.y, "w": GRID_WIDTH, "h": 1},
            "panels": [],
        });
        repeat(&mut row, &spec["repeat"]);
        self.y += 1;
        let at = self.made.len();
        self.made.push(row);
        self.layout(&spec["layout"]);
        if collapsed {
            // A closed row holds its panels itself.
            let inside = self.made.split_off(at + 1);
            if let Some(row) = self.made.last_mut() {
                row["panels"] = Value::Array(inside);
            }
        }
    }

    fn place(&mut self, item: &Value, place: Value) {
        let element = item["element"]["name"].as_str().map(|name| &self.spec["elements"][name]["spec"]);
        let Some(element) = element.filter(|element| element.is_object()) else { return };
        let mut panel = panel(element);
        panel["gridPos"] = place;
        repeat(&mut panel, &item["repeat"]);
        self.made.push(panel);
    }
}

fn repeat(panel: &mut Value, repeat: &Value) {
    let Some(name) = repeat["value"].as_str() else { return };
    panel["repeat"] = json!(name);
    for (from, to) in [("direction", "repeatDirection"), ("maxPerRow", "maxPerRow")] {
        if !repeat[from].is_null() {
            panel[to] = repeat[from].clone();
        }
    }
}

fn panel(spec: &Value) -> Value {
    let (data, shown) = (&spec["data"]["spec"], &spec["vizConfig"]);
    let options = &data["queryOptions"];
    let targets: Vec<Value> = items(&data["queries"]).map(|query| target(&query["spec"])).collect();
    let mut sources: Vec<&Value> = targets.iter().map(|target| &target["datasource"]).collect();
    sources.dedup();
    let source = match sources.as_slice() {
        [] => Value::Null,
        [only] => (*only).clone(),
        _ => json!({"type": "datasource", "uid": "-- Mixed --"}),
    };
    let mut panel = json!({
        "id": spec["id"],
        // The newer of its two versions names the plugin as a group.
        "type": shown["group"].as_str().or_else(|| shown["kind"].as_str()),
        "title": spec["title"],
        "description": spec["description"],
        "links": spec["links"],
        "transparent": spec["transparent"],
        "datasource": source,
        "options": shown["spec"]["options"],
        "fieldConfig": shown["spec"]["fieldConfig"],
        "transformations": items(&data["transformations"]).map(transformation).collect::<Vec<_>>(),
        "targets": targets,
    });
    for key in ["interval", "maxDataPoints", "timeFrom", "timeShift", "hideTimeOverride", "cacheTimeout"] {
        if !options[key].is_null() {
            panel[key] = options[key].clone();
        }
    }
    without_nothing(panel)
}

fn transformation(item: &Value) -> Value {
    let mut made = item["spec"].clone();
    if made["id"].is_null() {
        made["id"] = if item["group"].is_string() { item["group"].clone() } else { item["kind"].clone() };
    }
    made
}

fn target(spec: &Value) -> Value {
    let query = &spec["query"];
    let mut made = query["spec"].as_object().cloned().unwrap_or_default();
    made.insert("refId".to_owned(), spec["refId"].clone());
    made.insert("hide".to_owned(), json!(spec["hidden"].as_bool() == Some(true)));
    made.insert("datasource".to_owned(), source(spec));
    without_nothing(Value::Object(made))
}

/// The datasource of a query, a variable or an annotation, in either of the two versions.
fn source(spec: &Value) -> Value {
    let query = &spec["query"];
    let kind = query["group"].as_str().or_else(|| query["kind"].as_str());
    if let Some(name) = query["datasource"]["name"].as_str() {
        return json!({"type": kind, "uid": name});
    }
    if spec["datasource"].is_object() { spec["datasource"].clone() } else { Value::Null }
}

fn annotation(spec: &Value) -> Value {
    let mut made = Map::new();
    for key in ["name", "enable", "hide", "iconColor", "filter"] {
        made.insert(key.to_owned(), spec[key].clone());
    }
    made.insert("builtIn".to_owned(), json!(i32::from(spec["builtIn"].as_bool() == Some(true))));
    made.insert("datasource".to_owned(), source(spec));
    let more = [&spec["query"]["spec"], &spec["legacyOptions"]];
    made.extend(
        more.into_iter()
            .filter_map(Value::as_object)
            .flatten()
            .map(|(key, value)| (key.clone(), value.clone())),
    );
    without_nothing(Value::Object(made))
}

fn variable(item: &Value) -> Option<Value> {
    let kind = variable_kind(item["kind"].as_str()?)?;
    let mut made = item["spec"].as_object()?.clone();
    let spec = &item["spec"];
    made.insert("type".to_owned(), json!(kind));
    let number = |key: &str, names: &[&str]| {
        let at = spec[key].as_str().and_then(|name| names.iter().position(|known| *known == name));
        json!(at.unwrap_or(0))
    };
    made.insert("hide".to_owned(), number("hide", &["dontHide", "hideLabel", "hideVariable"]));
    if kind == "query" {
        made.insert("datasource".to_owned(), source(spec));
        made.insert("query".to_owned(), spec["query"]["spec"].clone());
        made.insert(
            "refresh".to_owned(),
            number("refresh", &["never", "onDashboardLoad", "onTimeRangeChanged"]),
        );
        made.insert("sort".to_owned(), number("sort", &ORDERS));
    }
    if kind == "datasource" {
        made.insert("query".to_owned(), made.get("pluginId").cloned().unwrap_or_default());
    }
    Some(without_nothing(Value::Object(made)))
}

fn without_nothing(mut value: Value) -> Value {
    if let Value::Object(fields) = &mut value {
        fields.retain(|_, value| !value.is_null());
    }
    value
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::formats::dashboard::Dashboard;

    fn v2(layout: &Value) -> Value {
        let panel = |id: u64, expr: &str| {
            json!({"kind": "Panel", "spec": {"id": id, "title": format!("P{id}"),
                "data": {"kind": "QueryGroup", "spec": {"queries": [{"kind": "PanelQuery", "spec": {"refId": "A", "hidden": false,
                    "query": {"kind": "DataQuery", "group": "prometheus", "datasource": {"name": "prom"}, "spec": {"expr": expr}}}}],
                    "transformations": [{"kind": "Transformation", "group": "limit", "spec": {"options": {}}}], "queryOptions": {"interval": "1m"}}},
                "vizConfig": {"kind": "VizConfig", "group": "stat", "spec": {"fieldConfig": {"defaults": {"unit": "s"}}, "options": {}}}}})
        };
        json!({"apiVersion": "dashboard.grafana.app/v2beta1", "kind": "Dashboard", "metadata": {"name": "shop"}, "spec": {
            "title": "Shop", "cursorSync": "Crosshair", "timeSettings": {"from": "now-1h", "to": "now", "autoRefresh": "30s"},
            "variables": [{"kind": "QueryVariable", "spec": {"name": "svc", "hide": "hideLabel", "refresh": "onDashboardLoad", "sort": "numericalAsc",
                "query": {"kind": "DataQuery", "group": "prometheus", "datasource": {"name": "prom"}, "spec": {"query": "label_values(a, b)", "refId": "A"}}}}],
            "elements": {"a": panel(1, "up"), "b": panel(2, "down")}, "layout": layout}})
    }

    fn item(name: &str, y: u64) -> Value {
        json!({"kind": "GridLayoutItem", "spec": {"x": 0, "y": y, "width": 12, "height": 8, "element": {"kind": "ElementReference", "name": name}}})
    }

    #[test]
    fn what_the_classic_schema_can_say_is_converted() {
        let grid = |name: &str| json!({"kind": "GridLayout", "spec": {"items": [item(name, 0)]}});
        let rows = json!({"kind": "RowsLayout", "spec": {"rows": [
            {"kind": "RowsLayoutRow", "spec": {"title": "One", "collapse": false, "layout": grid("a")}},
            {"kind": "RowsLayoutRow", "spec": {"title": "Two", "collapse": true, "repeat": {"mode": "variable", "value": "svc"}, "layout": grid("b")}}]}});
        let board = to_classic(&v2(&rows)).unwrap();
        let text = board.to_string();
        let read = Dashboard::read("shop.json", text.as_str());
        assert!(read.refusals.is_empty(), "{:?}", read.refusals);
        assert_eq!(
            (board["uid"].as_str(), board["graphTooltip"].as_u64(), board["refresh"].as_str()),
            (Some("shop"), Some(1), Some("30s"))
        );
        let [one, a, two] = &board["panels"].as_array().unwrap()[..] else { unreachable!("{text}") };
        assert_eq!((one["type"].as_str(), one["collapsed"].as_bool()), (Some("row"), Some(false)));
        assert_eq!(a["gridPos"], json!({"x": 0, "y": 1, "w": 12, "h": 8}));
        assert_eq!((a["type"].as_str(), a["interval"].as_str()), (Some("stat"), Some("1m")));
        assert_eq!(
            a["targets"][0],
            json!({"expr": "up", "refId": "A", "hide": false, "datasource": {"type": "prometheus", "uid": "prom"}})
        );
        assert_eq!(a["transformations"][0]["id"], "limit");
        assert_eq!((two["repeat"].as_str(), two["panels"][0]["title"].as_str()), (Some("svc"), Some("P2")));
        let variable = &board["templating"]["list"][0];
        assert_eq!(
            (variable["type"].as_str(), variable["hide"].as_u64(), variable["sort"].as_u64()),
            (Some("query"), Some(1), Some(3))
        );
        assert_eq!(variable["query"]["query"], "label_values(a, b)");
    }

    #[test]
    fn an_automatic_grid_becomes_one_with_places() {
        let items: Vec<Value> = ["a", "b", "a", "b"].iter().map(|name| item(name, 0)).collect();
        let board = to_classic(&v2(&json!({"kind": "AutoGridLayout", "spec": {"items": items}}))).unwrap();
        let places: Vec<_> =
            board["panels"].as_array().unwrap().iter().map(|panel| panel["gridPos"]["x"].as_u64()).collect();
        assert_eq!(places, [Some(0), Some(8), Some(16), Some(0)]);
    }

    #[test]
    fn each_part_without_an_equivalent_is_told() {
        let mut board = v2(&json!({"kind": "TabsLayout", "spec": {"tabs": []}}));
        board["spec"]["elements"]["c"] = json!({"kind": "LibraryPanel", "spec": {}});
        board["spec"]["variables"] = json!([{"kind": "SwitchVariable", "spec": {"name": "x"}}]);
        let read = Dashboard::read("shop.json", board.to_string());
        let said: Vec<_> = read.refusals.iter().map(|refusal| refusal.reason.as_str()).collect();
        assert_eq!(said.len(), 3, "{said:?}");
        for part in ["tabs", "`LibraryPanel` (`c`)", "`SwitchVariable`"] {
            assert!(said.iter().any(|said| said.contains(part)), "{part}: {said:?}");
        }
    }

    #[test]
    fn a_classic_dashboard_in_a_resource_is_taken_out() {
        let file = json!({"apiVersion": "dashboard.grafana.app/v1beta1", "kind": "Dashboard", "metadata": {"name": "u"}, "spec": {"title": "T", "panels": []}});
        assert_eq!(to_classic(&file).unwrap()["uid"], "u");
        let read = Dashboard::read("a.json", file.to_string());
        assert_eq!((read.refusals.len(), read.title.unwrap().value.as_str()), (0, "T"));
        assert_eq!(to_classic(&json!({"title": "T", "panels": []})), None);
    }
}
