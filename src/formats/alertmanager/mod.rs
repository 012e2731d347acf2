//! Alertmanager's configuration as it stands in a file, with the place of everything a finding may
//! point at.

mod classic;
pub mod matcher;
mod paths;
mod place_holder;
mod refused;
mod route;
mod utf8;

use crate::formats::yaml::node::{self, Node};
use crate::formats::yaml::scalar::Scalar;
use crate::formats::yaml::source::Source;

pub use matcher::{Matcher, plain_list};
pub use paths::absolute_path;
pub use place_holder::variable;
pub use route::{GroupBy, Route, Timing};

/// A configuration file. What cannot be read is missing from it and told in `problems`.
#[derive(Debug)]
pub struct AlertmanagerFile {
    /// The text that Alertmanager gets; `path` is the file that the user edits.
    pub source: Source,
    /// The user's template, when `source` was rendered from one.
    pub template: Option<Source>,
    pub tree: Node,
    /// Why Alertmanager would refuse it: the offset and the reason.
    pub problems: Vec<(usize, String)>,
    pub root: Option<Route>,
    pub receivers: Vec<Receiver>,
    pub inhibit_rules: Vec<InhibitRule>,
    /// The patterns of `templates:`.
    pub templates: Vec<Scalar>,
}

/// A receiver: who is told, and by which integrations.
#[derive(Debug)]
pub struct Receiver {
    pub name: Scalar,
    /// Such as `slack` and `pagerduty`, once for each of its configurations.
    pub integrations: Vec<String>,
}

/// A rule by which a firing alert suppresses others.
#[derive(Debug)]
pub struct InhibitRule {
    /// Offset of the rule's first key.
    pub at: usize,
    pub source: Vec<Placed>,
    pub target: Vec<Placed>,
    pub equal: Vec<Scalar>,
}

/// A matcher and the offset where it was written.
#[derive(Clone, Debug)]
pub struct Placed {
    pub matcher: Matcher,
    pub at: usize,
}

impl AlertmanagerFile {
    /// A configuration that its user wrote as it is. Never fails: Alertmanager refuses what cannot be read.
    pub fn read(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self::new(Source::new(path, text), None)
    }

    /// A configuration that was rendered; findings are put on the line of the template they come from.
    pub fn rendered(text: impl Into<String>, template: Source) -> Self {
        Self::new(Source::new(template.path.clone(), text), Some(template))
    }

    fn new(source: Source, template: Option<Source>) -> Self {
        let mut problems = Vec::new();
        let tree = node::parse(&source).unwrap_or_else(|(place, reason)| {
            problems.push((source.offset(place), reason));
            Node::Null
        });
        let readable = problems.is_empty();
        let root = tree.get("route").map(|node| route::root(node, &mut problems));
        if root.is_none() && readable {
            problems.push((0, "there is no `route`".to_owned()));
        }
        problems.extend(refused::problems(&tree));
        let receivers = tree.list_at("receivers").iter().filter_map(receiver).collect();
        let inhibit_rules =
            tree.list_at("inhibit_rules").iter().map(|rule| inhibit_rule(rule, &mut problems)).collect();
        let templates = tree.list_at("templates").iter().filter_map(Node::scalar).cloned().collect();
        Self { source, template, tree, problems, root, receivers, inhibit_rules, templates }
    }

    /// What `ignore` comments are read from: the file that the user edits.
    pub fn edited(&self) -> &Source {
        self.template.as_ref().unwrap_or(&self.source)
    }

    /// The receiver of this name.
    pub fn receiver(&self, name: &str) -> Option<&Receiver> {
        self.receivers.iter().find(|receiver| receiver.name.value == name)
    }

    /// Every route, parents first, in the order of the file.
    pub fn routes(&self) -> Vec<&Route> {
        let mut found = Vec::new();
        if let Some(root) = &self.root {
            root.walk(&mut |route| found.push(route));
        }
        found
    }
}

fn receiver(node: &Node) -> Option<Receiver> {
    let name = node.scalar_at("name")?.clone();
    let integrations = node.entries().iter().flat_map(|(key, value)| {
        let kind = key.value.strip_suffix("_configs");
        kind.into_iter().flat_map(|kind| value.items().iter().map(|_| kind.to_owned())).collect::<Vec<_>>()
    });
    Some(Receiver { integrations: integrations.collect(), name })
}

fn inhibit_rule(node: &Node, problems: &mut Vec<(usize, String)>) -> InhibitRule {
    InhibitRule {
        at: node.first().map_or(0, Scalar::start),
        source: matchers(node, ["source_match", "source_match_re", "source_matchers"], problems),
        target: matchers(node, ["target_match", "target_match_re", "target_matchers"], problems),
        equal: node.list_at("equal").iter().filter_map(Node::scalar).cloned().collect(),
    }
}

/// The matchers of the three ways to write them: equal to, like, and the new syntax.
fn matchers(node: &Node, [equal, like, new]: [&str; 3], problems: &mut Vec<(usize, String)>) -> Vec<Placed> {
    use crate::formats::promql::MatchOp;
    let mut found = Vec::new();
    for (key, op) in [(equal, MatchOp::Equal), (like, MatchOp::Matches)] {
        for (label, value) in node.get(key).map_or(&[][..], Node::entries) {
            let matcher = Matcher::new(&label.value, op, value.text().unwrap_or_default());
            found.push(Placed { matcher, at: label.start() });
        }
    }
    for line in node.list_at(new).iter().filter_map(Node::scalar) {
        match matcher::parse(&line.value) {
            Ok(parsed) => {
                found.extend(parsed.into_iter().map(|matcher| Placed { matcher, at: line.start() }));
            }
            Err(reason) => {
                problems.push((line.start(), format!("`{}`: {reason}", line.value)));
                found.push(Placed { matcher: Matcher::unreadable(&line.value), at: line.start() });
            }
        }
    }
    // A text or a map in place of the list.
    if let Some(key) = node.key(new).filter(|_| !matches!(node.get(new), Some(Node::List(_) | Node::Null))) {
        problems.push((key.start(), format!("`{new}` must be a list of texts")));
        found.push(Placed { matcher: Matcher::unreadable(new), at: key.start() });
    }
    found
}

#[cfg(test)]
mod tests;
