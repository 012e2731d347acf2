//! Files named on the command line, told apart by what they hold.

use std::collections::BTreeSet;

use crate::analysis::contract::Contract;
use crate::analysis::facts::{Facts, ServiceFile};
use crate::check::custom_resource;
use crate::check::foreign_files;
use crate::check::gather::{forget_jobs, named, speaks_of_built_in};
use crate::formats::alertmanager::AlertmanagerFile;
use crate::formats::dashboard::Dashboard;
use crate::formats::rule_file::RuleFile;
use crate::formats::rule_test::RuleTestFile;
use crate::formats::yaml::node;
use crate::formats::yaml::source::Source;
use crate::model::ServiceKind;
use crate::render::assets::{ProjectFile, is_yaml};

/// What a file is, told by its ending and its top-level keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Rules,
    RuleTest,
    Alertmanager,
    Prometheus,
    Dashboard,
    /// An exposition: the contract to check against.
    Contract,
    NotificationTemplate,
    /// Nothing that is checked.
    Other,
}

/// What a check is about.
#[derive(Clone, Debug)]
pub enum Scope {
    /// The whole project.
    Project,
    /// These files of the project: the project is checked, and what concerns them is told.
    Within(BTreeSet<String>),
    /// Files of anywhere, checked in the project's surroundings.
    Files(Selection),
}

impl Scope {
    /// The files, when files were named.
    pub const fn selection(&self) -> Option<&Selection> {
        match self {
            Self::Files(selection) => Some(selection),
            Self::Project | Self::Within(_) => None,
        }
    }

    /// True when a finding about this file was asked for.
    pub fn covers(&self, path: &str) -> bool {
        match self {
            Self::Project => true,
            Self::Within(names) => names.contains(path),
            Self::Files(selection) => selection.files.iter().any(|(_, file)| file.shown_as == path),
        }
    }
}

/// The files by kind.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    pub files: Vec<(Kind, ProjectFile)>,
}

impl Selection {
    /// Sorts files by what they are.
    pub fn new(files: Vec<ProjectFile>) -> Self {
        let told = |file: ProjectFile| {
            let rules = custom_resource::rule_files(&file.text);
            if rules.is_empty() || !is_yaml(&file.shown_as) {
                return vec![(kind(&file), file)];
            }
            let named = |text| ProjectFile { shown_as: file.shown_as.clone(), text, origin: file.origin };
            rules.into_iter().map(|text| (Kind::Rules, named(text))).collect()
        };
        Self { files: files.into_iter().flat_map(told).collect() }
    }

    /// True when one of the files holds something that can be checked.
    pub fn holds_anything(&self) -> bool {
        let checked = |kind| !matches!(kind, Kind::Other | Kind::Contract | Kind::Prometheus);
        self.files.iter().any(|(kind, _)| checked(*kind))
    }

    /// The files of one kind.
    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &ProjectFile> {
        self.files.iter().filter(move |(other, _)| *other == kind).map(|(_, file)| file)
    }

    /// Puts the selected files in the place of the project's.
    pub fn narrow(&self, facts: &mut Facts) {
        facts.is_complete_rule_set = false;
        facts.empty_rule_patterns.clear();
        facts.rule_files = RuleFile::parse_all(&self.of(Kind::Rules).map(named).collect::<Vec<_>>());
        facts.rule_tests = self
            .of(Kind::RuleTest)
            .map(|file| RuleTestFile::parse(file.shown_as.as_str(), file.text.as_str()))
            .collect();
        let mut contracts = self.of(Kind::Contract).map(|file| file.text.as_str()).peekable();
        if contracts.peek().is_some() {
            facts.contract = Some(Contract::parse(&contracts.collect::<Vec<_>>().join("\n")));
        } else if facts.contract_is_built_in
            && !self.files.iter().any(|(_, file)| speaks_of_built_in(&file.text))
        {
            facts.contract = None;
            forget_jobs(facts);
        }
        self.narrow_routing(facts);
        // Without a contract of the user's own nothing is known to be made for this backend.
        let nobodys = facts.contract.is_none() && facts.contract_is_built_in;
        facts.foreign_files = if nobodys { all_paths(facts) } else { foreign_files::files(facts) };
    }

