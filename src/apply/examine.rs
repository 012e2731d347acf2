//! A whole check: our lints, the official validators and (when asked) what runs, side by side.

use std::collections::{BTreeMap, BTreeSet};

use tokio_util::sync::CancellationToken;

use crate::apply::live;
use crate::apply::validation::{self, ValidationInput, ValidationReport};
use crate::apply::validators::{ImagePull, Validators};
use crate::check::gather::{self, Counts};
use crate::check::panels;
use crate::check::selection::{Kind, Scope};
use crate::check::{self, Facts, Finding, validators};
use crate::engine::Engine;
use crate::error::Error;
use crate::render::assets::{Origin, ProjectFile};
use crate::render::{ProjectFiles, RenderedStack, dashboards};
use crate::report::events::Reporter;
use crate::report::findings::CheckReport;
use crate::settings::Settings;

/// What is to be checked.
#[derive(Clone, Copy, Debug)]
pub struct CheckRequest<'a> {
    pub settings: &'a Settings,
    pub files: &'a ProjectFiles,
    pub rendered: &'a RenderedStack,
    pub scope: &'a Scope,
    /// Also ask the backend and the running Grafana.
    pub live: bool,
}

/// Who can be asked.
pub struct CheckContext<'a, E> {
    /// The engine, or why there is none.
    pub engine: Result<&'a E, String>,
    pub reporter: &'a dyn Reporter,
    pub cancel: &'a CancellationToken,
    /// What happens when the engine lacks a validator's image.
    pub pull: ImagePull,
}

/// Every finding. Only the user's stop is an error: a validator that cannot be asked is told in the report.
pub async fn run<E: Engine>(
    request: &CheckRequest<'_>,
    context: &CheckContext<'_, E>,
) -> Result<CheckReport, Error> {
    let CheckRequest { settings, files, rendered, scope, .. } = *request;
    let mut facts = facts(request);
    let mut asked = Vec::new();
    if request.live {
        let info = context.engine.as_ref().ok().map(|engine| engine.info());
        asked = live::contract(settings, files, info, &mut facts).await;
    }
    let subjects = ValidationInput { settings, files, rendered, scope, facts: &facts };
    let lints = async { tokio::task::block_in_place(|| check::run(&facts)) };
    let (report, mut findings, of_panels) =
        tokio::join!(checked(context, &subjects), lints, ask_panels(request, context, &facts));
    let report = report?;
    let seen: Vec<_> = facts.rule_files.iter().filter(|_| report.rules_validated()).collect();
    validators::merge(&mut findings, validation::findings(&report, &subjects), &seen);
    findings.retain(|finding| scope.covers(&finding.place.file));
    without_misfits(files, &mut findings);
    let mut notes: Vec<String> = checked_by_form(request, &facts).into_iter().collect();
    findings.extend(asked.into_iter().chain(of_panels));
    validators::sort(&mut findings);
    if matches!(scope, Scope::Project) {
        notes.extend(dashboards::notes(files, rendered));
    }
    if matches!(scope, Scope::Project) && gather::notifies_somebody(rendered) == Some(false) {
        notes.push(
            "no receiver is configured: alerts fire, but nobody is notified (set SLACK_WEBHOOK_URL or PAGERDUTY_SERVICE_KEY in .env)"
                .to_owned(),
        );
    }
    let (sources, counts) = (sources(files, scope, &findings), Counts::of(&facts));
    // Taking thousands of rules apart takes a tenth of the whole check, and nobody need wait for it.
    std::thread::spawn(move || drop(facts));
    Ok(CheckReport { findings, sources, counts, validators_not_run: report.into_not_run(), notes })
}

/// Takes away what concerns shipped dashboards and routes: they are right on their own, so it would only
/// tell that they were made for other rules than the project's.
fn without_misfits(files: &ProjectFiles, findings: &mut Vec<Finding>) {
    let brings_own = files.own_content().next().is_some();
    let folders = [("config", &files.config), ("dashboards", &files.dashboards)];
    let built_in: BTreeSet<&str> = folders
        .into_iter()
        .flat_map(|(folder, files)| files.iter().map(move |(name, file)| (format!("{folder}/{name}"), file)))
        .filter(|(path, file)| {
            file.origin == Origin::Embedded || brings_own && ProjectFiles::is_built_in(file, path)
        })
        .map(|(_, file)| file.shown_as.as_str())
        .collect();
    findings.retain(|finding| {
        let validated = matches!(finding.id, validators::PROMTOOL | validators::AMTOOL);
        validated || !built_in.contains(finding.place.file.as_str())
    });
}

