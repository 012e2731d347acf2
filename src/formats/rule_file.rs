//! Prometheus rule files, with the place of everything a finding may point at.

use crate::formats::label_map::Fields;
use crate::formats::parallel;
use crate::formats::promql::{self, Expr, Unread};
use crate::formats::yaml::node::{self, Node};
use crate::formats::yaml::scalar::Scalar;
use crate::formats::yaml::source::{Position, Source};

/// A rule file; unreadable ones have no groups and say why.
#[derive(Debug)]
pub struct RuleFile {
    pub source: Source,
    pub groups: Vec<Group>,
    pub problem: Option<(Position, String)>,
}

/// A rule group.
#[derive(Debug)]
pub struct Group {
    pub name: Scalar,
    pub interval: Option<Scalar>,
    /// How far in the past the group is evaluated, when it does not take the global setting.
    pub query_offset: Option<Scalar>,
    pub labels: Fields,
    pub rules: Vec<Rule>,
}

/// What a rule makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleKind {
    Alert,
    Recording,
}

/// An alerting or a recording rule, every text with its place.
#[derive(Debug)]
pub struct Rule {
    pub kind: RuleKind,
    pub name: Scalar,
    pub expr: Scalar,
    /// The tree of `expr`, or why it is not linted.
    pub tree: Result<Expr, Unread>,
    /// `for`.
    pub hold: Option<Scalar>,
    pub keep_firing_for: Option<Scalar>,
    pub labels: Fields,
    pub annotations: Fields,
}

impl Rule {
    /// True for an alerting rule.
    pub fn is_alert(&self) -> bool {
        self.kind == RuleKind::Alert
    }
}

impl RuleFile {
    /// Never fails: the official validator refuses what cannot be read, this remembers where.
    pub fn parse(path: impl Into<String>, text: impl Into<String>) -> Self {
        let source = Source::new(path, text);
        let read = node::parse(&source)
            .and_then(|root| groups(root).map_err(|misfit| (source.place(misfit.at), misfit.what)));
        match read {
            Ok(groups) => Self { source, groups, problem: None },
            Err(problem) => Self { source, groups: Vec::new(), problem: Some(problem) },
        }
    }

    /// Parses many files on as many threads as the machine has; the order is kept.
    pub fn parse_all(files: &[(&str, &str)]) -> Vec<Self> {
        parallel::map(files, |(path, text)| Self::parse(*path, *text))
    }

    /// Every rule with its group, in the order of the file.
    pub fn rules(&self) -> impl Iterator<Item = (&Group, &Rule)> + Clone {
        self.groups.iter().flat_map(|group| group.rules.iter().map(move |rule| (group, rule)))
    }
}

/// Something that has no place in a rule file.
struct Misfit {
    /// Byte offset in the file.
    at: usize,
    what: String,
}

/// Fields that nobody knows are for the official validator to refuse.
fn groups(root: Node) -> Result<Vec<Group>, Misfit> {
    let mut found = Vec::new();
    for (key, value) in entries(root, "a rule file", 0)? {
        if key.value == "groups" {
            for group in items(value, &key)? {
                found.push(group_of(group, &key)?);
            }
        }
    }
    Ok(found)
}

fn group_of(node: Node, list: &Scalar) -> Result<Group, Misfit> {
    let mut group = Group {
        name: Scalar::default(),
        interval: None,
        query_offset: None,
        labels: Fields::default(),
        rules: Vec::new(),
    };
    for (key, value) in entries(node, "a group", list.start())? {
        match key.value.as_str() {
            "name" => group.name = text(value, &key)?.unwrap_or_default(),
            "interval" => group.interval = text(value, &key)?,
            "query_offset" => group.query_offset = text(value, &key)?,
            "labels" => group.labels = texts(value, &key)?,
            "rules" => {
                for rule in items(value, &key)? {
                    group.rules.push(rule_of(rule, &key)?);
                }
            }
            _ => {}
        }
    }
    Ok(group)
}

fn rule_of(node: Node, list: &Scalar) -> Result<Rule, Misfit> {
    let (mut alert, mut record, mut expr) = (None, None, None);
    let (mut hold, mut keep_firing_for) = (None, None);
    let (mut labels, mut annotations) = (Fields::default(), Fields::default());
    for (key, value) in entries(node, "a rule", list.start())? {
        match key.value.as_str() {
            "alert" => alert = text(value, &key)?,
            "record" => record = text(value, &key)?,
            "expr" => expr = text(value, &key)?,
            "for" => hold = text(value, &key)?,
            "keep_firing_for" => keep_firing_for = text(value, &key)?,
            "labels" => labels = texts(value, &key)?,
            "annotations" => annotations = texts(value, &key)?,
            _ => {}
        }
    }
    let expr: Scalar = expr.unwrap_or_default();
    Ok(Rule {
        kind: if alert.is_some() { RuleKind::Alert } else { RuleKind::Recording },
        name: alert.or(record).unwrap_or_default(),
        tree: promql::parse(&expr.value),
        expr,
        hold,
        keep_firing_for,
        labels,
        annotations,
    })
}