    /// A named Alertmanager configuration takes the place of the project's; which files it will find
    /// beside it is not known.
    fn narrow_routing(&self, facts: &mut Facts) {
        let source = |file: &ProjectFile| Source::new(file.shown_as.clone(), file.text.clone());
        let messages: Vec<_> = self.of(Kind::NotificationTemplate).map(source).collect();
        let named = self.of(Kind::Alertmanager);
        let named: Vec<_> =
            named.map(|file| AlertmanagerFile::read(file.shown_as.clone(), file.text.clone())).collect();
        if !named.is_empty() {
            facts.alertmanagers = named;
            facts.alertmanager_paths = None;
            // One that names no templates has none but Alertmanager's own.
            let all =
                !messages.is_empty() || facts.alertmanagers.iter().all(|file| file.templates.is_empty());
            facts.notification_templates = all.then_some(messages);
        }
        let prometheus = self.of(Kind::Prometheus);
        facts.service_files =
            prometheus.map(|file| ServiceFile::new(ServiceKind::Prometheus, source(file), None)).collect();
        let dashboards = self.of(Kind::Dashboard);
        facts.dashboards =
            Some(dashboards.map(|file| Dashboard::read(file.shown_as.clone(), file.text.clone())).collect());
    }
}

fn all_paths(facts: &Facts) -> BTreeSet<String> {
    let rules = facts.rule_files.iter().map(|file| file.source.path.clone());
    let dashboards = facts.dashboards.iter().flatten().map(|dashboard| dashboard.source.path.clone());
    rules.chain(dashboards).collect()
}

/// YAML that has no known shape is taken for rules: promtool says what is wrong with it.
pub fn kind(file: &ProjectFile) -> Kind {
    let name = file.shown_as.rsplit('/').next().unwrap_or_default();
    if name.ends_with(".prom") {
        return Kind::Contract;
    }
    if name.ends_with(".tmpl") {
        return Kind::NotificationTemplate;
    }
    let is_json = name.ends_with(".json");
    if is_json && ["\"panels\"", "\"rows\"", "\"elements\""].iter().any(|key| file.text.contains(key)) {
        return Kind::Dashboard;
    }
    if !(is_yaml(name) || is_json) || name == "confidexmon.yml" {
        return Kind::Other;
    }
    // In a flow mapping, as JSON is one, keys do not stand at the beginning of a line.
    let flow = file.text.trim_start().starts_with('{').then(|| {
        let source = Source::new(name, file.text.clone());
        node::parse(&source).unwrap_or(node::Node::Null)
    });
    let has = |key: &str| match &flow {
        Some(tree) => tree.get(key).is_some(),
        None => has_key(&file.text, key),
    };
    if is_json && !["groups", "route", "tests"].into_iter().any(has) {
        return Kind::Other;
    }
    if has("tests") {
        Kind::RuleTest
    } else if has("route") || has("receivers") || has("inhibit_rules") {
        Kind::Alertmanager
    } else if has("scrape_configs") || has("scrape_config_files") || (has("rule_files") && !has("groups")) {
        Kind::Prometheus
    } else if has("services") && !has("groups") {
        // A compose file.
        Kind::Other
    } else if has("apiVersion") || has("providers") || has("datasources") {
        Kind::Other
    } else {
        Kind::Rules
    }
}

