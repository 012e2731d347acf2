//! promtool's part: does it accept the rules, do the unit tests pass, what fires in a scenario.
//!
//! It runs in a container of its own that lives for the whole drill, without a network.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream;

use super::sandbox::{Sandbox, Scratch, Wanted};
use super::{Attempt, Drill};
use crate::drill::backfill;
use crate::drill::forecast::{self, Question};
use crate::drill::intake::Target;
use crate::drill::scenario;
use crate::engine::{Engine, ExecOutput};
use crate::error::Error;
use crate::formats::scrape_config::static_targets;
use crate::model::ServiceKind;

/// promtool runs at once; each keeps one core busy.
const AT_ONCE: usize = 2;
/// Where the project's `rules/` lies in the container.
const RULES: &str = "/etc/prometheus/project";
/// The most scenarios of one alert that are tried before it is said not to fire.
const CANDIDATES: usize = 3;

pub(super) struct Validator<'a, E> {
    sandbox: &'a Sandbox<'a, E>,
    drill: &'a Drill<'a>,
    container: Scratch,
}

impl<'a, E: Engine> Validator<'a, E> {
    pub(super) async fn start(sandbox: &'a Sandbox<'a, E>, drill: &'a Drill<'a>) -> Result<Self, Error> {
        let mut files: Vec<(String, String)> =
            drill.rule_texts.iter().map(|(path, text)| (format!("project/{path}"), text.clone())).collect();
        files.push(("idle.yml".to_owned(), "{}".to_owned()));
        let command = super::process::idle_prometheus();
        let wanted = Wanted {
            service: ServiceKind::Prometheus,
            part: "validator",
            command,
            ports: Vec::new(),
            networked: false,
            files,
        };
        Ok(Self { sandbox, drill, container: sandbox.container(wanted).await? })
    }

    async fn promtool(&self, arguments: &[&str]) -> Result<ExecOutput, Error> {
        let command: Vec<String> =
            std::iter::once("promtool").chain(arguments.iter().copied()).map(str::to_owned).collect();
        let session = self.sandbox.session;
        tokio::select! {
            output = session.engine.exec(&self.container.name, &command, None) => Ok(output?),
            () = session.cancel.cancelled() => self.sandbox.go_on().map(|()| ExecOutput::default()),
        }
    }

    /// Rule file → why promtool refuses it.
    pub(super) async fn check_rules(&self) -> Result<BTreeMap<String, String>, Error> {
        let paths: Vec<String> =
            self.drill.rule_files.iter().map(|(path, _)| format!("{RULES}/{path}")).collect();
        let mut arguments = vec!["check", "rules"];
        arguments.extend(paths.iter().map(String::as_str));
        if paths.is_empty() || self.promtool(&arguments).await?.exit_code == 0 {
            return Ok(BTreeMap::new());
        }
        let mut refused = BTreeMap::new();
        for (path, _) in &self.drill.rule_files {
            let output = self.promtool(&["check", "rules", &format!("{RULES}/{path}")]).await?;
            if output.exit_code != 0 {
                refused.insert(path.clone(), words(&output));
            }
        }
        Ok(refused)
    }

    /// Test file → promtool's words about what failed. Only files that name an alert of the drill.
    pub(super) async fn unit_tests(&self) -> Result<BTreeMap<String, String>, Error> {
        let concerned = self.drill.test_files.iter().filter(|file| {
            file.cases.iter().any(|case| self.drill.alerts.contains(&case.alert)) || file.problem.is_some()
        });
        let runs = concerned.map(|file| async move {
            let path = format!("{RULES}/{}", file.path);
            let mut arguments = vec!["test", "rules"];
            let only = self.only_ours(file);
            if let Some(pattern) = &only {
                arguments.extend(["--run", pattern]);
            }
            arguments.push(&path);
            let output = self.promtool(&arguments).await?;
            let failed = if output.exit_code == 0 { String::new() } else { words(&output) };
            Ok::<_, Error>((file.path.clone(), failed))
        });
        let results: Vec<_> =
            stream::iter(runs.collect::<Vec<_>>()).buffer_unordered(AT_ONCE).collect().await;
        results.into_iter().collect()
    }

    /// A pattern for the names of the tests that name an alert of the drill, when that saves something.
    fn only_ours(&self, file: &scenario::TestFile) -> Option<String> {
        let ours = |case: &scenario::Case| self.drill.alerts.contains(&case.alert);
        let names: BTreeSet<&str> =
            file.cases.iter().filter(|case| ours(case)).map(|case| case.test.as_str()).collect();
        let all = file.cases.iter().all(ours) || file.problem.is_some() || names.contains("");
        let pattern: Vec<String> = names.into_iter().map(regex::escape).collect();
        (!all).then(|| format!("^({})$", pattern.join("|")))
    }