fn entries(node: Node, what: &str, at: usize) -> Result<Vec<(Scalar, Node)>, Misfit> {
    match node {
        Node::Map(entries) => Ok(entries),
        Node::Null => Ok(Vec::new()),
        other => {
            let at = other.first().map_or(at, Scalar::start);
            Err(Misfit { at, what: format!("{what} is a mapping, not {}", other.kind()) })
        }
    }
}

fn items(node: Node, key: &Scalar) -> Result<Vec<Node>, Misfit> {
    match node {
        Node::List(items) => Ok(items),
        Node::Null => Ok(Vec::new()),
        other => Err(misfit(key, "a list", &other)),
    }
}

fn text(node: Node, key: &Scalar) -> Result<Option<Scalar>, Misfit> {
    match node {
        Node::Scalar(scalar) => Ok(Some(scalar)),
        Node::Null => Ok(None),
        other => Err(misfit(key, "text", &other)),
    }
}

fn texts(node: Node, key: &Scalar) -> Result<Fields, Misfit> {
    let mut found = Vec::new();
    for (name, value) in entries(node, &format!("`{}`", key.value), key.start())? {
        let value =
            text(value, &name)?.unwrap_or_else(|| Scalar::new(String::new(), name.start(), name.start()));
        found.push((name.value, value));
    }
    Ok(Fields::new(found))
}

fn misfit(key: &Scalar, expected: &str, found: &Node) -> Misfit {
    let at = found.first().map_or(key.start(), Scalar::start);
    Misfit { at, what: format!("`{}` is {expected}, not {}", key.value, found.kind()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const FILE: &str = "groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: |\n          up\n          == 0\n        for: 1m\n        labels: {severity: critical, yes: 1}\n      - record: r:x\n        expr: 1\n";

    #[test]
    fn reads_rules_with_their_places() {
        let file = RuleFile::parse("a.yml", FILE);
        let (_, rule) = file.rules().next().unwrap();
        assert_eq!(rule.name.place(&file.source), Position { line: 4, column: 16 });
        assert_eq!(rule.expr.place_of(&file.source, 3), Position { line: 7, column: 11 });
        assert_eq!(rule.hold.as_ref().unwrap().value, "1m");
        assert_eq!(rule.labels.get("yes").unwrap().value, "1");
        assert_eq!(file.rules().nth(1).unwrap().1.kind, RuleKind::Recording);
    }

    #[test]
    fn says_where_a_file_breaks() {
        let file = RuleFile::parse("a.yml", "groups:\n  - name: a\n    rules:\n      - alert: [x\n");
        assert!(file.groups.is_empty());
        assert!(file.problem.unwrap().0.line >= 4);
        let misfits = [
            ("[a]", "a rule file is a mapping, not a list"),
            ("groups: x", "`groups` is a list, not text"),
            ("groups: [x]", "a group is a mapping, not text"),
            ("groups: [{name: a, rules: [{alert: {b: c}}]}]", "`alert` is text, not a mapping"),
            ("groups: [{name: a, rules: [{alert: b, labels: c}]}]", "`labels` is a mapping, not text"),
            ("groups: [{name: a, rules: [{alert: b, labels: {c: [d]}}]}]", "`c` is text, not a list"),
        ];
        for (text, expected) in misfits {
            assert_eq!(RuleFile::parse("a.yml", text).problem.unwrap().1, expected, "{text}");
        }
        assert!(RuleFile::parse("a.yml", "").problem.is_none());
        assert!(RuleFile::parse("a.yml", "# nothing\n").problem.is_none());
    }

    #[test]
    fn many_files_keep_their_order() {
        let names: Vec<_> = (0..7).map(|n| format!("{n}.yml")).collect();
        let files: Vec<_> = names.iter().map(|name| (name.as_str(), FILE)).collect();
        let parsed = RuleFile::parse_all(&files);
        assert_eq!(
            parsed.iter().map(|f| f.source.path.as_str()).collect::<Vec<_>>(),
            ["0.yml", "1.yml", "2.yml", "3.yml", "4.yml", "5.yml", "6.yml"]
        );
        assert!(RuleFile::parse_all(&[]).is_empty());
    }
}
