//! What a drill starts from: the project's rules and tests, the alerts asked for, and the settings
//! with placeholders for secrets.

use std::collections::BTreeMap;

use crate::check::{self, Severity};
use crate::drill::series::Labels;
use crate::formats::rule_file::{Group, Rule, RuleFile};
use crate::model::Secret;
use crate::model::closest_name;
use crate::render::{ProjectFiles, RenderedStack};
use crate::settings::Settings;

/// (path below `rules/`, file)
pub fn rule_files(files: &ProjectFiles) -> Vec<(String, RuleFile)> {
    files
        .rule_files()
        .map(|(path, file)| (path.to_owned(), RuleFile::parse(file.shown_as.clone(), file.text.clone())))
        .collect()
}

/// An alert to drill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its name; several rules of one name have a number behind it.
    pub key: String,
    pub alert: String,
    /// What tells it from other rules of its name: its own labels without those that are templates.
    /// Empty for the only rule of a name.
    pub labels: Labels,
}

impl Target {
    /// True for labels that this rule and not another one of its name gives.
    pub fn is_in(&self, labels: &Labels) -> bool {
        self.labels.iter().all(|(name, value)| labels.get(name) == Some(value))
    }
}

/// Every alert rule, in the order of the files.
pub fn alert_rules(files: &[(String, RuleFile)]) -> impl Iterator<Item = (&str, &RuleFile, &Group, &Rule)> {
    files.iter().flat_map(|(path, file)| {
        file.rules()
            .filter(|(_, rule)| rule.is_alert())
            .map(move |(group, rule)| (path.as_str(), file, group, rule))
    })
}

/// The target of every alert rule, in the same order.
pub fn targets(files: &[(String, RuleFile)]) -> Vec<Target> {
    let mut targets: Vec<Target> = Vec::new();
    for (_, _, group, rule) in alert_rules(files) {
        let alert = rule.name.value.clone();
        let shared = alert_rules(files).filter(|(_, _, _, other)| other.name.value == alert).count() > 1;
        let before = targets.iter().filter(|target| target.alert == alert).count();
        let own = group
            .labels
            .iter()
            .chain(rule.labels.iter())
            .filter(|(_, value)| shared && !value.value.contains("{{"));
        targets.push(Target {
            key: if shared { format!("{alert}#{}", before + 1) } else { alert.clone() },
            labels: own.map(|(name, value)| (name.to_owned(), value.value.clone())).collect(),
            alert,
        });
    }
    targets
}

/// How many names are offered where none is near.
const OFFERED: usize = 3;

