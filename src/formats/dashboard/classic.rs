//! The schema that dashboards have had since Grafana's beginnings.

use super::field::{Visual, links};
use super::{GridPlace, Panel, Parts, Query, Variable, query};
use crate::formats::yaml::node::Node;
use crate::formats::yaml::scalar::Scalar;

pub(super) fn read(tree: &Node) -> Parts {
    let mut panels = Vec::new();
    collect(tree.list_at("panels"), None, &mut panels);
    // Before version 16 the panels lay in rows.
    for (number, row) in tree.list_at("rows").iter().enumerate() {
        collect(row.list_at("panels"), Some(number), &mut panels);
    }
    let variables = tree.get("templating").map_or(&[][..], |templating| templating.list_at("list"));
    let events = tree.get("annotations").map_or(&[][..], |annotations| annotations.list_at("list"));
    let variables = variables.iter().map(variable).chain(events.iter().map(event)).collect();
    Parts { uid: tree.scalar_at("uid").cloned(), title: tree.scalar_at("title").cloned(), panels, variables }
}

fn collect(nodes: &[Node], row: Option<usize>, panels: &mut Vec<Panel>) {
    for node in nodes {
        let number = panels.len();
        panels.push(Panel { row, ..panel(node) });
        collect(node.list_at("panels"), Some(number), panels);
    }
}

fn place(node: &Node) -> Option<GridPlace> {
    let place = node.get("gridPos")?;
    let number = |key: &str| place.text_at(key)?.parse().ok();
    Some(GridPlace { x: number("x")?, y: number("y")?, w: number("w")?, h: number("h")? })
}

fn panel(node: &Node) -> Panel {
    let title = node.scalar_at("title");
    let targets = node.list_at("targets");
    let visual = Visual::of(node);
    Panel {
        title: title.map_or_else(String::new, |title| title.value.clone()),
        at: title.or_else(|| node.first()).map_or(0, Scalar::start),
        kind: node.scalar_at("type").cloned(),
        datasources: std::iter::once(node).chain(targets).filter_map(datasource).collect(),
        queries: targets.iter().filter_map(target).collect(),
        unit: visual.unit(),
        shows_text: visual.shows_text(),
        thresholds: visual.thresholds(),
        links: links(node).into_iter().chain(visual.links()).collect(),
        place: place(node),
        repeat: node.scalar_at("repeat").filter(|repeat| !repeat.value.is_empty()).cloned(),
        row: None,
    }
}

/// `{"type": "prometheus", "uid": "…"}`, or the older form, a name.
fn datasource(node: &Node) -> Option<Scalar> {
    let datasource = node.get("datasource")?;
    datasource.scalar_at("uid").or_else(|| datasource.scalar()).cloned()
}

fn target(node: &Node) -> Option<Query> {
    let hidden = node.text_at("hide") == Some("true");
    let expr = node.scalar_at("expr").filter(|expr| !hidden && !expr.value.trim().is_empty())?;
    Some(Query::new(expr.clone(), node.scalar_at("legendFormat").cloned()))
}

/// An annotation of graphs, such as deployments, asks like a variable: beside all panels.
fn event(node: &Node) -> Variable {
    let target = node.get("target");
    let expr = node.scalar_at("expr").or_else(|| target?.scalar_at("expr"));
    let is_on = node.text_at("enable") != Some("false");
    let expr = expr.filter(|expr| is_on && !expr.value.trim().is_empty());
    Variable {
        name: node.text_at("name").unwrap_or_default().to_owned(),
        kind: "annotation".to_owned(),
        datasource: datasource(node),
        query: expr.map(|expr| Query::new(expr.clone(), None)),
        text: None,
        datasource_kind: None,
        label: None,
    }
}

fn variable(node: &Node) -> Variable {
    let text = |key: &str| node.text_at(key).unwrap_or_default().to_owned();
    let query = node.get("query").and_then(|query| query.scalar().or_else(|| query.scalar_at("query")));
    let kind = text("type");
    let query = query.filter(|_| kind == "query");
    Variable {
        name: text("name"),
        datasource: datasource(node),
        text: query.cloned(),
        datasource_kind: node.get("datasource").and_then(|one| one.text_at("type")).map(str::to_owned),
        label: query.and_then(query::label_of_variable),
        query: query.and_then(|query| Query::of_variable(query.clone())),
        kind,
    }
}
