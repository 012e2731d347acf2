//! Grafana dashboards, classic and v2 JSON, with the place of everything a finding may point at.

mod classic;
mod field;
mod query;
mod v2;

use crate::formats::yaml::node::{self, Node};
use crate::formats::yaml::scalar::Scalar;
use crate::formats::yaml::source::{Position, Source};

pub use query::{Query, VARIABLE_RANGE};

/// One dashboard; an unreadable one has no panels and says why.
#[derive(Debug)]
pub struct Dashboard {
    pub source: Source,
    pub problem: Option<(Position, String)>,
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
    /// The label of `label_values(…, label)`, and its offset in the file.
    pub label: Option<(String, usize)>,
}

/// What each of the two schemas gives.
struct Parts {
    uid: Option<Scalar>,
    panels: Vec<Panel>,
    variables: Vec<Variable>,
}

impl Dashboard {
    /// Reads a file of the dashboards folder. Never fails: Grafana refuses what cannot be read.
    pub fn read(path: impl Into<String>, text: impl Into<String>) -> Self {
        let source = Source::new(path, text);
        let (tree, problem) = match node::parse(&source) {
            Ok(tree) => (tree, None),
            Err(problem) => (Node::Null, Some(problem)),
        };
        let Parts { uid, panels, variables } =
            if v2::is(&tree) { v2::read(&tree) } else { classic::read(&tree) };
        Self { source, problem, uid: uid.filter(|uid| !uid.value.is_empty()), panels, variables }
    }

    /// Every query of panels and variables, with its panel.
    pub fn queries(&self) -> impl Iterator<Item = (Option<&Panel>, &Query)> {
        let panels =
            self.panels.iter().flat_map(|panel| panel.queries.iter().map(move |query| (Some(panel), query)));
        panels.chain(self.variables.iter().filter_map(|variable| Some((None, variable.query.as_ref()?))))
    }
}

#[cfg(test)]
mod tests;
