//! The facts of the shipped project, for tests: what the binary carries, rendered with some settings.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::alertmanager::AlertmanagerFile;
use super::contract::Contract;
use super::facts::Facts;
use super::rule_file::RuleFile;
use super::rule_test::RuleTestFile;
use super::source::Source;
use crate::model::ServiceKind;
use crate::render::assets::ProjectFiles;
use crate::render::render_stack;
use crate::settings::{FlagOverrides, Sources, resolve};

/// With Slack for both, and PagerDuty.
pub(crate) const ALL_RECEIVERS: [(&str, &str); 3] = [
    ("SLACK_WEBHOOK_URL", "https://hooks.slack.test/a"),
    ("SLACK_WEBHOOK_CRITICAL", "https://hooks.slack.test/b"),
    ("PAGERDUTY_SERVICE_KEY", "0123456789abcdef0123456789abcdef"),
];

pub(crate) fn facts(variables: &[(&str, &str)]) -> Facts {
    let project = ProjectFiles::embedded();
    let environment: BTreeMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let file = &project.config["confidexmon.yml"];
    let sources = Sources {
        settings_file: Some((&file.shown_as, &file.text)),
        dotenv: None,
        environment: &environment,
        flags: &FlagOverrides::default(),
    };
    let (settings, problems) = resolve(&sources);
    let settings = settings.unwrap_or_else(|| panic!("{problems:?}"));
    let stack = render_stack(&settings, &project).unwrap();
    let files = &stack[&ServiceKind::Alertmanager].files;
    let text = |path: &str| String::from_utf8(files[path].bytes().to_vec()).unwrap();
    let template = &project.config["templates/alertmanager.yml"];
    let template = Source::new(template.shown_as.clone(), template.text.clone());
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let backend_jobs: BTreeSet<String> = settings.targets.iter().map(|target| target.job.clone()).collect();
    let mut jobs = set(&["prometheus", "alertmanager", "grafana"]);
    jobs.extend(backend_jobs.clone());
    Facts {
        rule_files: project
            .rule_files()
            .map(|(_, file)| RuleFile::parse(file.shown_as.clone(), file.text.clone()))
            .collect(),
        whole_set: true,
        rule_tests: project
            .rule_tests()
            .map(|(_, file)| RuleTestFile::parse(&file.shown_as, file.text.clone()))
            .collect(),
        contract: Some(Contract::parse(&project.config["backend.prom"].text)),
        scrape_interval: Some(Duration::from_secs(15)),
        jobs: Some(jobs),
        backend_jobs,
        target_labels: Some(set(&["job", "instance"])),
        runbooks: Some(project.runbooks().map(|(name, _)| name.to_owned()).collect()),
        alertmanager: Some(AlertmanagerFile::rendered(text("/etc/alertmanager/alertmanager.yml"), template)),
        alertmanager_paths: Some(files.keys().cloned().collect()),
        notification_templates: Some(
            files
                .keys()
                .filter(|path| path.ends_with(".tmpl"))
                .map(|path| Source::new(path.clone(), text(path)))
                .collect(),
        ),
        ..Facts::default()
    }
}
