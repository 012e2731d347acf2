//! Prometheus rule files, with the place of everything a finding may point at.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::parallel;
use super::promql::{self, Expr, Unread};
use super::scalar::Scalar;
use super::source::{Place, Source};

/// A rule file; unreadable ones have no groups and say why.
#[derive(Debug)]
pub struct RuleFile {
    pub source: Source,
    pub groups: Vec<Group>,
    pub problem: Option<(Place, String)>,
}

#[derive(Debug)]
pub struct Group {
    pub name: Scalar,
    pub interval: Option<Scalar>,
    pub labels: BTreeMap<String, Scalar>,
    pub rules: Vec<Rule>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleKind {
    Alert,
    Recording,
}

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
    pub labels: BTreeMap<String, Scalar>,
    pub annotations: BTreeMap<String, Scalar>,
}

impl Rule {
    pub fn is_alert(&self) -> bool {
        self.kind == RuleKind::Alert
    }
}

impl RuleFile {
    /// Never fails: the official judge refuses what cannot be read, this remembers where.
    pub fn parse(path: impl Into<String>, text: impl Into<String>) -> Self {
        let source = Source::new(path, text);
        let file = match serde_yaml::from_str::<Option<FileText>>(&source.text) {
            Ok(file) => file.unwrap_or_default(),
            Err(error) => {
                let place = error.location().map_or(Place::default(), |at| Place {
                    line: usize::try_from(at.line()).unwrap_or(0),
                    column: usize::try_from(at.column()).unwrap_or(0),
                });
                let message = error.without_snippet().to_string();
                return Self { source, groups: Vec::new(), problem: Some((place, message)) };
            }
        };
        let groups = file.groups.unwrap_or_default().into_iter().map(Group::from).collect();
        Self { source, groups, problem: None }
    }

    /// Parses many files on as many threads as the machine has; the order is kept.
    pub fn parse_all(files: &[(String, String)]) -> Vec<Self> {
        parallel::map(files, |(path, text)| Self::parse(path.as_str(), text.as_str()))
    }

    pub fn rules(&self) -> impl Iterator<Item = (&Group, &Rule)> {
        self.groups.iter().flat_map(|group| group.rules.iter().map(move |rule| (group, rule)))
    }
}

#[derive(Default, Deserialize)]
struct FileText {
    groups: Option<Vec<GroupText>>,
}

#[derive(Deserialize)]
struct GroupText {
    #[serde(default)]
    name: Scalar,
    interval: Option<Scalar>,
    labels: Option<BTreeMap<String, Scalar>>,
    rules: Option<Vec<RuleText>>,
}

#[derive(Deserialize)]
struct RuleText {
    alert: Option<Scalar>,
    record: Option<Scalar>,
    #[serde(default)]
    expr: Scalar,
    r#for: Option<Scalar>,
    keep_firing_for: Option<Scalar>,
    labels: Option<BTreeMap<String, Scalar>>,
    annotations: Option<BTreeMap<String, Scalar>>,
}

impl From<GroupText> for Group {
    fn from(text: GroupText) -> Self {
        Self {
            name: text.name,
            interval: text.interval,
            labels: text.labels.unwrap_or_default(),
            rules: text.rules.unwrap_or_default().into_iter().map(Rule::from).collect(),
        }
    }
}

impl From<RuleText> for Rule {
    fn from(text: RuleText) -> Self {
        let kind = if text.alert.is_some() { RuleKind::Alert } else { RuleKind::Recording };
        Self {
            kind,
            name: text.alert.or(text.record).unwrap_or_default(),
            tree: promql::parse(&text.expr.value),
            expr: text.expr,
            hold: text.r#for,
            keep_firing_for: text.keep_firing_for,
            labels: text.labels.unwrap_or_default(),
            annotations: text.annotations.unwrap_or_default(),
        }
    }
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
        assert_eq!(rule.name.place(&file.source), Place { line: 4, column: 16 });
        assert_eq!(rule.expr.place_of(&file.source, 3), Place { line: 7, column: 11 });
        assert_eq!(rule.hold.as_ref().unwrap().value, "1m");
        assert_eq!(rule.labels["yes"].value, "1");
        assert_eq!(file.rules().nth(1).unwrap().1.kind, RuleKind::Recording);
    }

    #[test]
    fn says_where_a_file_breaks() {
        let file = RuleFile::parse("a.yml", "groups:\n  - name: a\n    rules:\n      - alert: [x\n");
        assert!(file.groups.is_empty());
        assert!(file.problem.unwrap().0.line >= 4);
        assert!(RuleFile::parse("a.yml", "").problem.is_none());
        assert!(RuleFile::parse("a.yml", "# nothing\n").problem.is_none());
    }

    #[test]
    fn many_files_keep_their_order() {
        let files: Vec<_> = (0..7).map(|n| (format!("{n}.yml"), FILE.to_owned())).collect();
        let parsed = RuleFile::parse_all(&files);
        assert_eq!(
            parsed.iter().map(|f| f.source.path.as_str()).collect::<Vec<_>>(),
            ["0.yml", "1.yml", "2.yml", "3.yml", "4.yml", "5.yml", "6.yml"]
        );
        assert!(RuleFile::parse_all(&[]).is_empty());
    }
}
