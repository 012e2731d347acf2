//! What the official validators are asked in a `check`, and what their answers mean.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use crate::apply::oneshot::{OneShot, Outcome};
use crate::apply::validators::{self, Validators};
use crate::check::gather;
use crate::check::selection::{Kind, Scope, Selection};
use crate::check::validators::rendered::Rendered;
use crate::check::validators::{amtool, messages, promtool};
use crate::check::{Facts, Finding};
use crate::engine::Engine;
use crate::error::{Error, ExitCode};
use crate::formats::rule_file::RuleFile;
use crate::model::{RenderedFile, ServiceKind};
use crate::render::{ProjectFiles, RenderedStack};
use crate::settings::Settings;

const PROMETHEUS_CONFIG: &str = "/etc/prometheus/prometheus.yml";
const ALERTMANAGER_CONFIG: &str = "/etc/alertmanager/alertmanager.yml";

/// What a job's answer is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValidationTarget {
    /// The whole rendered tree of Prometheus.
    Prometheus,
    /// Rule files that were named, by their path in the container.
    Rules(BTreeMap<String, String>),
    /// The rendered tree of Alertmanager.
    Alertmanager,
    /// An Alertmanager configuration that was named.
    NamedAlertmanager(String),
    /// The texts of receivers, rendered.
    Messages(messages::Rendering),
}

/// Each validator run with what it is about.
pub type Jobs = Vec<(ValidationTarget, OneShot)>;

/// What the validators said, or why they said nothing.
#[derive(Debug)]
pub struct ValidationReport {
    answers: Vec<(ValidationTarget, Outcome)>,
    not_run: Option<String>,
}

impl ValidationReport {
    /// Nothing was validated, and why.
    pub const fn not_run(reason: String) -> Self {
        Self { answers: Vec::new(), not_run: Some(reason) }
    }

    /// What the tool of one service printed about its whole tree.
    pub fn of_tree(service: ServiceKind, outcome: Outcome) -> Self {
        let target = match service {
            ServiceKind::Prometheus => ValidationTarget::Prometheus,
            _ => ValidationTarget::Alertmanager,
        };
        Self { answers: vec![(target, outcome)], not_run: None }
    }

    /// True when promtool has seen the rule files.
    pub fn rules_validated(&self) -> bool {
        self.answers
            .iter()
            .any(|(subject, _)| matches!(subject, ValidationTarget::Prometheus | ValidationTarget::Rules(_)))
    }

    /// Why some or all of them were not asked.
    pub fn into_not_run(self) -> Option<String> {
        self.not_run
    }
}

/// What is checked, as it was gathered.
#[derive(Clone, Copy, Debug)]
pub struct ValidationInput<'a> {
    pub settings: &'a Settings,
    pub files: &'a ProjectFiles,
    pub rendered: &'a RenderedStack,
    pub scope: &'a Scope,
    pub facts: &'a Facts,
}

/// True when there is something that a tool could validate.
pub fn is_wanted(subjects: &ValidationInput<'_>) -> bool {
    let ValidationInput { rendered, scope, facts, .. } = *subjects;
    let Some(selection) = scope.selection() else {
        return [ServiceKind::Prometheus, ServiceKind::Alertmanager]
            .iter()
            .any(|one| rendered.contains_key(one));
    };
    !facts.rule_files.is_empty()
        || selection.of(Kind::Alertmanager).next().is_some()
        || asks_for_messages(selection) && messages::rendering(facts).is_some()
}

/// The project's own messages are none of what was named.
fn asks_for_messages(selection: &Selection) -> bool {
    let of_messages = [Kind::Alertmanager, Kind::NotificationTemplate];
    of_messages.into_iter().any(|kind| selection.of(kind).next().is_some())
}

/// One job for each tool and thing to validate; they run side by side.
fn jobs(subjects: &ValidationInput<'_>) -> Jobs {
    let ValidationInput { settings, rendered, scope, facts, .. } = *subjects;
    let add = |subject, service, command: &[&str], files| {
        validators::job(settings, service, command, files).map(|job| (subject, job))
    };
    let Some(selection) = scope.selection() else {
        let of = |service| rendered.get(&service).map(validators::without_secrets);
        let config = of(ServiceKind::Prometheus).and_then(|files| {
            let command = validators::whole_tree(ServiceKind::Prometheus)?;
            add(ValidationTarget::Prometheus, ServiceKind::Prometheus, command, files)
        });
        let routing = of(ServiceKind::Alertmanager).and_then(|files| {
            let command = validators::whole_tree(ServiceKind::Alertmanager)?;
            add(ValidationTarget::Alertmanager, ServiceKind::Alertmanager, command, files)
        });
        return config.into_iter().chain(routing).chain(rendering(settings, facts)).collect();
    };
    let named = selection.of(Kind::Alertmanager).filter_map(|file| {
        let files = vec![RenderedFile::plain("/validator/alertmanager.yml", file.text.as_str())];
        let command = ["amtool", "check-config", "/validator/alertmanager.yml"];
        let subject = ValidationTarget::NamedAlertmanager(file.shown_as.clone());
        add(subject, ServiceKind::Alertmanager, &command, files)
    });
    let messages = if asks_for_messages(selection) { rendering(settings, facts) } else { None };
    rules_job(settings, facts).into_iter().chain(named).chain(messages).collect()
}

/// Every text of every receiver, rendered by amtool.
fn rendering(settings: &Settings, facts: &Facts) -> Option<(ValidationTarget, OneShot)> {
    let mut rendering = messages::rendering(facts)?;
    let files = std::mem::take(&mut rendering.files);
    let job = validators::job(settings, ServiceKind::Alertmanager, &messages::COMMAND, files)?;
    Some((ValidationTarget::Messages(rendering), job))
}

