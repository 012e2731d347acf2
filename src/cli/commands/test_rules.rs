//! `test-rules`: the unit tests of the rules, and what they leave open.

use std::time::Instant;

use crate::apply::rule_tests::Tests;
use crate::check::gather;
use crate::check::testing::{Coverage, FileResult};
use crate::cli::args::{PlanOptions, TestRulesOptions};
use crate::cli::context::{Context, Loaded};
use crate::error::{Error, ExitCode};
use crate::formats::rule_test::RuleTestFile;
use crate::report::{Format, rule_tests};

/// Runs the rule tests in the pinned promtool, and says which alerts have none.
///
/// # Errors
/// When they cannot be run: a test that fails is an outcome.
pub async fn run(context: &Context, options: &TestRulesOptions) -> Result<ExitCode, Error> {
    let began = Instant::now();
    if let Some(pattern) = &options.run {
        // promtool itself panics over a broken one.
        regex::Regex::new(pattern).map_err(|error| {
            Error::new(ExitCode::Usage, format!("`--run {pattern}` is not a regular expression: {error}"))
        })?;
    }
    let loaded = context.load(&PlanOptions::default())?;
    let facts = gather::rules(&loaded.project.files);
    let coverage = options.coverage.then(|| Coverage::of(&facts));
    let results = test(context, options, &loaded, &facts.rule_tests).await;
    let shown = results.as_ref().ok().map(Vec::as_slice);
    match context.output.format {
        // Nothing was tested: the error that follows says why.
        Format::Json if shown.is_none() && coverage.is_none() => {}
        Format::Json => context.output.json(&rule_tests::json(shown, coverage.as_ref())),
        Format::Human => {
            if let Some(results) = shown {
                let text = rule_tests::text(context.output, results, &facts.rule_tests, began.elapsed());
                context.output.data(&text);
            }
            if let Some(coverage) = &coverage {
                context.output.data(&rule_tests::coverage_text(context.output, coverage));
            }
        }
    }
    let failed = results?.iter().any(|result| !result.passed);
    let uncovered = coverage.is_some_and(|coverage| !coverage.is_complete());
    Ok(if failed || uncovered { ExitCode::Findings } else { ExitCode::Done })
}

async fn test(
    context: &Context,
    options: &TestRulesOptions,
    loaded: &Loaded,
    tests: &[RuleTestFile],
) -> Result<Vec<FileResult>, Error> {
    if tests.is_empty() {
        return Err(Error::new(ExitCode::Findings, "there are no rule tests below rules/tests")
            .hint("`confidexmon init DIR` writes the shipped ones out, to start from"));
    }
    let validators = context.validators().await?;
    let wanted = Tests {
        settings: &loaded.settings,
        files: &loaded.project.files,
        tests,
        pattern: options.run.as_deref(),
    };
    let results = wanted.run(&validators.get()).await?;
    let ran = results.iter().any(|result| !result.scenarios.is_empty() || !result.problems.is_empty());
    match &options.run {
        Some(pattern) if !ran => {
            let text = format!("no scenario of rules/tests has a name that matches `{pattern}`");
            Err(Error::new(ExitCode::Usage, text))
        }
        // Files in which nothing matched say nothing.
        Some(_) => Ok(results.into_iter().filter(|r| !r.scenarios.is_empty() || !r.passed).collect()),
        None => Ok(results),
    }
}