/// The names that have most in common with this one.
fn nearest(name: &str, targets: &[Target]) -> Vec<String> {
    let wanted = name.to_lowercase();
    let mut names: Vec<&str> = targets.iter().map(|target| target.alert.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    // The part that was remembered may stand anywhere in a long name.
    let distance = |other: &&str| {
        let other = other.to_lowercase();
        let holds = !wanted.is_empty() && (other.contains(&wanted) || wanted.contains(&other));
        (!holds, strsim::levenshtein(&wanted, &other))
    };
    names.sort_by_key(distance);
    names.into_iter().take(OFFERED).map(|name| format!("`{name}`")).collect()
}

/// Why a name that was asked for cannot be drilled, with what was probably meant.
pub fn unknown(targets: &[Target], asked: &[String]) -> Option<(String, String)> {
    if targets.is_empty() {
        return Some((
            "the project has no alert".to_owned(),
            "alert rules are the YAML files in rules/".to_owned(),
        ));
    }
    let name = asked.iter().find(|name| !targets.iter().any(|target| target.alert == **name))?;
    let hint = match closest_name(name, targets.iter().map(|target| &target.alert)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("the nearest are {}", nearest(name, targets).join(", ")),
    };
    Some((format!("there is no alert `{name}`"), hint))
}

/// No secret is needed to see where an alert goes. With no receiver at all, the usual ones are drilled.
pub fn with_placeholders(settings: &mut Settings) {
    let placeholder = || Some(Secret::new("drill-placeholder"));
    let receivers = &mut settings.receivers;
    if !receivers.notifies_somebody() {
        receivers.slack_webhook = placeholder();
        receivers.slack_webhook_critical = placeholder();
        receivers.pagerduty_service_key = placeholder();
    }
    for secret in [
        &mut receivers.slack_webhook,
        &mut receivers.slack_webhook_critical,
        &mut receivers.pagerduty_service_key,
        &mut receivers.webhook_url,
    ] {
        if secret.is_some() {
            *secret = placeholder();
        }
    }
    for other in &mut receivers.others {
        other.secret = other.secret.take().and_then(|_| placeholder());
    }
    settings.security.web_auth = None;
}

/// Lints that check a rule against what the backend exports.
const CONTRACT: [&str; 6] = [
    "unknown-metric",
    "never-updated",
    "unknown-label",
    "unknown-label-value",
    "threshold-beyond-buckets",
    "unknown-job",
];

/// How the rules keep to what the backend exports.
#[derive(Clone, Debug, Default)]
pub struct ContractChecks {
    /// Alert → why it contradicts what the backend exports.
    pub broken: BTreeMap<String, String>,
    /// Whether it is known what the backend exports.
    pub is_known: bool,
}

/// Checks every rule against what the backend exports, where that is known.
pub fn contract_checks(
    settings: &Settings,
    files: &ProjectFiles,
    rendered: &RenderedStack,
) -> ContractChecks {
    let facts = check::gather::project(settings, files, rendered);
    let mut broken = BTreeMap::new();
    for finding in check::run(&facts) {
        if !CONTRACT.contains(&finding.id) || finding.severity < Severity::Warning {
            continue;
        }
        if let Some(alert) = finding.alert {
            broken.entry(alert).or_insert(format!("{} ({})", finding.message, finding.id));
        }
    }
    ContractChecks { broken, is_known: facts.contract.is_some() }
}

/// What a reader of any report must know.
pub fn notes(notifies_somebody: bool) -> Vec<String> {
    let mut notes = vec![
        "Times are cut short: rules are evaluated every second and fire without their `for`, and Alertmanager waits \
         1 s (3 s where other alerts fire too) before a message. Everything else is the project's own."
            .to_owned(),
        "Each integration posts to a sink on this machine, with placeholders for secrets.".to_owned(),
    ];
    if !notifies_somebody {
        notes.push(
            "No receiver is configured, so today nobody would be notified. This is a rehearsal of the routes as they \
             would be with SLACK_WEBHOOK_URL, SLACK_WEBHOOK_CRITICAL and PAGERDUTY_SERVICE_KEY set."
                .to_owned(),
        );
    }
    notes
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn files() -> Vec<(String, RuleFile)> {
        let text = "groups:\n  - name: g\n    rules:\n      - {alert: Slow, expr: x > 1, labels: {severity: warning, value: '{{ $value }}'}}\n      - {alert: Slow, expr: x > 2, labels: {severity: critical}}\n      - {alert: BackendDown, expr: up == 0, labels: {severity: critical}}\n      - {record: 'a:b', expr: x}\n";
        vec![("a.yml".to_owned(), RuleFile::parse("rules/a.yml", text))]
    }

    #[test]
    fn rules_of_one_name_are_told_apart_by_their_labels() {
        let targets = targets(&files());
        assert_eq!(
            targets.iter().map(|target| target.key.as_str()).collect::<Vec<_>>(),
            ["Slow#1", "Slow#2", "BackendDown"]
        );
        let fired = |severity: &str| [("severity".to_owned(), severity.to_owned())].into();
        assert!(targets[0].is_in(&fired("warning")) && !targets[0].is_in(&fired("critical")));
        assert!(targets[2].labels.is_empty(), "the only rule of a name needs no more");
    }

    #[test]
    fn unknown_names_come_with_the_nearest() {
        let targets = targets(&files());
        let asked = |name: &str| unknown(&targets, &[name.to_owned()]);
        assert_eq!(asked("Slow"), None);
        assert_eq!(unknown(&targets, &[]), None);
        assert!(asked("BackendDwn").is_some_and(|(_, hint)| hint.contains("`BackendDown`")));
        let far = asked("Payments").map(|(_, hint)| hint).unwrap_or_default();
        assert!(far.starts_with("the nearest are `") && far.contains("BackendDown"), "{far}");
        assert!(unknown(&[], &[]).is_some());
    }

    #[test]
    fn a_contract_that_nobody_has_kept_is_not_said_to_hold() {
        let (environment, flags) = (BTreeMap::new(), crate::settings::FlagOverrides::default());
        let sources = crate::settings::Sources {
            settings_file: None,
            dotenv: None,
            environment: &environment,
            flags: &flags,
        };
        let settings = crate::settings::resolve(&sources).0.unwrap();
        let mut files = ProjectFiles::embedded();
        assert!(contract_checks(&settings, &files, &RenderedStack::default()).is_known);
        let own = crate::render::assets::ProjectFile::user("rules/shop.yml", "groups: []\n");
        files.rules = [("shop.yml".to_owned(), own)].into();
        assert!(!contract_checks(&settings, &files, &RenderedStack::default()).is_known);
    }
}
