//! The schema that dashboards have had since Grafana's beginnings.

use super::field::{Visual, links};
use super::{Panel, Parts, Query, Variable};
use crate::check::node::Node;
use crate::check::scalar::Scalar;

pub(super) fn read(tree: &Node) -> Parts {
    let mut panels = Vec::new();
    collect(tree.list_at("panels"), &mut panels);
    // Before version 16 the panels lay in rows.
    tree.list_at("rows").iter().for_each(|row| collect(row.list_at("panels"), &mut panels));
    let variables = tree.get("templating").map_or(&[][..], |templating| templating.list_at("list"));
    let variables = variables.iter().map(variable).collect();
    Parts { uid: tree.scalar_at("uid").cloned(), panels, variables }
}

fn collect(nodes: &[Node], panels: &mut Vec<Panel>) {
    for node in nodes {
        panels.push(panel(node));
        collect(node.list_at("panels"), panels);
    }
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
    }
}

/// `{"type": "prometheus", "uid": "…"}`. The older form, a name, says nothing about the uid, unless it is
/// a variable.
fn datasource(node: &Node) -> Option<Scalar> {
    let datasource = node.get("datasource")?;
    let name = datasource.scalar().filter(|name| name.value.starts_with('$'));
    datasource.scalar_at("uid").or(name).cloned()
}

fn target(node: &Node) -> Option<Query> {
    let hidden = node.text_at("hide") == Some("true");
    let expr = node.scalar_at("expr").filter(|expr| !hidden && !expr.value.trim().is_empty())?;
    Some(Query::new(expr.clone(), node.scalar_at("legendFormat").cloned()))
}

fn variable(node: &Node) -> Variable {
    let text = |key: &str| node.text_at(key).unwrap_or_default().to_owned();
    let query = node.get("query").and_then(|query| query.scalar().or_else(|| query.scalar_at("query")));
    let kind = text("type");
    Variable {
        name: text("name"),
        datasource: datasource(node),
        query: query.filter(|_| kind == "query").and_then(|query| Query::of_variable(query.clone())),
        kind,
    }
}
