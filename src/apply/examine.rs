//! A whole check: our lints, the official judges and (when asked) what runs, side by side.

use std::collections::BTreeMap;

use tokio_util::sync::CancellationToken;

use crate::apply::judges::Judges;
use crate::apply::live;
use crate::apply::opinion::{self, Opinion, Subjects};
use crate::check::gather::{self, Counts};
use crate::check::panels;
use crate::check::selection::{Kind, Scope};
use crate::check::{self, Facts, Finding, judge};
use crate::engine::Engine;
use crate::error::Error;
use crate::render::assets::ProjectFile;
use crate::render::{ProjectFiles, RenderedStack};
use crate::report::events::Reporter;
use crate::report::findings::CheckReport;
use crate::report::words;
use crate::settings::Settings;

/// What is to be checked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    pub settings: &'a Settings,
    pub files: &'a ProjectFiles,
    pub rendered: &'a RenderedStack,
    pub scope: &'a Scope,
    /// Also ask the backend and the running Grafana.
    pub live: bool,
}

/// Who can be asked.
pub struct Witnesses<'a, E> {
    /// The engine, or why there is none.
    pub engine: Result<&'a E, String>,
    pub reporter: &'a dyn Reporter,
    pub cancel: &'a CancellationToken,
}

/// Every finding. Only the user's stop is an error: a judge that cannot be asked is told in the report.
pub async fn run<E: Engine>(
    question: &Question<'_>,
    witnesses: &Witnesses<'_, E>,
) -> Result<CheckReport, Error> {
    let Question { settings, files, rendered, scope, .. } = *question;
    let mut facts = facts(question);
    let mut asked = Vec::new();
    if question.live {
        let info = witnesses.engine.as_ref().ok().map(|engine| engine.info());
        asked = live::contract(settings, files, info, &mut facts).await;
    }
    let subjects = Subjects { settings, files, rendered, scope, facts: &facts };
    let lints = async { tokio::task::block_in_place(|| check::run(&facts)) };
    let (opinion, mut findings, of_panels) =
        tokio::join!(judged(witnesses, &subjects), lints, ask_panels(question, witnesses, &facts));
    let opinion = opinion?;
    let seen: Vec<_> = facts.rule_files.iter().filter(|_| opinion.rules_judged()).collect();
    judge::merge(&mut findings, opinion::findings(&opinion, &subjects), &seen);
    findings.retain(|finding| scope.covers(&finding.file));
    let mut notes: Vec<String> = misfits(&mut findings).into_iter().collect();
    findings.extend(asked.into_iter().chain(of_panels));
    judge::sort(&mut findings);
    if matches!(scope, Scope::Project) && gather::notifies_somebody(rendered) == Some(false) {
        notes.push(
            "no receiver is configured: alerts fire, but nobody is notified (set SLACK_WEBHOOK_URL or PAGERDUTY_SERVICE_KEY in .env)"
                .to_owned(),
        );
    }
    let (sources, counts) = (sources(files, scope), Counts::of(&facts));
    // Taking thousands of rules apart takes a tenth of the whole check, and nobody need wait for it.
    std::thread::spawn(move || drop(facts));
    Ok(CheckReport { findings, sources, counts, judges: opinion.words(), notes })
}

/// Takes away what concerns shipped dashboards and routes: they are right on their own, so it only tells
/// that they were made for other rules than the project's.
fn misfits(findings: &mut Vec<Finding>) -> Option<String> {
    let before = findings.len();
    findings.retain(|finding| {
        let shipped = finding.file.strip_prefix("<embedded>/").unwrap_or_default();
        let judged = matches!(finding.id, judge::PROMTOOL | judge::AMTOOL);
        judged || !(shipped.starts_with("dashboards/") || shipped.starts_with("config/"))
    });
    let gone = before - findings.len();
    (gone > 0).then(|| {
        let what = words::count(gone, "finding");
        format!(
            "the shipped dashboards or routes do not fit the project's own rules or contract ({what} not shown); `confidexmon init` writes them out, to be changed"
        )
    })
}

/// What our lints judge.
pub fn facts(question: &Question<'_>) -> Facts {
    let Question { settings, files, rendered, scope, .. } = *question;
    let Some(selection) = scope.selection() else { return gather::project(settings, files, rendered) };
    let mut facts = gather::surroundings(settings, files, rendered);
    selection.narrow(&mut facts);
    facts
}

/// The judges' opinion; without an engine they have none.
async fn judged<E: Engine>(witnesses: &Witnesses<'_, E>, subjects: &Subjects<'_>) -> Result<Opinion, Error> {
    if opinion::jobs(subjects).is_empty() {
        return Ok(Opinion::not_run("there is nothing for them to judge".to_owned()));
    }
    let Witnesses { engine, reporter, cancel } = witnesses;
    match engine {
        Ok(engine) => opinion::run(&Judges { engine: *engine, reporter: *reporter, cancel }, subjects).await,
        Err(reason) => Ok(Opinion::not_run(reason.clone())),
    }
}

/// Every panel of the dashboards in question.
async fn ask_panels<E: Engine>(
    question: &Question<'_>,
    witnesses: &Witnesses<'_, E>,
    facts: &Facts,
) -> Vec<Finding> {
    if !question.live {
        return Vec::new();
    }
    let own = question.files.dashboard_files().map(|(_, file)| file);
    let dashboards: Vec<&ProjectFile> = match question.scope.selection() {
        Some(selection) => selection.of(Kind::Dashboard).collect(),
        None => own.filter(|file| question.scope.covers(&file.shown_as)).collect(),
    };
    let interval = facts.scrape_interval.unwrap_or_default();
    let queries = dashboards.iter().flat_map(|file| panels::queries(&file.shown_as, &file.text, interval));
    let queries: Vec<_> = queries.collect();
    match &witnesses.engine {
        _ if queries.is_empty() => Vec::new(),
        Ok(engine) => {
            live::panels(*engine, question.settings, &queries, witnesses.reporter, witnesses.cancel).await
        }
        Err(reason) => vec![live::no_grafana(reason)],
    }
}

/// Texts for the excerpts; `.env` is not among them, its lines are secrets.
pub fn sources(files: &ProjectFiles, scope: &Scope) -> BTreeMap<String, String> {
    let own = files.config.values().chain(files.rules.values()).chain(files.dashboards.values());
    let named =
        scope.selection().into_iter().flat_map(|selection| selection.files.iter().map(|(_, file)| file));
    own.chain(named).map(|file| (file.shown_as.clone(), file.text.clone())).collect()
}