/// A key of the outermost mapping, in block style.
fn has_key(text: &str, key: &str) -> bool {
    text.lines().any(|line| {
        let line = line.trim_start_matches(['"', '\'']);
        line.strip_prefix(key).is_some_and(|rest| rest.trim_start_matches(['"', '\'', ' ']).starts_with(':'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Severity;

    #[test]
    fn files_are_told_apart_by_what_they_hold() {
        let cases = [
            ("a.yml", "groups:\n- name: x\n", Kind::Rules),
            ("a.yml", "rule_files: [a.yml]\ntests: []\n", Kind::RuleTest),
            ("a.yaml", "route:\n  receiver: x\n", Kind::Alertmanager),
            ("a.yml", "global: {}\nscrape_configs: []\n", Kind::Prometheus),
            ("a.yml", "{\"groups\": []}", Kind::Rules),
            ("a.yml", "a: [b\n", Kind::Rules),
            ("docker-compose.yml", "services:\n  a: {}\n", Kind::Other),
            ("a.json", "{\"panels\": []}", Kind::Dashboard),
            ("a.json", "{\"x\": 1,\n \"groups\": []}", Kind::Rules),
            ("a.json", "{\"global\": {}, \"route\": {}}", Kind::Alertmanager),
            ("a.json", "{\"name\": \"x\"}", Kind::Other),
            ("a.yml", "{global: {}, route: {receiver: a}}", Kind::Alertmanager),
            ("x/backend.prom", "a 1\n", Kind::Contract),
            ("config/confidexmon.yml", "stack: a\n", Kind::Other),
            ("a.tmpl", "", Kind::NotificationTemplate),
            ("a.md", "groups:", Kind::Other),
        ];
        for (name, text, expected) in cases {
            let file = ProjectFile::user(name, text);
            assert_eq!(kind(&file), expected, "{name}: {text}");
        }
    }

    fn file(name: &str, text: &str) -> ProjectFile {
        ProjectFile::user(name, text)
    }

    fn alerts(exprs: &[&str]) -> String {
        let rules = exprs
            .iter()
            .map(|expr| format!("  - alert: A\n    expr: {expr}\n    annotations: {{summary: s}}\n"));
        format!("groups:\n- name: g\n  rules:\n{}", rules.collect::<String>())
    }

    fn found(files: Vec<ProjectFile>) -> Vec<(&'static str, Severity, usize)> {
        let mut facts = Facts {
            contract: Some(Contract::parse("# TYPE shop_up gauge\nshop_up 1\n")),
            jobs: Some(["shop", "prometheus"].map(str::to_owned).into()),
            backend_jobs: ["shop".to_owned()].into(),
            runbooks: Some(BTreeSet::new()),
            ..Facts::default()
        };
        Selection::new(files).narrow(&mut facts);
        crate::check::run(&facts)
            .into_iter()
            .map(|found| (found.id, found.severity, found.place.line))
            .collect()
    }

    #[test]
    fn rules_for_other_software_are_not_held_against_the_contract() {
        let kafka = ["kafka_lag > 5", "kafka_brokers{job=\"kafka\"} < 3"];
        assert_eq!(
            found(vec![file("kafka.yml", &alerts(&kafka))]),
            [("missing-annotation", Severity::Info, 4), ("unknown-metric", Severity::Info, 5)]
        );
        // One that is about the backend as well is checked as a whole.
        let ids = |exprs: &[&str]| -> Vec<_> {
            let found = found(vec![file("a.yml", &alerts(exprs))]);
            found.into_iter().filter(|(id, ..)| *id != "missing-annotation").collect()
        };
        assert_eq!(
            ids(&["kafka_lag > 5", "kafka_brokers{job=\"kafka\"} < 3", "shop_up == 0"]),
            [("unknown-metric", Severity::Warning, 5), ("unknown-job", Severity::Bug, 8),]
        );
        assert_eq!(ids(&["up{job=\"kafka\"} == 0"]), [("unknown-job", Severity::Bug, 5)]);
        let panel = |expr: &str| {
            let text = format!(
                "{{\"title\": \"T\", \"panels\": [{{\"type\": \"table\", \"targets\": [{{\"expr\": \"{expr}\"}}]}}]}}"
            );
            found(vec![file("d.json", &text)])
        };
        assert_eq!(panel("kafka_lag"), []);
        assert_eq!(panel("shop_upp"), [("panel-metric", Severity::Bug, 1)]);
    }

    #[test]
    fn what_holds_nothing_to_check_is_known() {
        let holds = |name, text| Selection::new(vec![file(name, text)]).holds_anything();
        assert!(holds("a.yml", "groups: []\n"));
        assert!(holds("a.yml", "kind: PrometheusRule\nspec:\n  groups: []\n"));
        assert!(!holds("a.yml", "apiVersion: v1\nkind: Service\n"));
        assert!(!holds("a.prom", "a 1\n"));
    }
}
