//! The tree of routes, each with what it inherits.

use super::{Placed, matchers};
use crate::formats::yaml::node::Node;
use crate::formats::yaml::scalar::Scalar;

/// One route with its children.
#[derive(Debug)]
pub struct Route {
    /// Offset of its first key.
    pub at: usize,
    /// As written here; the inherited one is in `sends_to`.
    pub receiver: Option<Scalar>,
    pub sends_to: String,
    pub matchers: Vec<Placed>,
    /// Later siblings are asked although this one matched.
    pub proceeds: bool,
    pub group_by: GroupBy,
    pub timing: Timing,
    /// Names of time intervals; not inherited.
    pub muted_during: Vec<Scalar>,
    pub active_during: Vec<Scalar>,
    pub routes: Vec<Route>,
}

/// The labels by which a route groups alerts into messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupBy {
    pub labels: Vec<String>,
    /// `...`: every label, so each alert is notified by itself.
    pub all: bool,
}

/// Durations as they were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    pub group_wait: String,
    pub group_interval: String,
    pub repeat_interval: String,
}

impl Default for Timing {
    /// Alertmanager's own defaults.
    fn default() -> Self {
        Self {
            group_wait: "30s".to_owned(),
            group_interval: "5m".to_owned(),
            repeat_interval: "4h".to_owned(),
        }
    }
}

impl Route {
    /// Calls `visit` for the route and all below it, parents first.
    pub fn walk<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        visit(self);
        self.routes.iter().for_each(|route| route.walk(visit));
    }

    /// The routes from this one down to another, both included; empty when it is not below.
    pub fn path_to(&self, wanted: &Self) -> Vec<&Self> {
        if std::ptr::eq(self, wanted) {
            return vec![self];
        }
        let below = self.routes.iter().map(|route| route.path_to(wanted)).find(|path| !path.is_empty());
        below.map_or_else(Vec::new, |mut path| {
            path.insert(0, self);
            path
        })
    }

    /// Its own matchers as they would be written; empty for one that takes everything.
    pub fn condition(&self) -> String {
        let matchers: Vec<_> = self.matchers.iter().map(|placed| placed.matcher.to_string()).collect();
        matchers.join(", ")
    }
}

pub(super) fn root(node: &Node, problems: &mut Vec<(usize, String)>) -> Route {
    let root = route(node, "", &GroupBy::default(), &Timing::default(), problems);
    let mut refuse = |reason: &str| problems.push((root.at, reason.to_owned()));
    if root.receiver.is_none() {
        refuse("the root route has no receiver");
    }
    if !root.matchers.is_empty() {
        refuse("the root route must not have matchers");
    }
    if root.proceeds {
        refuse("the root route must not have `continue`");
    }
    root
}

fn route(
    node: &Node,
    receiver: &str,
    group_by: &GroupBy,
    timing: &Timing,
    problems: &mut Vec<(usize, String)>,
) -> Route {
    let own = node.scalar_at("receiver").filter(|receiver| !receiver.value.is_empty());
    let sends_to = own.map_or(receiver, |own| &own.value).to_owned();
    let group_by = inherited_group_by(node, group_by);
    let or = |key: &str, inherited: &str| node.text_at(key).unwrap_or(inherited).to_owned();
    let timing = Timing {
        group_wait: or("group_wait", &timing.group_wait),
        group_interval: or("group_interval", &timing.group_interval),
        repeat_interval: or("repeat_interval", &timing.repeat_interval),
    };
    let names = |key: &str| node.list_at(key).iter().filter_map(Node::scalar).cloned().collect();
    let children = node.list_at("routes").iter();
    let routes = children.map(|child| route(child, &sends_to, &group_by, &timing, problems)).collect();
    Route {
        at: node.first().map_or(0, Scalar::start),
        receiver: own.cloned(),
        matchers: matchers(node, ["match", "match_re", "matchers"], problems),
        proceeds: node.text_at("continue").is_some_and(is_true),
        muted_during: names("mute_time_intervals"),
        active_during: names("active_time_intervals"),
        sends_to,
        group_by,
        timing,
        routes,
    }
}

/// `...` adds to what is inherited, a list of labels replaces it.
fn inherited_group_by(node: &Node, inherited: &GroupBy) -> GroupBy {
    let Some(Node::List(items)) = node.get("group_by") else { return inherited.clone() };
    let labels: Vec<String> = items.iter().filter_map(Node::text).map(ToOwned::to_owned).collect();
    if labels.iter().any(|label| label == "...") {
        GroupBy { labels: inherited.labels.clone(), all: true }
    } else {
        GroupBy { labels, all: false }
    }
}

/// The words that Alertmanager's YAML reads as true.
fn is_true(text: &str) -> bool {
    ["true", "yes", "on", "y"].iter().any(|word| text.eq_ignore_ascii_case(word))
}
