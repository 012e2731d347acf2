//! What Grafana refuses of dashboard files. `check`, `plan`, `up` and `reload` all ask here, so that none of
//! them lets pass what another one refuses.

use std::collections::BTreeMap;

use super::{Dashboard, convert, v2};
use crate::formats::yaml::node::Node;
use crate::formats::yaml::scalar::Scalar;
use crate::formats::yaml::source::{Position, Source};
use crate::model::dashboard_uid::LONGEST_DASHBOARD_UID;
use crate::model::is_dashboard_uid;

/// Why Grafana does not show a file's dashboard, and where in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub place: Position,
    pub reason: String,
    pub fix: Option<String>,
}

impl Refusal {
    fn new(source: &Source, at: usize, reason: impl Into<String>) -> Self {
        Self { place: source.place(at), reason: reason.into(), fix: None }
    }

    fn fix(self, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..self }
    }
}

/// Everything that is refused of these files: by itself, or beside the others in one folder of Grafana.
pub fn refusals(dashboards: &[Dashboard]) -> Vec<(&Dashboard, Refusal)> {
    let own =
        dashboards.iter().flat_map(|one| one.refusals.iter().map(move |refusal| (one, refusal.clone())));
    let all: Vec<&Dashboard> = dashboards.iter().collect();
    let twins =
        uid_twins(&all).into_iter().chain(title_twins(&all)).map(|twin| (twin.second, twin.refusal()));
    own.chain(twins).collect()
}

/// Two files that cannot both be shown.
#[derive(Clone, Copy, Debug)]
pub struct Twins<'a> {
    pub first: &'a Dashboard,
    pub second: &'a Dashboard,
    /// `uid` or `title`.
    pub what: &'static str,
    pub value: &'a Scalar,
}

impl Twins<'_> {
    /// What is wrong, in one sentence.
    pub fn message(&self) -> String {
        let Self { first, what, value, .. } = self;
        format!(
            "{} has the {what} `{}` as well: Grafana shows only one of the two",
            first.source.path, value.value
        )
    }

    fn refusal(&self) -> Refusal {
        Refusal::new(&self.second.source, self.value.start(), self.message())
            .fix(format!("give each dashboard a {} of its own", self.what))
    }
}

/// Files whose uid another one before them has.
pub fn uid_twins<'a>(dashboards: &[&'a Dashboard]) -> Vec<Twins<'a>> {
    twins(dashboards, "uid", |dashboard| dashboard.uid.as_ref())
}

/// Files whose title another one before them has; Grafana takes a title once in a folder.
pub fn title_twins<'a>(dashboards: &[&'a Dashboard]) -> Vec<Twins<'a>> {
    twins(dashboards, "title", |dashboard| dashboard.title.as_ref())
}

fn twins<'a>(
    dashboards: &[&'a Dashboard],
    what: &'static str,
    of: fn(&'a Dashboard) -> Option<&'a Scalar>,
) -> Vec<Twins<'a>> {
    let mut seen: BTreeMap<&str, &Dashboard> = BTreeMap::new();
    let mut found = Vec::new();
    for second in dashboards.iter().copied().filter(|one| one.refusals.is_empty()) {
        let Some(value) = of(second) else { continue };
        match seen.get(value.value.as_str()).copied() {
            // Two with one uid and one title are told of once.
            Some(first) if what == "title" && same(first.uid.as_ref(), second.uid.as_ref()) => {}
            Some(first) => found.push(Twins { first, second, what, value }),
            None => {
                seen.insert(&value.value, second);
            }
        }
    }
    found
}

fn same(a: Option<&Scalar>, b: Option<&Scalar>) -> bool {
    a.zip(b).is_some_and(|(a, b)| a.value == b.value)
}

/// What is wrong with one file; `tree` is nothing where it could not be read.
pub(super) fn of_file(source: &Source, tree: &Node) -> Vec<Refusal> {
    if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(&source.text) {
        let last = source.text.trim_end().char_indices().next_back().map_or(0, |(at, _)| at);
        let place = if error.is_eof() {
            source.place(last)
        } else {
            Position { line: error.line(), column: error.column().max(1) }
        };
        let reason = if error.is_eof() {
            "the file ends before its JSON does".to_owned()
        } else {
            without_place(&error.to_string())
        };
        return vec![Refusal { place, reason, fix: None }];
    }
    let Node::Map(entries) = tree else {
        return if source.text.trim_start().starts_with('{') {
            // JSON that Grafana reads and our reader does not, such as a key that stands twice.
            Vec::new()
        } else {
            let start = source.text.len() - source.text.trim_start().len();
            vec![Refusal::new(source, start, "the file is not an object")]
        };
    };
    if let Some(envelope) = envelope(source, entries) {
        return vec![envelope];
    }
    if v2::is(tree) {
        let without = convert::without_equivalent(tree).into_iter();
        return without
            .map(|(at, what)| {
                Refusal::new(
                    source,
                    at,
                    format!("Grafana provisions the classic schema, which has no {what}"),
                )
                .fix("leave it out, or export the dashboard in the classic schema")
            })
            .collect();
    }
    classic(source, convert::classic_of(tree))
}

