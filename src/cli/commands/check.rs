//! `check`: every finding of our lints and of the official validators, each said once.

use crate::analysis::contract::Contract;
use crate::analysis::routing::matrix;
use crate::analysis::view::view;
use crate::apply::examine::{self, CheckContext, CheckRequest};
use crate::apply::validators::ImagePull;
use crate::apply::{live, validation};
use crate::check::selection::{Scope, Selection};
use crate::check::{Finding, Severity, lints, validators};
use crate::cli::args::{CheckOptions, PlanOptions, ReportFormat};
use crate::cli::context::{Context, Loaded, Refused, unreadable};
use crate::cli::signals;
use crate::engine::Engine;
use crate::error::{Error, ExitCode};
use crate::model::{Diagnostic, Place};
use crate::report::findings::{CheckReport, github, json, sarif, text, word};
use crate::report::{Format, progress, routes, words};
use crate::services::render_stack;
use crate::store::{atomic, project};

/// Prints every finding. Its exit code says whether something is wrong with the files.
///
/// # Errors
/// When something kept it from looking: unreadable paths, or validators that were required and could not run.
pub async fn run(mut context: Context, mut options: CheckOptions) -> Result<ExitCode, Error> {
    if options.list {
        list(&context);
        return Ok(ExitCode::Done);
    }
    // One folder that is a project means that project.
    if let [folder] = options.paths.as_slice()
        && project::is_project(folder)
    {
        context.global.project_dir = options.paths.remove(0);
    }
    context.placeholders = options.no_secrets;
    let loaded = match context.load_or_problems(&PlanOptions::default())? {
        Ok(loaded) => loaded,
        Err(refused) => return Ok(refuse(&context, &options, refused)),
    };
    let loaded = if options.save_contract { save_contract(&context, loaded).await? } else { loaded };
    let rendered = match render_stack(&loaded.settings, &loaded.project.files) {
        Ok(rendered) => rendered,
        Err(problems) => {
            return Ok(refuse(&context, &options, (loaded.project, problems)));
        }
    };
    let scope = scope(&context, &options, &loaded)?;
    let request = CheckRequest {
        settings: &loaded.settings,
        files: &loaded.project.files,
        rendered: &rendered,
        scope: &scope,
        live: options.live,
    };
    if options.routes {
        return show_routes(&context, &request).map(|()| ExitCode::Done);
    }
    let engine = context.engine(&loaded.ports()).await;
    let reporter = progress::reporter(context.output);
    let cancel = signals::watch(context.output);
    let asked = CheckContext {
        engine: engine.as_ref().map_err(validation::reason),
        reporter: reporter.as_ref(),
        cancel: &cancel,
        pull: if options.validators.pull { ImagePull::Missing } else { ImagePull::Never },
    };
    let mut report = examine::run(&request, &asked).await?;
    if matches!(scope, Scope::Project) {
        let warnings = loaded.placed_warnings().cloned();
        report.findings.extend(warnings.map(|problem| of_settings(problem, "config/confidexmon.yml")));
        validators::sort(&mut report.findings);
    }
    if options.no_secrets {
        report.notes.push("placeholders stand for secrets that are not set".to_owned());
    }
    show(&context, &options, &report);
    if report.fails() {
        return Ok(ExitCode::Findings);
    }
    match report.validators_not_run.filter(|_| options.validators.require_validators) {
        Some(reason) => {
            Err(Error::new(ExitCode::Failed, format!("the official validators were not run: {reason}"))
                .hint("without `--require-validators` that is no failure"))
        }
        None => Ok(ExitCode::Done),
    }
}

/// `--save-contract`: what the backend exports now becomes the project's own measure.
async fn save_contract(context: &Context, loaded: Loaded) -> Result<Loaded, Error> {
    let engine = context.engine(&loaded.ports()).await.ok();
    let info = engine.as_ref().map(Engine::info);
    let (job, text) = live::exposition(&loaded.settings, info).await?;
    let metrics = Contract::parse(&text).families().count();
    if metrics == 0 {
        let message = format!("what `{job}` answers holds no metric, so nothing was kept");
        return Err(Error::new(ExitCode::Failed, message)
            .hint("its `url` in config/confidexmon.yml has to lead to an exposition, mostly `/metrics`"));
    }
    let path = context.global.project_dir.join("config/backend.prom");
    atomic::write(&path, text.as_bytes(), 0o644)?;
    context.output.info(&format!(
        "kept {} of `{job}` in {}",
        words::count(metrics, "metric"),
        path.strip_prefix(".").unwrap_or(&path).display()
    ));
    context.load(&PlanOptions::default())
}

