//! Facts from what was read before: settings, the project's files, and the configuration rendered
//! from them. Pure.

mod routing;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;

use crate::analysis::contract::Contract;
use crate::analysis::facts::Facts;
use crate::formats::anchored_regex;
use crate::formats::go_glob::Glob;
use crate::formats::rule_file::RuleFile;
use crate::formats::rule_test::RuleTestFile;
use crate::formats::yaml::source::Source;
use crate::model::{FileSet, PromDuration, ServiceKind};
use crate::render::assets::{Origin, ProjectFile};
use crate::render::{ProjectFiles, RenderedStack};
use crate::settings::Settings;

/// The job that the embedded contract describes.
const EMBEDDED_CONTRACT_JOB: &str = "confidex-backend";
/// What its own metrics begin with.
const EMBEDDED_NAMESPACE: &str = "confidex_";
/// What Prometheus takes when the configuration names no scrape interval.
const DEFAULT_INTERVAL: Duration = Duration::from_mins(1);

/// The facts of a whole project.
pub fn project(settings: &Settings, files: &ProjectFiles, rendered: &RenderedStack) -> Facts {
    let mut facts = Facts::default();
    let rules = std::thread::scope(|scope| {
        let others = scope.spawn(|| surroundings(settings, files, rendered));
        let rules = rules(files);
        facts = others.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        rules
    });
    facts.rule_files = rules.rule_files;
    facts.rule_tests = rules.rule_tests;
    facts.is_complete_rule_set = true;
    facts.unread_rule_files = unread_rule_files(files);
    if let Some(prometheus) = rendered.get(&ServiceKind::Prometheus) {
        facts.empty_rule_patterns = empty_patterns(prometheus);
    }
    if facts.rule_files.is_empty() && facts.empty_rule_patterns.is_empty() {
        facts.empty_rule_patterns.push("rules/".to_owned());
    }
    facts
}

/// Files of rules that nobody reads: in a folder of their own, or with another ending.
pub(super) fn unread_rule_files(files: &ProjectFiles) -> Vec<RuleFile> {
    let not_loaded = files.not_loaded_rules().map(|file| RuleFile::parse(&file.shown_as, &file.text));
    not_loaded.filter(|file| file.rules().next().is_some()).collect()
}

/// The rules and their tests alone.
pub fn rules(files: &ProjectFiles) -> Facts {
    let tests = files.rule_tests();
    Facts {
        rule_files: RuleFile::parse_all(&files.rule_files().map(|(_, file)| named(file)).collect::<Vec<_>>()),
        rule_tests: tests
            .map(|(_, file)| RuleTestFile::parse(file.shown_as.as_str(), file.text.as_str()))
            .collect(),
        ..Facts::default()
    }
}

/// Everything but the rules and their tests: what rules are checked against.
pub fn surroundings(settings: &Settings, files: &ProjectFiles, rendered: &RenderedStack) -> Facts {
    let backend = settings.targets.first().map(|target| target.job.clone());
    let runbooks = files.runbooks().map(|(name, _)| name.to_owned()).collect();
    let mut facts = Facts {
        contract_is_built_in: !has_own_contract(files),
        contract: contract(files, backend.as_deref()),
        runbooks: Some(runbooks),
        settings_file: files
            .config
            .get("confidexmon.yml")
            .map(|file| Source::new(&file.shown_as, &file.text)),
        scrape_interval: Some(settings.prometheus.scrape_interval.length()),
        external_labels: settings.prometheus.external_labels.clone(),
        backend_jobs: backend.into_iter().collect(),
        ..Facts::default()
    };
    let config = rendered.get(&ServiceKind::Prometheus).and_then(prometheus_config);
    if let Some(config) = config {
        configured(&mut facts, &config);
    }
    if has_others_jobs(files) {
        forget_jobs(&mut facts);
    }
    routing::fill(&mut facts, files, rendered);
    facts
}

pub(super) fn named(file: &ProjectFile) -> (&str, &str) {
    (&file.shown_as, &file.text)
}

/// The built-in contract says nothing about somebody else's backend, nor about rules and dashboards that
/// are made for another one.
fn contract(files: &ProjectFiles, backend: Option<&str>) -> Option<Contract> {
    let file = files.config.get("backend.prom")?;
    let built_in_fits = backend == Some(EMBEDDED_CONTRACT_JOB) && !is_for_another_backend(files);
    (has_own_contract(files) || built_in_fits).then(|| Contract::parse(&file.text))
}

