//! Grafana dashboards, classic and v2 JSON, with the place of everything a finding may point at.

mod classic;
pub mod community;
mod convert;
mod field;
mod query;
mod v2;
pub mod validity;

use crate::formats::yaml::node::{self, Node};
use crate::formats::yaml::scalar::Scalar;
use crate::formats::yaml::source::Source;
use validity::Refusal;

pub use query::{Query, VARIABLE_RANGE, without_variable_matchers};

/// One dashboard; one that Grafana refuses says why.
#[derive(Debug)]
pub struct Dashboard {
    pub source: Source,
    /// Why Grafana would not take it, by itself.
    pub refusals: Vec<Refusal>,
    pub uid: Option<Scalar>,
    pub title: Option<Scalar>,
    /// What an import by hand would ask for.
    pub inputs: Vec<Input>,
    /// The addresses of its own links.
    pub links: Vec<Scalar>,
    pub panels: Vec<Panel>,
    pub variables: Vec<Variable>,
}

/// A panel with its queries.
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
    /// Where it lies in the grid.
    pub place: Option<GridPlace>,
    /// The variable for each of whose values it is shown.
    pub repeat: Option<Scalar>,
    /// The number of the closed row that it lies in; panels of different rows never meet.
    pub row: Option<usize>,
}

/// A rectangle of Grafana's grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GridPlace {
    pub x: f64,
    pub y: f64,
    pub w: f64,
    pub h: f64,
}

/// A variable of a dashboard.
#[derive(Debug)]
pub struct Variable {
    pub name: String,
    /// `datasource`, `query`, …
    pub kind: String,
    pub datasource: Option<Scalar>,
    pub query: Option<Query>,
    /// What it asks its datasource, as it is written.
    pub text: Option<Scalar>,
    /// The type of its datasource, where that is told.
    pub datasource_kind: Option<String>,
    /// The label of `label_values(…, label)`, and its offset in the file.
    pub label: Option<(String, usize)>,
}

/// One of `__inputs`.
#[derive(Clone, Debug)]
pub struct Input {
    pub name: String,
    /// The datasource's type; empty for a constant.
    pub plugin: String,
}

/// What each of the two schemas gives.
struct Parts {
    uid: Option<Scalar>,
    title: Option<Scalar>,
    panels: Vec<Panel>,
    variables: Vec<Variable>,
}

impl Dashboard {
    /// Reads a file of the dashboards folder. Never fails: Grafana refuses what cannot be read.
    pub fn read(path: impl Into<String>, text: impl Into<String>) -> Self {
        let source = Source::new(path, text);
        let tree = node::parse(&source).unwrap_or(Node::Null);
        let refusals = validity::of_file(&source, &tree);
        let classic = convert::classic_of(&tree);
        let Parts { uid, title, panels, variables } =
            if v2::is(&tree) { v2::read(&tree) } else { classic::read(classic) };
        let of_resource = tree.get("metadata").and_then(|metadata| metadata.scalar_at("name")).cloned();
        let uid = of_resource.or(uid).filter(|uid| !uid.value.is_empty());
        let title = title.filter(|title| !title.value.is_empty());
        let (inputs, links) =
            (inputs(classic), field::links(if v2::is(&tree) { v2::spec(&tree) } else { classic }));
        Self { source, refusals, uid, title, inputs, links, panels, variables }
    }

    /// Every query of panels and variables, with its panel.
    pub fn queries(&self) -> impl Iterator<Item = (Option<&Panel>, &Query)> {
        let panels =
            self.panels.iter().flat_map(|panel| panel.queries.iter().map(move |query| (Some(panel), query)));
        panels.chain(self.variables.iter().filter_map(|variable| Some((None, variable.query.as_ref()?))))
    }
}

fn inputs(tree: &Node) -> Vec<Input> {
    let text = |node: &Node, key: &str| node.text_at(key).unwrap_or_default().to_owned();
    let inputs = tree.list_at("__inputs").iter();
    inputs.map(|input| Input { name: text(input, "name"), plugin: text(input, "pluginId") }).collect()
}

#[cfg(test)]
mod tests;
