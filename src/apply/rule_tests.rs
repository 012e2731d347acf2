//! Runs the unit tests of rules with the promtool of the pinned image.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;

use crate::apply::oneshot::{OneShot, Outcome};
use crate::apply::validators::{self, Validators};
use crate::check::testing::{FileResult, junit, results};
use crate::engine::Engine;
use crate::error::{Error, ExitCode};
use crate::formats::rule_test::RuleTestFile;
use crate::model::{RenderedFile, ServiceKind};
use crate::render::ProjectFiles;
use crate::render::assets::{EMBEDDED, Origin, is_yaml};
use crate::report::events::Event;
use crate::settings::Settings;

/// Where the project's `rules/` lies in the container.
const ROOT: &str = "/validator/rules/";
const REPORT: &str = "/validator/junit.xml";
/// Scenarios over days of samples take their time.
const DEADLINE: Duration = Duration::from_mins(10);

/// The tests and what they need.
#[derive(Clone, Copy, Debug)]
pub struct Tests<'a> {
    pub settings: &'a Settings,
    pub files: &'a ProjectFiles,
    pub tests: &'a [RuleTestFile],
    /// Only scenarios with such a name.
    pub pattern: Option<&'a str>,
}

/// A test file: its path in the container, and what was read of it.
type TestFile<'a> = (String, &'a RuleTestFile);

impl<'a> Tests<'a> {
    /// Every test file's result, in the order of the files.
    ///
    /// promtool runs its files one after the other, so the files are shared out to several promtools.
    pub async fn run<E: Engine>(&self, validators: &Validators<'_, E>) -> Result<Vec<FileResult>, Error> {
        let groups = self.groups(std::thread::available_parallelism().map_or(1, usize::from).min(4));
        let scenarios =
            |group: &[TestFile<'_>]| group.iter().map(|(_, file)| file.scenarios.len()).sum::<usize>();
        let total = groups.iter().map(|group| scenarios(group)).sum();
        let done = AtomicUsize::new(0);
        let progress = |more: usize| {
            let done = done.fetch_add(more, Ordering::Relaxed) + more;
            let what = "testing the rules, scenarios".to_owned();
            validators.reporter.event(&Event::Progress { what, done, total, item: String::new() });
        };
        progress(0);
        let runs = groups.iter().map(|group| async {
            let job = self
                .job(group)
                .ok_or_else(|| Error::new(ExitCode::Usage, "there is no image of prometheus"))?;
            let outcome = validators.run(&job).await?;
            progress(scenarios(group));
            self.read(group, &outcome)
        });
        let mut all = Vec::new();
        for result in join_all(runs).await {
            all.extend(result?);
        }
        all.sort_by(|a, b| a.file.cmp(&b.file));
        Ok(all)
    }

    /// The largest file first, each to the group that has least to do.
    fn groups(&self, count: usize) -> Vec<Vec<TestFile<'a>>> {
        let mut files: Vec<TestFile<'a>> = self
            .files
            .rule_tests()
            .filter_map(|(path, file)| {
                let read = self.tests.iter().find(|test| test.source.path == file.shown_as)?;
                Some((format!("{ROOT}{path}"), read))
            })
            .collect();
        files.sort_by_key(|(_, file)| std::cmp::Reverse(file.source.text.len()));
        let mut groups: Vec<(usize, Vec<TestFile<'a>>)> = Vec::new();
        groups.resize_with(count.min(files.len()), Default::default);
        for file in files {
            if let Some(least) = groups.iter_mut().min_by_key(|(size, _)| *size) {
                least.0 += file.1.source.text.len();
                least.1.push(file);
            }
        }
        groups.into_iter().map(|(_, group)| group).collect()
    }

    fn job(&self, group: &[TestFile<'_>]) -> Option<OneShot> {
        let report = format!("--junit={REPORT}");
        let mut command = vec!["promtool", "test", "rules", report.as_str()];
        if let Some(pattern) = self.pattern {
            command.extend(["--run", pattern]);
        }
        command.extend(group.iter().map(|(path, _)| path.as_str()));
        let files = self.files.rules.iter().filter(|(path, _)| is_yaml(path));
        let files = files
            .map(|(path, file)| RenderedFile::plain(format!("{ROOT}{path}"), file.text.as_str()))
            .collect();
        let job = validators::job(self.settings, ServiceKind::Prometheus, &command, files)?;
        Some(OneShot { collect: Some(REPORT.to_owned()), deadline: DEADLINE, ..job })
    }

    fn read(&self, group: &[TestFile<'_>], outcome: &Outcome) -> Result<Vec<FileResult>, Error> {
        let shown = |text: &str| self.shown(text);
        let words = format!("{}\n{}", outcome.stdout.trim(), outcome.stderr.trim());
        let Some(report) = &outcome.collected else {
            let text = format!("promtool ended with exit code {} and left no report", outcome.exit_code);
            return Err(Error::new(ExitCode::Failed, text)
                .evidence(shown(words.trim()))
                .hint("`--junit` needs the promtool of Prometheus 3.0 or newer: see `images:` in config/confidexmon.yml"));
        };
        let suites = junit::parse(report);
        let results = group
            .iter()
            .map(|(path, file)| {
                let mut result = match suites.iter().find(|suite| suite.name == *path) {
                    Some(suite) => results::of_suite(suite, file, &shown),
                    // It ended before this file: its words stand.
                    None => FileResult {
                        file: file.source.path.clone(),
                        passed: false,
                        problems: vec![shown(words.trim())],
                        scenarios: Vec::new(),
                    },
                };
                for pattern in unmatched(&outcome.stderr, file) {
                    result.passed = false;
                    result.problems.push(format!(
                        "`rule_files` names {}, which is not there: the tests prove nothing",
                        shown(pattern)
                    ));
                }
                result
            })
            .collect();
        Ok(results)
    }

    /// Paths of the container as the user knows them.
    fn shown(&self, text: &str) -> String {
        let embedded = self.files.rules.values().any(|file| file.origin == Origin::Embedded);
        text.replace(ROOT, &if embedded { format!("{EMBEDDED}/rules/") } else { "rules/".to_owned() })
    }
}

/// `WARNING: no file match pattern …`: promtool goes on without those rules, and every test that
/// expects nothing passes.
fn unmatched<'o>(stderr: &'o str, file: &RuleTestFile) -> Vec<&'o str> {
    let patterns =
        stderr.lines().filter_map(|line| line.trim().strip_prefix("WARNING: no file match pattern "));
    let of_this_file = |pattern: &&str| {
        let name = pattern.rsplit('/').next().unwrap_or(pattern);
        file.source.text.contains(name)
    };
    patterns.filter(of_this_file).collect()
}