/// serde's own words without their place, which is told beside them.
fn without_place(words: &str) -> String {
    words.split(" at line ").next().unwrap_or(words).to_owned()
}

/// What Grafana's API sends and takes: the dashboard lies one level deeper.
fn envelope(source: &Source, entries: &[(Scalar, Node)]) -> Option<Refusal> {
    let has = |name: &str| entries.iter().any(|(key, _)| key.value == name);
    let (key, _) =
        entries.iter().find(|(key, value)| key.value == "dashboard" && matches!(value, Node::Map(_)))?;
    (!has("panels") && !has("title")).then(|| {
        Refusal::new(
            source,
            key.start(),
            "this is what Grafana's API sends: the dashboard lies below `dashboard`",
        )
        .fix("keep only what stands below `dashboard`")
    })
}

/// What a value has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Text,
    List,
    Object,
    /// A list of objects.
    Objects,
}

const OF_DASHBOARD: [(&str, Type); 9] = [
    ("uid", Type::Text),
    ("title", Type::Text),
    ("panels", Type::Objects),
    ("rows", Type::Objects),
    ("templating", Type::Object),
    ("annotations", Type::Object),
    ("time", Type::Object),
    ("tags", Type::List),
    ("links", Type::Objects),
];
const OF_PANEL: [(&str, Type); 7] = [
    ("type", Type::Text),
    ("title", Type::Text),
    ("gridPos", Type::Object),
    ("targets", Type::Objects),
    ("fieldConfig", Type::Object),
    ("options", Type::Object),
    ("panels", Type::Objects),
];

fn classic(source: &Source, dashboard: &Node) -> Vec<Refusal> {
    let mut found = Vec::new();
    types(source, dashboard, &OF_DASHBOARD, &mut found);
    for key in ["templating", "annotations"] {
        dashboard
            .get(key)
            .into_iter()
            .for_each(|part| types(source, part, &[("list", Type::Objects)], &mut found));
    }
    for panel in dashboard
        .list_at("panels")
        .iter()
        .flat_map(|panel| std::iter::once(panel).chain(panel.list_at("panels")))
    {
        types(source, panel, &OF_PANEL, &mut found);
    }
    if found.is_empty() {
        found.extend(titled(source, dashboard).into_iter().chain(uid(source, dashboard)));
    }
    found
}

fn types(source: &Source, node: &Node, wanted: &[(&str, Type)], out: &mut Vec<Refusal>) {
    for (name, wanted) in wanted {
        let Some((key, value)) = node.entries().iter().find(|(key, _)| key.value == *name) else { continue };
        if *value != Node::Null && !is(source, value, *wanted) {
            let at = value.scalar().map_or_else(|| key.start(), Scalar::start);
            out.push(Refusal::new(
                source,
                at,
                format!("`{name}` is {}, and {} is expected", kind(source, value), wanted.name()),
            ));
        }
    }
}

impl Type {
    const fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::List => "a list",
            Self::Object => "an object",
            Self::Objects => "a list of objects",
        }
    }
}

fn is(source: &Source, value: &Node, wanted: Type) -> bool {
    match (wanted, value) {
        (Type::Text, Node::Scalar(scalar)) => is_quoted(source, scalar),
        (Type::List, Node::List(_)) | (Type::Object, Node::Map(_)) => true,
        (Type::Objects, Node::List(items)) => items.iter().all(|item| matches!(item, Node::Map(_))),
        _ => false,
    }
}

fn is_quoted(source: &Source, scalar: &Scalar) -> bool {
    source.text.get(scalar.start()..).is_some_and(|text| text.starts_with('"'))
}

fn kind(source: &Source, value: &Node) -> &'static str {
    match value {
        Node::Map(_) => "an object",
        Node::List(_) => "a list",
        Node::Scalar(scalar) if is_quoted(source, scalar) => "text",
        Node::Scalar(_) => "a number or a truth value",
        Node::Null => "nothing",
    }
}

fn titled(source: &Source, dashboard: &Node) -> Option<Refusal> {
    let title = dashboard.scalar_at("title");
    if title.is_some_and(|title| !title.value.is_empty()) {
        return None;
    }
    let at = title.or_else(|| dashboard.first()).map_or(0, Scalar::start);
    Some(Refusal::new(source, at, "the dashboard has no title").fix("add `\"title\": \"…\"`"))
}

fn uid(source: &Source, dashboard: &Node) -> Option<Refusal> {
    let uid =
        dashboard.scalar_at("uid").filter(|uid| !uid.value.is_empty() && !is_dashboard_uid(&uid.value))?;
    let reason = if uid.value.chars().count() > LONGEST_DASHBOARD_UID {
        format!("the uid is longer than {LONGEST_DASHBOARD_UID} characters")
    } else {
        format!("the uid `{}` holds other characters than letters, digits, `-` and `_`", uid.value)
    };
    Some(
        Refusal::new(source, uid.start(), reason)
            .fix("shorten it, or leave it out: the file's name gives one"),
    )
}
