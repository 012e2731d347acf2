//! Grafana dashboards, classic JSON, with the place of everything a finding may point at.

mod query;

use super::Finding;
use super::lint::Lint;
use super::node::{self, Node};
use super::scalar::Scalar;
use super::source::{Place, Source};

pub use query::{Query, VARIABLE_RANGE};

/// One dashboard; an unreadable one has no panels and says why.
#[derive(Debug)]
pub struct Dashboard {
    pub source: Source,
    pub problem: Option<(Place, String)>,
    pub uid: Option<Scalar>,
    pub panels: Vec<Panel>,
    pub variables: Vec<Variable>,
}

#[derive(Debug)]
pub struct Panel {
    pub title: String,
    /// Offset of what names it best: the title, else its first key.
    pub at: usize,
    pub kind: Option<Scalar>,
    /// The uids that the panel and its queries name.
    pub datasources: Vec<Scalar>,
    pub queries: Vec<Query>,
    pub unit: Option<Scalar>,
    /// Values are shown as texts, so no unit applies.
    pub shows_text: bool,
    /// The numbers of its absolute thresholds.
    pub thresholds: Vec<Scalar>,
    /// The addresses of its links.
    pub links: Vec<Scalar>,
}

#[derive(Debug)]
pub struct Variable {
    pub name: String,
    /// `datasource`, `query`, …
    pub kind: String,
    pub datasource: Option<Scalar>,
    pub query: Option<Query>,
}

impl Dashboard {
    /// Reads a file of the dashboards folder. Never fails: Grafana refuses what cannot be read.
    pub fn read(path: impl Into<String>, text: impl Into<String>) -> Self {
        let source = Source::new(path, text);
        let (tree, problem) = match node::parse(&source) {
            Ok(tree) => (tree, None),
            Err(problem) => (Node::Null, Some(problem)),
        };
        let mut panels = Vec::new();
        collect(tree.list_at("panels"), &mut panels);
        // Before version 16 the panels lay in rows.
        tree.list_at("rows").iter().for_each(|row| collect(row.list_at("panels"), &mut panels));
        let variables = tree.get("templating").map_or(&[][..], |templating| templating.list_at("list"));
        let variables = variables.iter().map(variable).collect();
        let uid = tree.scalar_at("uid").filter(|uid| !uid.value.is_empty()).cloned();
        Self { source, problem, uid, panels, variables }
    }

    pub fn finding(&self, lint: &Lint, offset: usize, message: String) -> Finding {
        lint.at(&self.source, self.source.place(offset), message)
    }

    /// A finding about a panel, at an offset.
    pub fn on(&self, lint: &Lint, panel: &Panel, offset: usize, message: &str) -> Finding {
        let message = if panel.title.is_empty() {
            message.to_owned()
        } else {
            format!("panel \"{}\": {message}", panel.title)
        };
        self.finding(lint, offset, message)
    }

    /// Every query of panels and variables, with its panel.
    pub fn queries(&self) -> impl Iterator<Item = (Option<&Panel>, &Query)> {
        let panels =
            self.panels.iter().flat_map(|panel| panel.queries.iter().map(move |query| (Some(panel), query)));
        panels.chain(self.variables.iter().filter_map(|variable| Some((None, variable.query.as_ref()?))))
    }
}

fn collect(nodes: &[Node], panels: &mut Vec<Panel>) {
    for node in nodes {
        panels.push(panel(node));
        collect(node.list_at("panels"), panels);
    }
}

fn panel(node: &Node) -> Panel {
    let title = node.scalar_at("title");
    let defaults = node.get("fieldConfig").and_then(|config| config.get("defaults"));
    let targets = node.list_at("targets");
    let datasources = std::iter::once(node).chain(targets).filter_map(datasource).collect();
    Panel {
        title: title.map_or_else(String::new, |title| title.value.clone()),
        at: title.or_else(|| node.first()).map_or(0, Scalar::start),
        kind: node.scalar_at("type").cloned(),
        datasources,
        queries: targets.iter().filter_map(target).collect(),
        unit: defaults
            .and_then(|defaults| defaults.scalar_at("unit"))
            .cloned()
            .or_else(|| unit_of_overrides(node)),
        shows_text: shows_text(node, defaults),
        thresholds: defaults.map_or_else(Vec::new, thresholds),
        links: links(node, defaults),
    }
}

/// `{"type": "prometheus", "uid": "…"}`; the older form, a name, says nothing about the uid.
fn datasource(node: &Node) -> Option<Scalar> {
    node.get("datasource")?.scalar_at("uid").cloned()
}

fn target(node: &Node) -> Option<Query> {
    let hidden = node.text_at("hide") == Some("true");
    let expr = node.scalar_at("expr").filter(|expr| !hidden && !expr.value.trim().is_empty())?;
    Some(Query::new(expr.clone(), node.scalar_at("legendFormat").cloned()))
}

fn unit_of_overrides(node: &Node) -> Option<Scalar> {
    let overrides = node.get("fieldConfig")?.list_at("overrides").iter();
    let properties = overrides.flat_map(|one| one.list_at("properties"));
    let mut units = properties.filter(|property| property.text_at("id") == Some("unit"));
    units.find_map(|property| property.scalar_at("value").cloned())
}

fn shows_text(node: &Node, defaults: Option<&Node>) -> bool {
    let options = node.get("options");
    let reduced = options.and_then(|options| options.get("reduceOptions"));
    let fields =
        reduced.and_then(|reduced| reduced.text_at("fields")).is_some_and(|fields| !fields.is_empty());
    let names = options.and_then(|options| options.text_at("textMode")).is_some_and(|mode| mode == "name");
    let mapped = defaults.is_some_and(|defaults| !defaults.list_at("mappings").is_empty());
    fields || names || mapped
}

fn thresholds(defaults: &Node) -> Vec<Scalar> {
    let Some(thresholds) = defaults.get("thresholds") else { return Vec::new() };
    if thresholds.text_at("mode") == Some("percentage") {
        return Vec::new();
    }
    thresholds.list_at("steps").iter().filter_map(|step| step.scalar_at("value").cloned()).collect()
}

fn links(node: &Node, defaults: Option<&Node>) -> Vec<Scalar> {
    let of_values = defaults.map_or(&[][..], |defaults| defaults.list_at("links"));
    let all = node.list_at("links").iter().chain(of_values);
    all.filter_map(|link| link.scalar_at("url").cloned()).collect()
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

#[cfg(test)]
mod tests;