/// True where the project keeps its own backend's metrics.
pub fn has_own_contract(files: &ProjectFiles) -> bool {
    let file = files.config.get("backend.prom");
    file.is_some_and(|file| !ProjectFiles::is_built_in(file, "config/backend.prom"))
}

/// True where the user has brought rules or dashboards, and no rule file or dashboard of the project speaks of the
/// built-in backend: neither those nor what `init` has written there.
pub fn is_for_another_backend(files: &ProjectFiles) -> bool {
    let written = files.rule_files().chain(files.dashboard_files()).map(|(_, file)| file);
    let mut written = written.filter(|file| file.origin == Origin::User);
    files.own_content().next().is_some() && !written.any(|file| speaks_of_built_in(&file.text))
}

/// True for a text that names metrics of the backend whose contract is built in.
pub(super) fn speaks_of_built_in(text: &str) -> bool {
    text.contains(EMBEDDED_NAMESPACE)
}

/// True where the jobs are those that are built in, and the rules or dashboards are not.
fn has_others_jobs(files: &ProjectFiles) -> bool {
    let settings = files.config.get("confidexmon.yml");
    let built_in = settings.is_none_or(|file| ProjectFiles::is_built_in(file, "config/confidexmon.yml"));
    built_in && is_for_another_backend(files) && !has_own_contract(files)
}

fn prometheus_config(files: &FileSet) -> Option<Value> {
    let file = files.files.get("/etc/prometheus/prometheus.yml")?;
    serde_yaml::from_str(std::str::from_utf8(file.bytes()).ok()?).ok()
}

/// What is built in says nothing about the jobs of what the user has brought.
pub(super) fn forget_jobs(facts: &mut Facts) {
    facts.jobs = None;
    facts.target_labels = None;
    facts.backend_jobs.clear();
}

/// What the rendered configuration says: it may come from a template of the user's own.
fn configured(facts: &mut Facts, config: &Value) {
    let global = &config["global"];
    if let Some(labels) = global["external_labels"].as_object() {
        // `$$` is how a literal `$` is written there.
        facts.external_labels =
            labels.iter().map(|(name, value)| (name.clone(), text(value).replace("$$", "$"))).collect();
    }
    drop_labels(&mut facts.external_labels, &config["alerting"]["alert_relabel_configs"]);
    let jobs = config["scrape_configs"].as_array().map(Vec::as_slice).unwrap_or_default();
    facts.jobs = Some(jobs.iter().flat_map(job_labels).collect());
    let ours: Vec<&Value> = jobs
        .iter()
        .filter(|job| job_labels(job).iter().any(|name| facts.backend_jobs.contains(name)))
        .collect();
    let interval = |value: &Value| PromDuration::parse(&text(value)).map(|duration| duration.length());
    let default = interval(&global["scrape_interval"]).unwrap_or(DEFAULT_INTERVAL);
    facts.scrape_interval =
        ours.iter().map(|job| interval(&job["scrape_interval"]).unwrap_or(default)).max().or(Some(default));
    facts.target_labels = target_labels(&ours);
    facts.rule_query_offset = interval(&global["rule_query_offset"]);
}

/// Takes away what alerts lose on their way to Alertmanager, such as `replica`.
fn drop_labels(labels: &mut BTreeMap<String, String>, relabelings: &Value) {
    for relabeling in relabelings.as_array().into_iter().flatten() {
        let pattern = relabeling["regex"].as_str().and_then(anchored_regex::anchored);
        if let (Some("labeldrop"), Some(pattern)) = (relabeling["action"].as_str(), pattern) {
            labels.retain(|name, _| !pattern.is_match(name));
        }
    }
}

/// The `job` of the series of a scrape configuration: its name, unless its targets have one of their own.
fn job_labels(config: &Value) -> BTreeSet<String> {
    let groups = config["static_configs"].as_array().map(Vec::as_slice).unwrap_or_default();
    let own: BTreeSet<String> =
        groups.iter().filter_map(|group| group["labels"].get("job").map(text)).collect();
    let all_have = !groups.is_empty() && groups.iter().all(|group| group["labels"].get("job").is_some());
    if all_have { own } else { own.into_iter().chain([text(&config["job_name"])]).collect() }
}