/// `--list`: the lints, their severity, and what each finds.
fn list(context: &Context) {
    let lints = lints::ALL.iter().map(|lint| (lint.id, word(lint.severity), lint.doc));
    match context.output.format {
        Format::Human => {
            let rows = lints.map(|(id, severity, doc)| format!("{id:<26} {severity:<8} {doc}\n"));
            context.output.data(&rows.collect::<String>());
        }
        Format::Json => {
            let lints = lints
                .map(|(id, severity, doc)| serde_json::json!({"id": id, "severity": severity, "doc": doc}));
            context.output.json(&serde_json::json!({"lints": lints.collect::<Vec<_>>()}));
        }
    }
}

/// `--routes`: the matrix, and nothing is checked.
fn show_routes(context: &Context, request: &CheckRequest<'_>) -> Result<(), Error> {
    let facts = examine::facts(request);
    if facts.alertmanagers.len() > 1 {
        let names: Vec<_> = facts.alertmanagers.iter().map(|file| file.source.path.as_str()).collect();
        let message = format!("`--routes` shows one Alertmanager configuration, not {}", names.join(", "));
        return Err(Error::new(ExitCode::Usage, message).hint("name one of them"));
    }
    let Some(matrix) = matrix(&view(&facts)) else {
        return Err(Error::new(ExitCode::Usage, "there is no Alertmanager configuration with a `route`")
            .hint("`confidexmon check` says what is wrong with it; without Alertmanager alerts go nowhere"));
    };
    match context.output.format {
        Format::Human => context.output.data(&routes::text(context.output, &matrix)),
        Format::Json => context.output.json(&serde_json::to_value(&matrix).unwrap_or_default()),
    }
    Ok(())
}

fn scope(context: &Context, options: &CheckOptions, loaded: &Loaded) -> Result<Scope, Error> {
    if options.paths.is_empty() {
        return Ok(Scope::Project);
    }
    let folder = &context.global.project_dir;
    if let Some(names) = project::names_within(folder, &loaded.project.files, &options.paths) {
        return Ok(Scope::Within(names));
    }
    let files = project::load_paths(&options.paths).map_err(unreadable)?;
    let selection = Selection::new(files);
    // A wrong path in a pipeline must not look like a rule set without a mistake.
    if !selection.holds_anything() {
        let names: Vec<_> = options.paths.iter().map(|path| path.display().to_string()).collect();
        let message = format!("there is nothing to check in {}", names.join(", "));
        return Err(Error::new(ExitCode::Usage, message)
            .hint("name rule files, rule tests, an Alertmanager configuration, notification templates or dashboards"));
    }
    Ok(Scope::Files(selection))
}

/// Settings that cannot be used are findings too, but nothing can be checked without them.
fn refuse(context: &Context, options: &CheckOptions, (project, problems): Refused) -> ExitCode {
    let settings = project.files.config.get("confidexmon.yml");
    let file = settings.map_or("config/confidexmon.yml", |file| file.shown_as.as_str());
    let findings: Vec<Finding> = problems.into_iter().map(|problem| of_settings(problem, file)).collect();
    let report = CheckReport {
        sources: examine::sources(&project.files, &Scope::Project, &findings),
        findings,
        validators_not_run: Some("the configuration cannot be used".to_owned()),
        ..CheckReport::default()
    };
    show(context, options, &report);
    ExitCode::Usage
}

/// Problems of the environment have no place; the settings are where they are answered. What does not stop a
/// command does not fail a check.
fn of_settings(mut problem: Diagnostic, settings_file: &str) -> Finding {
    if !problem.place.is_known() {
        problem.place = Place::file(settings_file);
    }
    if problem.severity == Severity::Warning { problem.severity(Severity::Info) } else { problem }
}

fn show(context: &Context, options: &CheckOptions, report: &CheckReport) {
    let output = context.output;
    let format = options.report.unwrap_or(match output.format {
        Format::Human => ReportFormat::Text,
        Format::Json => ReportFormat::Json,
    });
    match format {
        ReportFormat::Text => output.data(&text::render(report, output.color_stdout)),
        ReportFormat::Json => output.json(&json::render(report)),
        ReportFormat::Sarif => output.json(&sarif::render(report)),
        ReportFormat::Github => output.data(&github::render(report)),
    }
    if let Some(reason) = &report.validators_not_run {
        output.warning(&format!("the official validators (promtool, amtool) were not run: {reason}"));
    }
    for note in &report.notes {
        output.info(&format!("note: {note}"));
    }
}
