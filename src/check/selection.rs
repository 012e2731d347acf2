//! Files named on the command line, told apart by what they hold.

use std::collections::BTreeSet;

use super::alertmanager::AlertmanagerFile;
use super::contract::Contract;
use super::dashboard::Dashboard;
use super::facts::Facts;
use super::gather::owned;
use super::rule_file::RuleFile;
use super::rule_test::RuleTestFile;
use super::source::Source;
use crate::render::assets::{ProjectFile, is_yaml};

/// What a file is, judged by its ending and its top-level keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Rules,
    RuleTest,
    Alertmanager,
    Prometheus,
    Dashboard,
    /// An exposition: the contract to judge against.
    Contract,
    NotificationTemplate,
    /// Nothing that is judged.
    Other,
}

/// What a check is about.
#[derive(Clone, Debug)]
pub enum Scope {
    /// The whole project.
    Project,
    /// These files of the project: the project is checked, and what concerns them is told.
    Within(BTreeSet<String>),
    /// Files of anywhere, judged in the project's surroundings.
    Files(Selection),
}

impl Scope {
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
    pub fn new(files: Vec<ProjectFile>) -> Self {
        Self { files: files.into_iter().map(|file| (kind(&file), file)).collect() }
    }

    pub fn of(&self, kind: Kind) -> impl Iterator<Item = &ProjectFile> {
        self.files.iter().filter(move |(other, _)| *other == kind).map(|(_, file)| file)
    }

    /// Puts the selected files in the place of the project's.
    pub fn narrow(&self, facts: &mut Facts) {
        facts.whole_set = false;
        facts.empty_rule_patterns.clear();
        facts.rule_files = RuleFile::parse_all(&self.of(Kind::Rules).map(owned).collect::<Vec<_>>());
        facts.rule_tests = self
            .of(Kind::RuleTest)
            .map(|file| RuleTestFile::parse(file.shown_as.as_str(), file.text.as_str()))
            .collect();
        let mut contracts = self.of(Kind::Contract).map(|file| file.text.as_str()).peekable();
        if contracts.peek().is_some() {
            facts.contract = Some(Contract::parse(&contracts.collect::<Vec<_>>().join("\n")));
        }
        self.narrow_routing(facts);
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
        let dashboards = self.of(Kind::Dashboard);
        facts.dashboards =
            Some(dashboards.map(|file| Dashboard::read(file.shown_as.clone(), file.text.clone())).collect());
    }
}

/// YAML that cannot be told is taken for rules: their judge says what is wrong with it.
pub fn kind(file: &ProjectFile) -> Kind {
    let name = file.shown_as.rsplit('/').next().unwrap_or_default();
    if name.ends_with(".prom") {
        return Kind::Contract;
    }
    if name.ends_with(".tmpl") {
        return Kind::NotificationTemplate;
    }
    if name.ends_with(".json") {
        let keys = ["\"panels\"", "\"rows\"", "\"elements\""];
        return if keys.iter().any(|key| file.text.contains(key)) { Kind::Dashboard } else { Kind::Other };
    }
    if !is_yaml(name) || name == "confidexmon.yml" {
        return Kind::Other;
    }
    let has = |key: &str| has_key(&file.text, key);
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

/// A key of the outermost mapping, in block style or as a flow mapping's first key.
fn has_key(text: &str, key: &str) -> bool {
    text.lines().any(|line| {
        let line = line.strip_prefix('{').map_or(line, str::trim_start);
        let line = line.trim_start_matches(['"', '\'']);
        line.strip_prefix(key).is_some_and(|rest| rest.trim_start_matches(['"', '\'', ' ']).starts_with(':'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("x/backend.prom", "a 1\n", Kind::Contract),
            ("config/confidexmon.yml", "stack: a\n", Kind::Other),
            ("a.tmpl", "", Kind::NotificationTemplate),
            ("a.md", "groups:", Kind::Other),
        ];
        for (name, text, expected) in cases {
            let file = ProjectFile { shown_as: name.to_owned(), text: text.to_owned() };
            assert_eq!(kind(&file), expected, "{name}: {text}");
        }
    }
}