/// Said once where metrics are not checked, because nobody knows which there are.
fn checked_by_form(request: &CheckRequest<'_>, facts: &Facts) -> Option<String> {
    let of_user = request.scope.selection().is_some() || gather::is_for_another_backend(request.files);
    let written = request.files.config.get("backend.prom").filter(|file| file.origin == Origin::User);
    let why = match written {
        Some(file) => {
            format!("the metrics in {} are those of the built-in backend, not of yours", file.shown_as)
        }
        None => "there is no config/backend.prom with the metrics of your backend".to_owned(),
    };
    (facts.contract.is_none() && of_user && !facts.rule_files.is_empty()).then(|| {
        format!("rules and dashboards are checked by their form: {why}; `confidexmon check --save-contract` fetches and keeps them")
    })
}

/// What our lints look at.
pub fn facts(request: &CheckRequest<'_>) -> Facts {
    let CheckRequest { settings, files, rendered, scope, .. } = *request;
    let Some(selection) = scope.selection() else { return gather::project(settings, files, rendered) };
    let mut facts = gather::surroundings(settings, files, rendered);
    selection.narrow(&mut facts);
    facts
}

/// The validators' report; without an engine they have none.
async fn checked<E: Engine>(
    context: &CheckContext<'_, E>,
    subjects: &ValidationInput<'_>,
) -> Result<ValidationReport, Error> {
    // Before their files are copied: those of thousands of rules would be for nothing.
    if !validation::is_wanted(subjects) {
        return Ok(ValidationReport::not_run("there is nothing for them to validate".to_owned()));
    }
    let CheckContext { engine, reporter, cancel, pull } = context;
    match engine {
        Ok(engine) => {
            let validators = Validators { engine: *engine, reporter: *reporter, cancel, pull: *pull };
            validation::run(&validators, subjects).await
        }
        Err(reason) => Ok(ValidationReport::not_run(reason.clone())),
    }
}

/// Every panel of the dashboards in request.
async fn ask_panels<E: Engine>(
    request: &CheckRequest<'_>,
    context: &CheckContext<'_, E>,
    facts: &Facts,
) -> Vec<Finding> {
    if !request.live {
        return Vec::new();
    }
    let own = request.files.dashboard_files().map(|(_, file)| file);
    let dashboards: Vec<&ProjectFile> = match request.scope.selection() {
        Some(selection) => selection.of(Kind::Dashboard).collect(),
        None => own.filter(|file| request.scope.covers(&file.shown_as)).collect(),
    };
    let interval = facts.scrape_interval.unwrap_or_default();
    let shown = dashboards::rendered_texts(request.files, request.rendered);
    let queries = dashboards.iter().flat_map(|file| {
        let shown = shown.get(file.shown_as.as_str()).copied().unwrap_or(&file.text);
        panels::queries_of((&file.shown_as, &file.text), shown, interval)
    });
    let queries: Vec<_> = queries.collect();
    match &context.engine {
        _ if queries.is_empty() => Vec::new(),
        Ok(engine) => {
            live::panels(*engine, request.settings, &queries, context.reporter, context.cancel).await
        }
        Err(reason) => vec![live::no_grafana(reason)],
    }
}

/// Texts for the excerpts of these findings; `.env` is not among them, its lines are secrets.
pub fn sources(files: &ProjectFiles, scope: &Scope, findings: &[Finding]) -> BTreeMap<String, String> {
    let shown: BTreeSet<&str> = findings.iter().map(|finding| finding.place.file.as_str()).collect();
    let own = files.config.values().chain(files.rules.values()).chain(files.dashboards.values());
    let named =
        scope.selection().into_iter().flat_map(|selection| selection.files.iter().map(|(_, file)| file));
    own.chain(named)
        .filter(|file| shown.contains(file.shown_as.as_str()))
        .map(|file| (file.shown_as.clone(), file.text.clone()))
        .collect()
}
