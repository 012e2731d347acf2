//! Each alert with the labels that it will arrive with.

use std::collections::BTreeSet;

use super::label_domain::{LabelDomain, Labels};
use super::values;
use crate::analysis::labels::LabelSet;
use crate::analysis::view::View;
use crate::formats::alertmanager::AlertmanagerFile;
use crate::formats::parallel;
use crate::formats::promql::Expr;
use crate::formats::rule_file::{Group, Rule, RuleFile};

/// One alerting rule.
#[derive(Debug)]
pub struct Alert<'a> {
    pub file: &'a RuleFile,
    pub rule: &'a Rule,
    /// One label set for each side of `or` in the expression.
    pub variants: Vec<Variant<'a>>,
}

/// The labels that one alert rule can give its alerts.
#[derive(Debug)]
pub struct Variant<'a> {
    pub labels: Labels,
    /// The part of the expression that the labels come from; `None` when it could not be read.
    pub expr: Option<&'a Expr>,
}

impl Alert<'_> {
    /// The name of the alert.
    pub fn name(&self) -> &str {
        &self.rule.name.value
    }

    /// The severity, when all of its variants have the same one.
    pub fn severity(&self) -> Option<&str> {
        let mut values = self.variants.iter().map(|variant| variant.labels.get("severity").value());
        let first = values.next()??;
        values.all(|value| value == Some(first)).then_some(first).filter(|value| !value.is_empty())
    }
}

/// Every alert of the rule files.
pub(crate) fn all<'a>(view: &View<'a>) -> Vec<Alert<'a>> {
    let facts = view.facts;
    let asked = asked_labels(view.alertmanager);
    let of_file = |file: &&'a RuleFile| -> Vec<Alert<'a>> {
        let alerts = file.rules().filter(|(_, rule)| rule.is_alert());
        let read = alerts.map(|(group, rule)| {
            let variants = match &rule.tree {
                Ok(tree) => values::variants(tree).into_iter().map(Some).collect(),
                Err(_) => vec![None],
            };
            let variants = variants
                .into_iter()
                .map(|expr| Variant { labels: labels(view, group, rule, expr, &asked), expr })
                .collect();
            Alert { file, rule, variants }
        });
        read.collect()
    };
    let files: Vec<&'a RuleFile> = facts.rule_files.iter().collect();
    parallel::flat_map(&files, of_file)
}

/// The labels that routes and inhibition ask for.
fn asked_labels(file: Option<&AlertmanagerFile>) -> BTreeSet<&str> {
    let mut asked = BTreeSet::from(["job", "instance", "severity"]);
    let Some(file) = file else { return asked };
    for route in file.routes() {
        asked.extend(route.matchers.iter().map(|placed| placed.matcher.label.as_str()));
    }
    for rule in &file.inhibit_rules {
        asked.extend(rule.source.iter().chain(&rule.target).map(|placed| placed.matcher.label.as_str()));
        asked.extend(rule.equal.iter().map(|label| label.value.as_str()));
    }
    asked
}

/// Labels of the series, then of the group and the rule, then the external ones, as Prometheus lays them
/// over each other.
fn labels(
    view: &View<'_>,
    group: &Group,
    rule: &Rule,
    expr: Option<&Expr>,
    asked: &BTreeSet<&str>,
) -> Labels {
    let possible = expr.map_or_else(LabelSet::any, |expr| view.labels_of(expr));
    let (more, others) = match &possible {
        LabelSet::Only(only) => (Some(only), LabelDomain::absent()),
        LabelSet::AllBut(_) => (None, LabelDomain::unknown()),
    };
    let mut labels = Labels::new(others);
    for name in asked.iter().copied().chain(more.iter().flat_map(|only| only.iter().map(String::as_str))) {
        let known = match expr {
            _ if !possible.may_have(name) => LabelDomain::absent(),
            Some(expr) => values::known(view, expr, name),
            None => LabelDomain::unknown(),
        };
        labels.set(name, known);
    }
    for (name, value) in group.labels.iter().chain(rule.labels.iter()) {
        let templated = value.value.contains("{{");
        let known =
            if templated { LabelDomain::unknown() } else { LabelDomain::exactly(value.value.as_str()) };
        labels.set(name, known);
    }
    labels.set("alertname", LabelDomain::exactly(rule.name.value.as_str()));
    for (name, value) in &view.facts.external_labels {
        let own = labels.get(name).clone();
        labels.set(name, with_external(own, value));
    }
    labels
}

/// An external label is added where the alert has none of that name.
fn with_external(own: LabelDomain, value: &str) -> LabelDomain {
    match own {
        LabelDomain::OneOf(mut values) => {
            if values.remove("") {
                values.insert(value.to_owned());
            }
            LabelDomain::OneOf(values)
        }
        own @ LabelDomain::NoneOf(_) => own.and(LabelDomain::present()),
    }
}
