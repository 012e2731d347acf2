//! The command line: flags in, exit code out. One file per command: gather, decide, apply, report.

pub mod args;
pub mod commands;
mod complete;
pub mod context;
pub mod early;
pub mod opened;
pub mod refusal;
pub mod signals;
mod usage;
mod validators;

use std::process::ExitCode as ProcessExitCode;

use clap::{CommandFactory, FromArgMatches};

use crate::error::{Error, ExitCode};
use crate::report::output::{BAD, DIM, HINT};
use crate::report::{Format, Output};
use args::{Arguments, Command};
use context::Context;

/// Parses the command line, runs the command, prints what went wrong, and returns the exit code.
pub fn main() -> ProcessExitCode {
    clap_complete::CompleteEnv::with_factory(Arguments::command)
        .var(commands::completions::VARIABLE)
        .complete();
    crate::store::machine::without_core_dumps();
    let matches = match Arguments::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => return refused(&error),
    };
    let arguments = match Arguments::from_arg_matches(&matches) {
        Ok(arguments) => arguments,
        Err(error) => return refused(&error),
    };
    let output = context::output(&arguments.global);
    context::init_logging(&arguments.global, output);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            output.say(&format!("error: cannot start the runtime: {error}"));
            return code(ExitCode::Failed);
        }
    };
    let result = runtime.block_on(run(arguments, output));
    // A helper thread that hangs (a name look-up, a credential helper) must not hold the exit.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    match result {
        Ok(outcome) => code(outcome),
        Err(error) => {
            print_error(output, &error);
            code(error.code)
        }
    }
}

/// Help and version are data in clap's own words; everything else is a wrong command line.
fn refused(error: &clap::Error) -> ProcessExitCode {
    if error.use_stderr() && usage::wants_json(std::env::args_os().skip(1)) {
        let output = Output {
            format: Format::Json,
            quiet: false,
            color_stdout: false,
            color_stderr: false,
            terminal: false,
        };
        print_error(output, &usage::error(error));
    } else {
        let _ = error.print();
    }
    code(if error.use_stderr() { ExitCode::Usage } else { ExitCode::Done })
}

fn code(exit_code: ExitCode) -> ProcessExitCode {
    ProcessExitCode::from(exit_code as u8)
}

/// Runs the command. What it found wrong in the user's files or stack is an outcome with an exit code of its
/// own; an error is what kept it from working.
async fn run(arguments: Arguments, output: Output) -> Result<ExitCode, Error> {
    let context = Context::new(arguments.global, output);
    if let Some(ahead) = arguments.command.asks_first() {
        context.connect_ahead(ahead);
    }
    let done = match arguments.command {
        Command::Up(options) => Box::pin(commands::up::run(&context, options)).await,
        Command::Plan(options) => {
            commands::up::plan(&context, options, commands::up::Wishes::default()).await
        }
        Command::Down(options) => commands::down::run(&context, &options).await,
        Command::Alerts => commands::alerts::run(&context).await,
        Command::Status(options) => {
            let context = context.until_stopped(options.watch);
            return Box::pin(commands::status::run(&context, &options)).await;
        }
        Command::Silence(options) => commands::silence::run(&context, &options).await,
        Command::Silences(options) => commands::silences::run(&context, &options).await,
        Command::Ls => commands::ls::run(&context).await,
        Command::Restart(options) => commands::restart::run(&context, &options).await,
        Command::Logs(options) => commands::logs::run(&context.until_stopped(options.follow), options).await,
        Command::ReloadRules(options) => {
            let rules = args::ReloadOptions { what: args::ReloadWhat::Rules, rules: options };
            Box::pin(commands::reload::run(&context, &rules)).await
        }
        Command::Reload(options) => Box::pin(commands::reload::run(&context, &options)).await,
        Command::Update(options) => Box::pin(commands::update::run(&context, &options)).await,
        Command::Rollback(options) => Box::pin(commands::rollback::run(&context, &options)).await,
        Command::Images(command) => commands::images::run(&context, &command).await,
        Command::Open(options) => commands::open::run(&context, &options),
        Command::Check(options) => return commands::check::run(context, options).await,
        Command::TestRules(options) => {
            return commands::test_rules::run(&context.with_placeholders(), &options).await;
        }
        Command::Doctor(options) => return Box::pin(commands::doctor::run(&context, &options)).await,
        Command::Generate(command) => commands::generate::run(&context.with_placeholders(), &command).await,
        Command::Drill(options) => commands::drill::run(&context, &options).await,
        Command::BackupGrafana(options) => Box::pin(commands::backup_grafana::run(&context, &options)).await,
        Command::Backups(options) => commands::backups::run(&context, &options).await,
        Command::RestoreGrafana(options) => commands::restore_grafana::run(&context, &options).await,
        Command::Render(options) => commands::render::run(&context, &options),
        Command::Init(options) => commands::init::run(&context, &options).await,
        Command::DemoBackend(options) => commands::demo_backend::run(&context, options).await,
        Command::Completions { shell } => commands::completions::run(output, shell),
    };
    done.map(|()| ExitCode::Done)
}

/// What failed, why, the evidence, and what to do about it.
fn print_error(output: Output, error: &Error) {
    if output.format == Format::Json {
        return output.say(&error_event(error).to_string());
    }
    output.say(&format!("{}: {}", output.styled("error", BAD), error.message));
    for cause in &error.causes {
        output.say(&format!("  {} {cause}", output.styled("because:", DIM)));
    }
    if !error.evidence.is_empty() {
        output.say(error.evidence.trim_end());
    }
    for hint in &error.hints {
        output.say(&format!("{}: {hint}", output.styled("hint", HINT)));
    }
    for other in &error.others {
        print_error(output, other);
    }
}

/// The last event of a command that failed, for programs.
fn error_event(error: &Error) -> serde_json::Value {
    serde_json::json!({
        "event": "error",
        "exit_code": error.code as u8,
        "message": error.message,
        "causes": error.causes,
        "hints": error.hints,
        "evidence": error.evidence,
        "others": error.others.iter().map(error_event).collect::<Vec<_>>(),
    })
}
