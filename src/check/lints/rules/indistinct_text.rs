//! Two alerts of one rule in one message, with the same words: nobody can tell which is which.

use std::collections::BTreeSet;

use crate::analysis::labels::elements::{self, Element};
use crate::analysis::labels::{LabelSet, explicit_grouping};
use crate::check::finding::{Finding, Severity};
use crate::check::lint::{Lint, RuleView, Run, View};
use crate::formats::alertmanager::AlertmanagerFile;
use crate::formats::go_template::{self, Action, TokenKind};
use crate::formats::parallel;

pub(in crate::check::lints) const LINT: Lint = Lint {
    id: "indistinct-text",
    severity: Severity::Warning,
    doc: "The series of an alert differ by a label that neither its texts nor the messages show.",
    run: Run::All(check),
};

fn check(view: &View<'_>, out: &mut Vec<Finding>) {
    let Some(file) = view.alertmanager else { return };
    // Alertmanager's own texts list the labels of each alert.
    let Some(messages) = own_messages(view, file).filter(|messages| !messages.list_all) else { return };
    let found: Vec<_> = parallel::map(&view.facts.rule_files, |rules| {
        let alerts = view.rules_of(rules).filter(|rule| rule.rule.is_alert());
        alerts.filter_map(|rule| indistinct(&rule, file, &messages)).collect::<Vec<_>>()
    });
    out.extend(found.into_iter().flatten());
}

fn indistinct(rule: &RuleView<'_>, file: &AlertmanagerFile, messages: &Messages) -> Option<Finding> {
    let texts = texts(rule)?;
    let shown =
        |label: &str| messages.named.contains(label) || texts.contains(label) || is_apart(file, label);
    let label = hidden(rule, &shown)?;
    let message = format!(
        "the series of this alert differ by `{label}`, which neither its texts nor the messages show: two of them in one message read the same"
    );
    let fix = format!("write `{{{{ $labels.{label} }}}}` into the summary");
    Some(rule.on_rule(&LINT, message).fix(fix))
}

/// What is written of each alert.
struct Messages {
    /// Every label of an alert is listed.
    list_all: bool,
    /// Labels that are written by name.
    named: BTreeSet<String>,
}

/// What messages of the user's own show; `None` where there are none with a line for each alert.
fn own_messages(view: &View<'_>, file: &AlertmanagerFile) -> Option<Messages> {
    let mut texts: Vec<String> = Vec::new();
    file.tree.walk(&mut |path, scalar| {
        if path.first().is_some_and(|key| key.value == "receivers") && scalar.value.contains("{{") {
            texts.push(scalar.value.clone());
        }
    });
    texts.extend(view.facts.notification_templates.iter().flatten().map(|source| source.text.clone()));
    let actions: Vec<Action> =
        texts.iter().filter_map(|text| go_template::actions(text).ok()).flatten().collect();
    let paths = || actions.iter().flat_map(paths_of);
    let lists = |fields: &[String]| {
        fields.iter().any(|field| matches!(field.as_str(), "Alerts" | "Firing" | "Resolved"))
    };
    if !paths().any(lists) {
        return None;
    }
    let mut messages = Messages { list_all: false, named: BTreeSet::new() };
    for fields in paths() {
        match fields.iter().position(|field| field == "Labels").map(|at| fields.get(at + 1)) {
            Some(None) => messages.list_all = true,
            Some(Some(next)) if matches!(next.as_str(), "SortedPairs" | "Values" | "Remove") => {
                messages.list_all = true;
            }
            Some(Some(label)) => {
                messages.named.insert(label.clone());
            }
            // Alertmanager's own template, or the whole of the data as text.
            None => {}
        }
    }
    messages.list_all |=
        texts.iter().any(|text| text.contains("__text_alert_list") || text.contains("toJson"));
    Some(messages)
}

/// The fields of each path in an action, such as `Labels`, `service`.
fn paths_of(action: &Action) -> impl Iterator<Item = &[String]> {
    action.tokens.iter().filter_map(|token| match &token.kind {
        TokenKind::Path { fields, .. } => Some(fields.as_slice()),
        _ => None,
    })
}

/// The labels that the rule's own texts name; `None` where they print all of them, or ask Prometheus.
fn texts(rule: &RuleView<'_>) -> Option<BTreeSet<String>> {
    let mut named = BTreeSet::new();
    for (_, _, actions) in rule.rule.annotations.templates() {
        for action in actions.as_ref().ok()? {
            let whole = action.tokens.iter().any(|token| match &token.kind {
                TokenKind::Path { root, fields } => {
                    root == "$labels" && fields.is_empty()
                        || fields.last().is_some_and(|last| last == "Labels")
                }
                _ => false,
            });
            if whole || action.calls("query") {
                return None;
            }
            named.extend(action.labels().into_iter().map(|(label, _)| label.to_owned()));
        }
    }
    Some(named)
}

/// Some route puts alerts that differ by the label into messages of their own.
fn is_apart(file: &AlertmanagerFile, label: &str) -> bool {
    file.routes().iter().any(|route| route.group_by.all || route.group_by.labels.iter().any(|by| by == label))
}

/// A label that two of the alert's series differ by, and nothing else that is shown.
fn hidden(rule: &RuleView<'_>, shown: &dyn Fn(&str) -> bool) -> Option<String> {
    let is_own = |label: &str| rule.rule.labels.contains_key(label) || rule.group.labels.contains_key(label);
    // Of targets there is often one.
    let is_told = |label: &str| matches!(label, "job" | "instance") || shown(label) || is_own(label);
    let grouped = explicit_grouping(rule.tree);
    if grouped.is_some_and(|labels| labels.iter().all(|label| is_told(label))) {
        return None;
    }
    if let LabelSet::Only(possible) = rule.view.labels_of(rule.tree) {
        if possible.iter().all(|label| is_told(label)) {
            return None;
        }
        if let Some(found) = elements::elements(rule.view, rule.tree) {
            let visible = |labels: &Element| {
                labels.iter().filter(|(label, _)| shown(label)).map(|(l, v)| (l.clone(), v.clone())).collect()
            };
            let (one, other) = elements::collision(&found, &visible)?;
            return elements::differing(one, other).into_iter().find(|label| !is_own(label));
        }
    }
    // Whoever groups by a label expects several of it.
    let is_pinned =
        |label: &str| rule.tree.selectors().iter().any(|(_, selector)| selector.pinned(label).is_some());
    grouped?.iter().find(|label| !is_told(label) && !is_pinned(label)).cloned()
}
