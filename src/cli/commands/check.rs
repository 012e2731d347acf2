//! `check`: every finding of our lints and of the official judges, each said once.

use std::collections::BTreeMap;

use crate::apply::judges::Judges;
use crate::apply::live;
use crate::apply::opinion::{self, Opinion, Subjects};
use crate::check::gather::{self, Counts};
use crate::check::panels;
use crate::check::routing::matrix;
use crate::check::selection::{Kind, Selection};
use crate::check::{self, Facts, Finding, Severity, judge};
use crate::cli::args::{CheckOptions, PlanOptions, ReportFormat};
use crate::cli::context::{Context, Loaded, Refused, template_problem};
use crate::cli::signals;
use crate::engine::Engine;
use crate::engine::docker::DockerEngine;
use crate::error::{Error, ExitCode};
use crate::model::Hint;
use crate::render::assets::ProjectFile;
use crate::render::{ProjectFiles, RenderedStack, render_stack};
use crate::report::findings::{CheckReport, github, json, sarif, text};
use crate::report::{Format, progress};
use crate::settings::{self, Problem};
use crate::store::project;

pub async fn run(mut context: Context, mut options: CheckOptions) -> Result<(), Error> {
    // One folder that is a project means that project.
    if let [folder] = options.paths.as_slice()
        && project::is_project(folder)
    {
        context.global.project_dir = options.paths.remove(0);
    }
    let loaded = match context.load_or_problems(&PlanOptions::default())? {
        Ok(loaded) => loaded,
        Err(refused) => return refuse(&context, &options, refused),
    };
    let rendered = match render_stack(&loaded.settings, &loaded.project.files) {
        Ok(rendered) => rendered,
        Err(problems) => {
            let problems = problems.into_iter().map(template_problem).collect();
            return refuse(&context, &options, (loaded.project, problems));
        }
    };
    let selection = selection(&options)?;
    let mut facts = facts(&loaded, &rendered, selection.as_ref());
    if options.routes {
        return routes(&context, &facts);
    }
    let engine = context.engine(&loaded.ports()).await.map_err(|error| opinion::reason(&error));
    let mut live_findings = Vec::new();
    if options.live {
        let info = engine.as_ref().ok().map(Engine::info);
        live_findings = live::contract(&loaded.settings, &loaded.project.files, info, &mut facts).await;
    }
    let subjects = Subjects {
        settings: &loaded.settings,
        files: &loaded.project.files,
        rendered: &rendered,
        selection: selection.as_ref(),
        facts: &facts,
    };
    let lints = async { tokio::task::block_in_place(|| check::run(&facts)) };
    let panels = async {
        if options.live { ask_panels(&loaded, selection.as_ref(), &facts, &engine).await } else { Vec::new() }
    };
    let (opinion, mut findings, of_panels) =
        tokio::join!(judge_all(&context, &subjects, &engine), lints, panels);
    let opinion = opinion?;
    let judged: Vec<_> = facts.rule_files.iter().filter(|_| opinion.rules_judged()).collect();
    let theirs = opinion::findings(&opinion, &subjects);
    judge::merge(&mut findings, theirs, &judged);
    if let Some(selection) = &selection {
        findings.retain(|finding| selection.names(&finding.file));
    }
    findings.extend(live_findings.into_iter().chain(of_panels));
    let mut report = CheckReport {
        findings,
        sources: sources(&loaded.project.files, selection.as_ref()),
        counts: Counts::of(&facts),
        judges: opinion.words(),
        notes: Vec::new(),
    };
    if selection.is_none() && gather::notifies_somebody(&rendered) == Some(false) {
        report.notes.push(
            "no receiver is configured: alerts fire, but nobody is notified (set SLACK_WEBHOOK_URL or PAGERDUTY_SERVICE_KEY in .env)"
                .to_owned(),
        );
    }
    show(&context, &options, &report);
    if report.fails() { Err(Error::silent(ExitCode::Findings)) } else { Ok(()) }
}

/// `--routes`: the matrix, and nothing is judged.
fn routes(context: &Context, facts: &Facts) -> Result<(), Error> {
    if facts.alertmanagers.len() > 1 {
        let names: Vec<_> = facts.alertmanagers.iter().map(|file| file.source.path.as_str()).collect();
        let message = format!("`--routes` shows one Alertmanager configuration, not {}", names.join(", "));
        return Err(Error::new(ExitCode::Usage, message).hint("name one of them"));
    }
    let Some(matrix) = matrix(&check::view(facts)) else {
        return Err(Error::new(ExitCode::Usage, "there is no Alertmanager configuration with a `route`")
            .hint("`confidexmon check` says what is wrong with it; without Alertmanager alerts go nowhere"));
    };
    match context.output.format {
        Format::Human => context.output.data(&matrix.to_string()),
        Format::Json => context.output.json(&serde_json::to_value(&matrix).unwrap_or_default()),
    }
    Ok(())
}

