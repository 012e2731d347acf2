//! Finds an input that makes an alert fire, by promtool's own word, and makes a unit test of it.

use std::time::Duration;

use crate::apply::oneshot::Outcome;
use crate::apply::validators::{self, Validators};
use crate::drill::forecast::{self, Question};
use crate::drill::skeleton::{self, Candidate};
use crate::engine::Engine;
use crate::error::{Error, ExitCode};
use crate::formats::rule_file::Rule;
use crate::model::{PromDuration, RenderedFile, ServiceKind};
use crate::render::ProjectFiles;
use crate::settings::Settings;

/// Where the project's rules lie in the container.
const ROOT: &str = "/validator/rules/";

/// The alert, and where it comes from.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub settings: &'a Settings,
    pub files: &'a ProjectFiles,
    pub rule: &'a Rule,
    /// The path below `rules/`.
    pub rule_file: &'a str,
}

impl Wanted<'_> {
    /// A test file in which the alert fires, and stays quiet once.
    ///
    /// # Errors
    /// When promtool cannot be asked, or nothing that was tried makes it fire.
    pub async fn test<E: Engine>(&self, validators: &Validators<'_, E>) -> Result<String, Error> {
        let name = &self.rule.name.value;
        let Ok(tree) = &self.rule.tree else {
            return Err(Error::new(ExitCode::Failed, format!("the expression of `{name}` cannot be read"))
                .hint("`confidexmon check` says why"));
        };
        let hold = self.rule.hold.as_ref().and_then(|hold| PromDuration::parse(&hold.value));
        let hold = hold.map_or(Duration::ZERO, |hold| hold.length());
        let job = self.settings.targets.first().map_or("job", |target| target.job.as_str());
        let all = skeleton::candidates(tree, hold, job);
        let fires = self.firing(validators, &all).await?;
        let is = |at: usize| fires.get(at).copied().unwrap_or(false);
        let complete = (0..all.len()).find(|at| is(*at) && all[*at].is_complete);
        let Some(firing) = complete.or_else(|| (0..all.len()).find(|at| is(*at))) else {
            let text = format!("none of {} inputs that were tried makes `{name}` fire", all.len());
            return Err(Error::new(ExitCode::Failed, text)
                .hint("write its test by hand: rules/tests of `confidexmon init` shows how"));
        };
        let quiet = (0..all.len()).find(|at| !is(*at) && all[*at].is_complete);
        let rule_files = [format!("{ROOT}{}", self.rule_file)];
        let question = skeleton::question(name, &all[firing], &rule_files);
        let outcome = self.promtool(validators, question).await?;
        let alerts = skeleton::fired(&format!("{}\n{}", outcome.stdout, outcome.stderr));
        let text = skeleton::text(name, self.rule_file, (&all[firing], &alerts), quiet.map(|at| &all[at]));
        // What is handed out passes.
        let proof = text.replace("  - ../", &format!("  - {ROOT}"));
        let outcome = self.promtool(validators, proof).await?;
        if outcome.exit_code == 0 {
            return Ok(text);
        }
        Err(Error::new(ExitCode::Failed, format!("the test that was made for `{name}` does not pass"))
            .evidence(format!("{}\n{}", outcome.stdout.trim(), outcome.stderr.trim())))
    }

    /// Which of the inputs make it fire.
    async fn firing<E: Engine>(
        &self,
        validators: &Validators<'_, E>,
        all: &[Candidate],
    ) -> Result<Vec<bool>, Error> {
        let Some(interval) = all.first().map(|one| one.input.evaluation_interval) else {
            return Ok(Vec::new());
        };
        let question = |(id, one): (usize, &Candidate)| Question { id, input: one.input.clone(), at: one.at };
        let questions: Vec<Question> = all.iter().enumerate().map(question).collect();
        let text = forecast::file(&[format!("{ROOT}{}", self.rule_file)], interval, &questions);
        let outcome = self.promtool(validators, text).await?;
        let answers = forecast::answers(&format!("{}\n{}", outcome.stdout, outcome.stderr));
        let fires = |id: usize| answers.get(&id).is_some_and(|names| names.contains(&self.rule.name.value));
        Ok((0..all.len()).map(fires).collect())
    }

    /// Runs one test file over the alert's rules.
    async fn promtool<E: Engine>(
        &self,
        validators: &Validators<'_, E>,
        test: String,
    ) -> Result<Outcome, Error> {
        let rules = self.files.rule_files();
        let mut files: Vec<RenderedFile> = rules
            .map(|(path, file)| RenderedFile::plain(format!("{ROOT}{path}"), file.text.as_str()))
            .collect();
        files.push(RenderedFile::plain("/validator/test.yml", test));
        let command = ["promtool", "test", "rules", "/validator/test.yml"];
        let job = validators::job(self.settings, ServiceKind::Prometheus, &command, files);
        let job = job.ok_or_else(|| Error::new(ExitCode::Usage, "there is no image of prometheus"))?;
        validators.run(&job).await
    }
}
