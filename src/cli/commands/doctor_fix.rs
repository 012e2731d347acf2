//! `doctor --fix`: says what it would do, asks, and does it.

use std::collections::BTreeSet;
use std::io::IsTerminal;

use crate::apply::doctor::fix::{self, Repairs};
use crate::apply::ownership;
use crate::cli::args::DoctorOptions;
use crate::cli::commands::doctor::Seen;
use crate::cli::context::Context;
use crate::doctor::Remedy;
use crate::engine::docker::DockerEngine;
use crate::error::{Error, ExitCode};
use crate::plan::ownership::Adoption;
use crate::report::output::GOOD;

/// What was done, each in one sentence; empty when there was nothing, or the answer was no.
pub(super) async fn run(
    context: &Context,
    options: &DoctorOptions,
    seen: &Seen,
) -> Result<Vec<String>, Error> {
    let remedies: BTreeSet<Remedy> = seen.checks.iter().filter_map(|check| check.remedy.clone()).collect();
    if remedies.is_empty() {
        context
            .output
            .info("nothing of this is mended by `--fix` itself: where a fix is named, it is yours to run");
        return Ok(Vec::new());
    }
    may_fix(context, options, &remedies)?;
    let (here, with_engine): (Vec<_>, Vec<_>) = remedies.into_iter().partition(fix::needs_no_engine);
    let mut tried: Vec<(Remedy, Result<(), Error>)> = Vec::new();
    for remedy in here {
        let done = fix::in_the_folder(&context.global.project_dir, &remedy);
        tried.push((remedy, done));
    }
    tried.extend(on_the_engine(context, seen, with_engine).await?);
    let mut fixed = Vec::new();
    let mut failed = Vec::new();
    for (remedy, done) in tried {
        match done {
            Ok(()) => {
                context.output.info(&format!("{} {remedy}", context.output.styled("fixed:", GOOD)));
                fixed.push(remedy.to_string());
            }
            Err(error) => {
                failed.push(Error { message: format!("could not {remedy}: {}", error.message), ..error });
            }
        }
    }
    Error::all(failed).map_or(Ok(fixed), Err)
}

/// One after the other, with the stack locked and known to be this project's.
async fn on_the_engine(
    context: &Context,
    seen: &Seen,
    remedies: Vec<Remedy>,
) -> Result<Vec<(Remedy, Result<(), Error>)>, Error> {
    let (Ok(session), Ok(observed)) = (&seen.session, &seen.observed) else { return Ok(Vec::new()) };
    if remedies.is_empty() {
        return Ok(Vec::new());
    }
    let stack = &seen.loaded.settings.stack;
    let _lock = context.lock(&session.engine, stack, "doctor --fix")?;
    ownership::check(session, (stack, &seen.loaded.identity), observed, Adoption::Refused).await?;
    let repairs: Repairs<'_, DockerEngine> = Repairs {
        session,
        desired: &seen.desired,
        observed,
        project_dir: &context.global.project_dir,
        password_is_chosen: !seen.loaded.settings.grafana.password_is_default,
    };
    let mut tried = Vec::new();
    for remedy in remedies {
        session.check_cancelled()?;
        let done = repairs.apply(&remedy).await;
        tried.push((remedy, done));
    }
    Ok(tried)
}

/// Says what would be done, and asks unless `--yes` has answered.
fn may_fix(context: &Context, options: &DoctorOptions, remedies: &BTreeSet<Remedy>) -> Result<(), Error> {
    let output = context.output;
    output.notice("what can be fixed safely:");
    for remedy in remedies {
        output.notice(&format!("  - {remedy}"));
    }
    if options.yes {
        return Ok(());
    }
    if !(std::io::stdin().is_terminal() && output.terminal) {
        return Err(Error::new(
            ExitCode::Usage,
            "--fix asks before it changes anything, and there is no terminal to ask on",
        )
        .hint("add --yes to do it without asking"));
    }
    output.say("Do this? [y/N]");
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    if read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Error::new(ExitCode::Failed, "nothing was changed"))
}