    /// The scenario to drill for every alert that has one: the first in which promtool sees it fire,
    /// with the other targets up if it still fires then. With `tried`, another one for those alerts.
    pub(super) async fn attempts(&self, valid: &[String], tried: &[Attempt]) -> Result<Vec<Attempt>, Error> {
        let config =
            super::rendered(self.sandbox.desired, ServiceKind::Prometheus, "/etc/prometheus/prometheus.yml")?;
        let scraped: Vec<(String, String)> = static_targets(&config)
            .iter()
            .map(|target| (target.job.to_owned(), target.address.to_owned()))
            .collect();
        let mut open: Vec<(&Target, Vec<Attempt>)> = Vec::new();
        let is_due = |target: &&Target| {
            let asked = self.drill.alerts.contains(&target.alert);
            asked && (tried.is_empty() || tried.iter().any(|attempt| attempt.target == **target))
        };
        for target in self.drill.targets.iter().filter(is_due) {
            let found =
                scenario::firing(&self.drill.test_files, &target.alert, |labels| target.is_in(labels));
            let is_new = |(file, case): &(&scenario::TestFile, &scenario::Case)| {
                let same = |old: &&Attempt| old.file == file.path && old.case.index == case.index;
                !tried.iter().filter(|old| old.target == *target).any(|old| same(&old))
            };
            let candidates = found.into_iter().filter(is_new).take(CANDIDATES).flat_map(|(file, case)| {
                let attempt = |input| Attempt {
                    target: target.clone(),
                    file: file.path.clone(),
                    case: case.clone(),
                    input,
                    forecast: None,
                };
                [attempt(backfill::with_background(&case.input, &scraped)), attempt(case.input.clone())]
            });
            let mut candidates: Vec<Attempt> = candidates.collect();
            candidates.reverse();
            if !candidates.is_empty() {
                open.push((target, candidates));
            }
        }
        let mut chosen = Vec::new();
        while !open.is_empty() {
            let round: Vec<Attempt> =
                open.iter_mut().filter_map(|(_, candidates)| candidates.pop()).collect();
            for attempt in self.forecasts(valid, round).await? {
                // What promtool did not answer is tried as it is; the last one even if it says no.
                let fires =
                    attempt.forecast.as_ref().is_none_or(|names| names.contains(&attempt.target.alert));
                let last = open.iter().all(|(target, rest)| **target != attempt.target || rest.is_empty());
                if fires || last {
                    open.retain(|(target, _)| **target != attempt.target);
                    chosen.push(attempt);
                }
            }
        }
        Ok(chosen)
    }

    async fn forecasts(&self, valid: &[String], mut round: Vec<Attempt>) -> Result<Vec<Attempt>, Error> {
        let rule_files: Vec<String> = valid.iter().map(|path| format!("{RULES}/{path}")).collect();
        let mut by_interval: BTreeMap<Duration, Vec<Question>> = BTreeMap::new();
        for (id, attempt) in round.iter().enumerate() {
            let question = Question { id, input: attempt.input.clone(), at: attempt.case.at };
            by_interval.entry(attempt.input.evaluation_interval).or_default().push(question);
        }
        let mut files = Vec::new();
        for (interval, questions) in by_interval {
            for part in questions.chunks(questions.len().div_ceil(AT_ONCE).max(1)) {
                let path = format!("forecast/{}-{}.yml", round.len(), files.len());
                files.push((path, forecast::file(&rule_files, interval, part)));
            }
        }
        self.sandbox.upload(&self.container.name, "/etc/prometheus", &files).await?;
        let runs = files.iter().map(|(path, _)| async move {
            let path = format!("/etc/prometheus/{path}");
            Ok::<_, Error>(forecast::answers(&words(&self.promtool(&["test", "rules", &path]).await?)))
        });
        let answers: Vec<Result<_, Error>> =
            stream::iter(runs.collect::<Vec<_>>()).buffer_unordered(AT_ONCE).collect().await;
        for answers in answers {
            for (id, names) in answers? {
                tracing::debug!("scenario {id}: promtool sees {names:?} fire");
                if let Some(attempt) = round.get_mut(id) {
                    attempt.forecast = Some(names);
                }
            }
        }
        Ok(round)
    }
}

fn words(output: &ExecOutput) -> String {
    format!("{}{}", output.stdout, output.stderr).replace(&format!("{RULES}/"), "rules/")
}