/// Labels that the backend's targets add; `None` when only a running Prometheus can tell.
fn target_labels(jobs: &[&Value]) -> Option<BTreeSet<String>> {
    let mut labels: BTreeSet<String> = ["job".to_owned(), "instance".to_owned()].into();
    for job in jobs {
        let fields = job.as_object()?;
        if fields.keys().any(|key| key.ends_with("_sd_configs")) {
            return None;
        }
        for targets in job["static_configs"].as_array().into_iter().flatten() {
            labels.extend(targets["labels"].as_object().into_iter().flat_map(|map| map.keys().cloned()));
        }
        let relabelings = ["relabel_configs", "metric_relabel_configs"].map(|key| job[key].as_array());
        for relabeling in relabelings.into_iter().flatten().flatten() {
            if matches!(relabeling["action"].as_str(), Some("labelmap" | "labeldrop" | "labelkeep")) {
                return None;
            }
            labels.extend(relabeling["target_label"].as_str().map(str::to_owned));
        }
    }
    Some(labels)
}

/// Patterns under `rule_files` that match no file of the rendered tree.
fn empty_patterns(files: &FileSet) -> Vec<String> {
    let Some(config) = prometheus_config(files) else { return Vec::new() };
    let patterns = config["rule_files"].as_array().into_iter().flatten().map(text);
    let matches = |pattern: &str| {
        let full =
            if pattern.starts_with('/') { pattern.to_owned() } else { format!("{}/{pattern}", files.root) };
        // A pattern that Go refuses matches nothing either.
        Glob::parse(&full).is_ok_and(|glob| files.files.keys().any(|path| glob.matches(path)))
    };
    patterns.filter(|pattern| !matches(pattern)).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Whether some receiver of the rendered Alertmanager configuration has an integration; `None` when
/// there is no such configuration.
pub fn notifies_somebody(rendered: &RenderedStack) -> Option<bool> {
    let file = rendered.get(&ServiceKind::Alertmanager)?.files.get("/etc/alertmanager/alertmanager.yml")?;
    let config: Value = serde_yaml::from_str(std::str::from_utf8(file.bytes()).ok()?).ok()?;
    let integrates = |receiver: &Value| {
        receiver.as_object().into_iter().flatten().any(|(key, list)| {
            key.ends_with("_configs") && list.as_array().is_some_and(|list| !list.is_empty())
        })
    };
    Some(config["receivers"].as_array().into_iter().flatten().any(integrates))
}

/// How many of what was looked at, for the summary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    pub rule_files: usize,
    pub alerts: usize,
    pub recording_rules: usize,
    pub rule_tests: usize,
}

impl Counts {
    /// Counts what was gathered.
    pub fn of(facts: &Facts) -> Self {
        let mut counts = Self { rule_files: facts.rule_files.len(), ..Self::default() };
        for (_, rule) in facts.rule_files.iter().flat_map(RuleFile::rules) {
            if rule.is_alert() {
                counts.alerts += 1;
            } else {
                counts.recording_rules += 1;
            }
        }
        counts.rule_tests = facts.rule_tests.iter().map(|file| file.cases.len()).sum();
        counts
    }
}

/// The rules of a rendered tree by their path in the container: path → the name the user knows.
pub fn rule_paths(files: &ProjectFiles) -> BTreeMap<String, String> {
    files
        .rule_files()
        .map(|(name, file)| (format!("/etc/prometheus/rules/{name}"), file.shown_as.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn targets_with_a_job_of_their_own_hide_the_name_of_the_configuration() {
        let jobs = |text: &str| {
            let config: Value = serde_yaml::from_str(text).unwrap();
            job_labels(&config).into_iter().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(jobs("{job_name: a, static_configs: [{targets: [x]}]}"), "a");
        assert_eq!(jobs("{job_name: a-2, static_configs: [{targets: [x], labels: {job: a}}]}"), "a");
        assert_eq!(
            jobs("{job_name: b, static_configs: [{targets: [x], labels: {job: a}}, {targets: [y]}]}"),
            "a b"
        );
        assert_eq!(jobs("{job_name: b, file_sd_configs: [{files: [x]}]}"), "b");
    }

    #[test]
    fn service_discovery_and_label_maps_leave_the_labels_unknown() {
        let known = |text: &str| {
            let job: Value = serde_yaml::from_str(text).unwrap();
            target_labels(&[&job]).map(|labels| labels.into_iter().collect::<Vec<_>>().join(" "))
        };
        assert_eq!(known("static_configs: [{targets: [a], labels: {env: x}}]").unwrap(), "env instance job");
        assert_eq!(
            known("relabel_configs: [{source_labels: [a], target_label: zone}]").unwrap(),
            "instance job zone"
        );
        assert_eq!(known("file_sd_configs: [{files: [a]}]"), None);
        assert_eq!(known("relabel_configs: [{action: labelmap, regex: a}]"), None);
    }
}
