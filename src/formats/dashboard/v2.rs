//! The schema that Grafana 13 writes: named elements instead of a list of panels.
//!
//! The two versions of it in use differ in where a kind and a datasource are named.

use super::field::{Visual, links};
use super::{Panel, Parts, Query, Variable, query};
use crate::formats::yaml::node::Node;
use crate::formats::yaml::scalar::Scalar;

/// The group of resources that Grafana's own API speaks of.
pub(super) const API: &str = "dashboard.grafana.app/";

pub(super) fn is(tree: &Node) -> bool {
    spec(tree).get("elements").is_some()
}

/// The dashboard itself, in a resource or alone.
pub(super) fn spec(tree: &Node) -> &Node {
    tree.get("spec").unwrap_or(tree)
}

pub(super) fn read(tree: &Node) -> Parts {
    let dashboard = spec(tree);
    let elements = dashboard.get("elements").map_or(&[][..], Node::entries);
    let panels = elements.iter().filter_map(|(_, element)| Some(panel(element.get("spec")?))).collect();
    let variables = dashboard.list_at("variables").iter().filter_map(variable).collect();
    Parts { uid: None, title: dashboard.scalar_at("title").cloned(), panels, variables }
}

fn panel(node: &Node) -> Panel {
    let title = node.scalar_at("title");
    let shown = node.get("vizConfig");
    let visual =
        shown.and_then(|shown| shown.get("spec")).map_or(Visual { config: None, options: None }, Visual::of);
    let group = node.get("data").and_then(|data| data.get("spec"));
    let queries: Vec<&Node> = group
        .map_or(&[][..], |group| group.list_at("queries"))
        .iter()
        .filter_map(|query| query.get("spec"))
        .collect();
    Panel {
        title: title.map_or_else(String::new, |title| title.value.clone()),
        at: title.or_else(|| node.first()).map_or(0, Scalar::start),
        kind: shown.and_then(|shown| shown.scalar_at("group").or_else(|| shown.scalar_at("kind"))).cloned(),
        datasources: queries.iter().filter_map(|query| datasource(query)).collect(),
        queries: queries.iter().filter_map(|query| target(query)).collect(),
        unit: visual.unit(),
        shows_text: visual.shows_text(),
        thresholds: visual.thresholds(),
        links: links(node).into_iter().chain(visual.links()).collect(),
        place: None,
        repeat: None,
        row: None,
    }
}

fn target(node: &Node) -> Option<Query> {
    let hidden = node.text_at("hidden") == Some("true");
    let spec = node.get("query")?.get("spec")?;
    let expr = spec.scalar_at("expr").filter(|expr| !hidden && !expr.value.trim().is_empty())?;
    Some(Query::new(expr.clone(), spec.scalar_at("legendFormat").cloned()))
}

fn datasource(node: &Node) -> Option<Scalar> {
    let newer = node.get("query").and_then(|query| query.get("datasource"));
    let named = newer.and_then(|datasource| datasource.scalar_at("name"));
    named.or_else(|| node.get("datasource")?.scalar_at("uid")).cloned()
}

fn variable(node: &Node) -> Option<Variable> {
    let spec = node.get("spec")?;
    let kind = match node.text_at("kind")? {
        "DatasourceVariable" => "datasource",
        "QueryVariable" => "query",
        other => other,
    };
    let inner = spec.get("query").and_then(|query| query.get("spec"));
    let text = inner.and_then(|inner| inner.scalar_at("query")).filter(|_| kind == "query");
    Some(Variable {
        name: spec.text_at("name").unwrap_or_default().to_owned(),
        kind: kind.to_owned(),
        datasource: datasource(spec),
        text: text.cloned(),
        datasource_kind: spec.get("query").and_then(|query| query.text_at("group")).map(str::to_owned),
        label: text.and_then(query::label_of_variable),
        query: text.and_then(|text| Query::of_variable(text.clone())),
    })
}
