//! Everything that `check` looks at, gathered before.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::analysis::contract::Contract;
use crate::formats::alertmanager::AlertmanagerFile;
use crate::formats::dashboard::Dashboard;
use crate::formats::rule_file::RuleFile;
use crate::formats::rule_test::RuleTestFile;
use crate::formats::yaml::node::{self, Node};
use crate::formats::yaml::source::Source;
use crate::model::ServiceKind;

/// What is `None` is not known, and lints that need it say nothing.
#[derive(Debug, Default)]
pub struct Facts {
    pub rule_files: Vec<RuleFile>,
    /// The rule files are all that Prometheus loads, so what they lack is missing.
    pub is_complete_rule_set: bool,
    /// Patterns or folders of rules that matched no file, as the user wrote them.
    pub empty_rule_patterns: Vec<String>,
    /// Files under `rules/` that hold rules and are not among those that Prometheus gets.
    pub unread_rule_files: Vec<RuleFile>,
    pub rule_tests: Vec<RuleTestFile>,
    pub contract: Option<Contract>,
    /// The contract, and the jobs with it, are those that the program brings along: no measure for what a
    /// user names.
    pub contract_is_built_in: bool,
    /// Named files whose metrics are those of other software: the contract is not about them.
    pub foreign_files: BTreeSet<String>,
    /// The scrape interval of the backend's job.
    pub scrape_interval: Option<Duration>,
    /// How far in the past rules are evaluated, where their group does not say so itself.
    pub rule_query_offset: Option<Duration>,
    /// As they reach Alertmanager.
    pub external_labels: BTreeMap<String, String>,
    /// The settings file, where jobs are named.
    pub settings_file: Option<Source>,
    /// Every scrape job.
    pub jobs: Option<BTreeSet<String>>,
    /// The jobs that the contract describes.
    pub backend_jobs: BTreeSet<String>,
    /// Labels that scrape targets add, `job` and `instance` included.
    pub target_labels: Option<BTreeSet<String>>,
    /// Names of the pages under `rules/runbooks`, without `.md`.
    pub runbooks: Option<BTreeSet<String>>,
    /// `AlertmanagerFile::read` for a user's own file, `AlertmanagerFile::rendered` for a template's
    /// output. A stack has one; files that were named may be more, and each is checked by itself.
    pub alertmanagers: Vec<AlertmanagerFile>,
    /// The configuration of Prometheus and the datasources of Grafana, as they are rendered or were named.
    pub service_files: Vec<ServiceFile>,
    /// Every file in Alertmanager's container that the stack puts there, secrets included: absolute paths.
    pub alertmanager_paths: Option<BTreeSet<String>>,
    /// The notification templates, rendered where they are templates of ours.
    pub notification_templates: Option<Vec<Source>>,
    /// Every dashboard of the project, by `Dashboard::read`.
    pub dashboards: Option<Vec<Dashboard>>,
    /// The datasources that Grafana is given, by their uids.
    pub datasources: Option<BTreeMap<String, Datasource>>,
}

/// A configuration file of a service.
#[derive(Debug)]
pub struct ServiceFile {
    pub service: ServiceKind,
    /// What the service gets; `path` is the file that the user edits.
    pub source: Source,
    /// The user's template, when `source` was rendered from one.
    pub template: Option<Source>,
    pub tree: Node,
}

impl ServiceFile {
    /// One that cannot be read holds nothing.
    pub fn new(service: ServiceKind, source: Source, template: Option<Source>) -> Self {
        let tree = node::parse(&source).unwrap_or(Node::Null);
        Self { service, source, template, tree }
    }
}

/// A datasource of Grafana.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datasource {
    pub name: String,
    /// `prometheus`, `alertmanager`…
    pub kind: String,
}