/// The rule files alone.
fn rules_job(settings: &Settings, facts: &Facts) -> Option<(ValidationTarget, OneShot)> {
    if facts.rule_files.is_empty() {
        return None;
    }
    let mut paths = BTreeMap::new();
    let mut files = Vec::new();
    for (at, file) in facts.rule_files.iter().enumerate() {
        let path = format!("/validator/{at}.yml");
        files.push(RenderedFile::plain(path.as_str(), file.source.text.as_str()));
        paths.insert(path, file.source.path.clone());
    }
    let mut command = vec!["promtool", "check", "rules", "--lint=none"];
    command.extend(paths.keys().map(String::as_str));
    let job = validators::job(settings, ServiceKind::Prometheus, &command, files)?;
    Some((ValidationTarget::Rules(paths), job))
}

/// Runs all jobs. A job that cannot be run takes away the claim that the validators have spoken.
pub async fn run<E: Engine>(
    validators: &Validators<'_, E>,
    subjects: &ValidationInput<'_>,
) -> Result<ValidationReport, Error> {
    let mut report = run_jobs(validators, jobs(subjects)).await?;
    // promtool does not look at the rules of a configuration that it refuses.
    let unseen = report.answers.iter().any(|(subject, outcome)| {
        let looked = outcome.stdout.contains("/etc/prometheus/rules/");
        *subject == ValidationTarget::Prometheus && outcome.exit_code != 0 && !looked
    });
    if unseen && let Some(job) = rules_job(subjects.settings, subjects.facts) {
        let more = run_jobs(validators, vec![job]).await?;
        report.answers.extend(more.answers);
        report.not_run = report.not_run.or(more.not_run);
    }
    Ok(report)
}

async fn run_jobs<E: Engine>(validators: &Validators<'_, E>, jobs: Jobs) -> Result<ValidationReport, Error> {
    let runs = jobs.iter().map(|(_, job)| validators.run(job));
    let results = join_all(runs).await;
    let mut report = ValidationReport { answers: Vec::new(), not_run: None };
    for ((subject, job), result) in jobs.into_iter().zip(results) {
        match result {
            Ok(outcome) => report.answers.push((subject, outcome)),
            Err(error) if error.code == ExitCode::Interrupted => return Err(error),
            Err(error) => {
                let tool = job.command.first().map_or("", String::as_str);
                report.not_run = Some(format!("{tool}: {}", reason(&error)));
            }
        }
    }
    Ok(report)
}

/// An error as one line.
pub fn reason(error: &Error) -> String {
    std::iter::once(error.message.as_str())
        .chain(error.causes.iter().map(String::as_str))
        .collect::<Vec<_>>()
        .join(": ")
}

/// The validators' words as findings at the user's files.
pub fn findings(report: &ValidationReport, subjects: &ValidationInput<'_>) -> Vec<Finding> {
    let ValidationInput { files, scope, facts, .. } = *subjects;
    let selection = scope.selection();
    let named = |name: &str| facts.rule_files.iter().find(|file| file.source.path == name);
    let by_path = |paths: &BTreeMap<String, String>| -> BTreeMap<String, &RuleFile> {
        paths.iter().filter_map(|(path, name)| Some((path.clone(), named(name)?))).collect()
    };
    let mut found = Vec::new();
    for (subject, Outcome { exit_code, stdout, stderr, .. }) in &report.answers {
        found.extend(match subject {
            ValidationTarget::Prometheus => {
                let checked = promtool::Validated {
                    rules: by_path(&gather::rule_paths(files)),
                    config: of_template(subjects, ServiceKind::Prometheus, PROMETHEUS_CONFIG),
                };
                promtool::findings(&checked, *exit_code, stdout, stderr)
            }
            ValidationTarget::Rules(paths) => {
                let checked = promtool::Validated { rules: by_path(paths), config: None };
                promtool::findings(&checked, *exit_code, stdout, stderr)
            }
            ValidationTarget::Alertmanager => {
                match of_template(subjects, ServiceKind::Alertmanager, ALERTMANAGER_CONFIG) {
                    Some(config) => amtool::findings(&config, &templates(files), *exit_code, stdout, stderr),
                    None => Vec::new(),
                }
            }
            ValidationTarget::Messages(asked) => messages::findings(asked, stdout),
            ValidationTarget::NamedAlertmanager(name) => {
                let file = selection.and_then(|all| all.of(Kind::Alertmanager).find(|f| f.shown_as == *name));
                let config = file.map(|file| Rendered::plain(&file.shown_as, &file.text));
                config.map_or_else(Vec::new, |config| {
                    amtool::findings(&config, &Vec::new(), *exit_code, stdout, stderr)
                })
            }
        });
    }
    found
}

/// A rendered configuration beside the template it came from.
fn of_template<'a>(subjects: &ValidationInput<'a>, service: ServiceKind, path: &str) -> Option<Rendered<'a>> {
    let text = std::str::from_utf8(subjects.rendered.get(&service)?.files.get(path)?.bytes()).ok()?;
    let name = path.rsplit('/').next().unwrap_or(path);
    let template = subjects.files.config.get(&format!("templates/{name}"))?;
    Some(Rendered { shown_as: &template.shown_as, template: &template.text, text })
}

/// The notification templates by the names that amtool shows.
fn templates(files: &ProjectFiles) -> amtool::Templates<'_> {
    files
        .notification_templates()
        .map(|(name, file)| (name, Rendered::plain(&file.shown_as, &file.text)))
        .collect()
}