/// The judges' opinion; without an engine they simply have none. Only the user's stop is an error.
async fn judge_all(
    context: &Context,
    subjects: &Subjects<'_>,
    engine: &Result<DockerEngine, String>,
) -> Result<Opinion, Error> {
    if opinion::jobs(subjects).is_empty() {
        return Ok(Opinion::not_run("nothing for them to judge".to_owned()));
    }
    let engine = match engine {
        Ok(engine) => engine,
        Err(reason) => return Ok(Opinion::not_run(reason.clone())),
    };
    let cancel = signals::watch(context.output);
    let reporter = progress::reporter(context.output);
    let judges = Judges { engine, reporter: reporter.as_ref(), cancel: &cancel };
    opinion::run(&judges, subjects).await
}

/// Every panel of the project's dashboards, or of those that were named.
async fn ask_panels(
    loaded: &Loaded,
    selection: Option<&Selection>,
    facts: &Facts,
    engine: &Result<DockerEngine, String>,
) -> Vec<Finding> {
    let files: Vec<&ProjectFile> = match selection {
        Some(selection) => selection.of(Kind::Dashboard).collect(),
        None => loaded.project.files.dashboard_files().map(|(_, file)| file).collect(),
    };
    let interval = facts.scrape_interval.unwrap_or_default();
    let queries: Vec<_> =
        files.iter().flat_map(|file| panels::queries(&file.shown_as, &file.text, interval)).collect();
    match engine {
        _ if queries.is_empty() => Vec::new(),
        Ok(engine) => live::panels(engine, &loaded.settings, &queries).await,
        Err(reason) => vec![live::no_grafana(reason)],
    }
}

fn selection(options: &CheckOptions) -> Result<Option<Selection>, Error> {
    if options.paths.is_empty() {
        return Ok(None);
    }
    let files = project::load_paths(&options.paths).map_err(|error| {
        let mut usage = Error::new(ExitCode::Usage, error.to_string());
        usage.causes = crate::error::chain(&error);
        usage.hints = error.hint().into_iter().collect();
        usage
    })?;
    Ok(Some(Selection::new(files)))
}

fn facts(loaded: &Loaded, rendered: &RenderedStack, selection: Option<&Selection>) -> Facts {
    let files = &loaded.project.files;
    let Some(selection) = selection else { return gather::project(&loaded.settings, files, rendered) };
    let mut facts = gather::surroundings(&loaded.settings, files, rendered);
    selection.narrow(&mut facts);
    facts
}

/// Settings that cannot be used are findings too, but nothing can be judged without them.
fn refuse(context: &Context, options: &CheckOptions, (project, problems): Refused) -> Result<(), Error> {
    let report = CheckReport {
        findings: problems.into_iter().map(of_settings).collect(),
        sources: sources(&project.files, None),
        judges: "not run: the configuration cannot be used".to_owned(),
        ..CheckReport::default()
    };
    show(context, options, &report);
    Err(Error::silent(ExitCode::Usage))
}

fn of_settings(problem: Problem) -> Finding {
    let place = problem.place;
    Finding {
        id: "settings",
        severity: match problem.severity {
            settings::Severity::Error => Severity::Bug,
            settings::Severity::Warning => Severity::Info,
        },
        file: place.as_ref().map_or_else(|| "config/confidexmon.yml".to_owned(), |place| place.file.clone()),
        line: place.as_ref().map_or(0, |place| place.line),
        column: place.as_ref().map_or(0, |place| place.column),
        message: problem.message,
        alert: None,
        fix: problem.hint,
    }
}

/// Texts for the excerpts; `.env` is not among them, its lines are secrets.
fn sources(files: &ProjectFiles, selection: Option<&Selection>) -> BTreeMap<String, String> {
    let own = files.config.values().chain(files.rules.values()).chain(files.dashboards.values());
    let named = selection.into_iter().flat_map(|selection| selection.files.iter().map(|(_, file)| file));
    own.chain(named).map(|file| (file.shown_as.clone(), file.text.clone())).collect()
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
    if let Some(reason) = report.judges.strip_prefix("not run: ") {
        output.warning(&format!("the official judges (promtool, amtool) were not run: {reason}"));
    }
    for note in &report.notes {
        output.info(&format!("note: {note}"));
    }
}
