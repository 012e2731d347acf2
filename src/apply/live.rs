//! What only the running things can tell: the backend's own metrics, and whether panels show data.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream;
use tokio_util::sync::CancellationToken;

use crate::analysis::contract::Contract;
use crate::apply::{gather, grafana, probe};
use crate::check::panels::{self, PanelQuery, warmup};
use crate::check::{Facts, Finding, Severity};
use crate::engine::{Engine, EngineInfo};
use crate::error::{Error, ExitCode, in_full};
use crate::model::{Place, Secret, ServiceKind};
use crate::net::backend::{self, Auth, Tls};
use crate::net::grafana::Grafana;
use crate::net::{HttpClient, NetError};
use crate::render::ProjectFiles;
use crate::report::events::{Event, Reporter};
use crate::settings::{PemFile, Settings, TargetAuth, TargetSettings};

/// Panels that are asked at the same time.
const AT_ONCE: usize = 4;
/// Grafana's own deadline for a datasource is 30 s.
const PANEL_DEADLINE: Duration = Duration::from_secs(35);
/// The name by which containers reach the machine that runs the engine.
const HOST_ALIAS: &str = "host.docker.internal";

/// The id of findings about what was asked and did not answer.
pub const UNREACHABLE: &str = "live-unreachable";

/// Puts what the backend exports now into the place of the saved contract. A target that does not
/// answer is a finding; when none does, the saved contract stays.
pub async fn contract(
    settings: &Settings,
    files: &ProjectFiles,
    engine: Option<&EngineInfo>,
    facts: &mut Facts,
) -> Vec<Finding> {
    let asked = settings.targets.iter().map(|target| async move { (target, fetch(target, engine).await) });
    let mut texts = Vec::new();
    let mut jobs = Vec::new();
    let mut findings = Vec::new();
    for (target, answer) in join_all(asked).await {
        match answer {
            Ok(text) => {
                texts.push(text);
                jobs.push(target.job.clone());
            }
            Err(error) => findings.push(unreachable(target, files, &error)),
        }
    }
    if !texts.is_empty() {
        facts.contract = Some(Contract::parse(&texts.join("\n")));
        facts.backend_jobs = jobs.into_iter().collect();
    }
    findings
}

/// What the first job of the settings exports, as its targets answer now: the metrics of a backend.
///
/// # Errors
/// When none of its targets answers.
pub async fn exposition(settings: &Settings, engine: Option<&EngineInfo>) -> Result<(String, String), Error> {
    let job = settings.targets.first().map(|target| target.job.clone()).ok_or_else(|| {
        Error::new(ExitCode::Usage, "the settings name no target, so there are no metrics to fetch")
            .hint("add one under `targets:` in config/confidexmon.yml")
    })?;
    let targets = settings.targets.iter().filter(|target| target.job == job);
    let asked = targets.map(|target| async move { (target, fetch(target, engine).await) });
    let (mut texts, mut failed) = (Vec::new(), None);
    for (target, answer) in join_all(asked).await {
        match answer {
            Ok(text) => texts.push(text),
            Err(error) => failed = Some((target, error)),
        }
    }
    match (texts.is_empty(), failed) {
        (true, Some((target, error))) => {
            let message = format!(
                "the target `{}` at {} gives no metrics: {}",
                target.job,
                target.address,
                in_full(&error)
            );
            Err(Error::new(ExitCode::Failed, message)
                .hint("start the backend, or correct its `url` in config/confidexmon.yml"))
        }
        _ => Ok((job, texts.join("\n"))),
    }
}

async fn fetch(target: &TargetSettings, engine: Option<&EngineInfo>) -> Result<String, NetError> {
    let auth = match &target.auth {
        TargetAuth::None => Auth::None,
        TargetAuth::Bearer(token) => Auth::Bearer(token.clone()),
        TargetAuth::Basic { username, password } => Auth::Basic((username.clone(), password.clone())),
    };
    let url = format!("{}://{}{}", target.scheme, from_here(&target.address, engine), target.path);
    let text = |file: &Option<PemFile>| file.as_ref().map(|file| file.text.clone());
    let identity = text(&target.tls.certificate).zip(text(&target.tls.key));
    let tls = Tls {
        authority: text(&target.tls.authority),
        identity: identity
            .map(|(certificate, key)| Secret::new(format!("{}\n{}", certificate.reveal(), key.reveal()))),
        insecure: target.insecure_skip_verify,
    };
    backend::metrics(&url, &auth, &tls).await
}

/// The address is the container's view; its host is the engine's machine, which is mostly this one.
pub(crate) fn from_here(address: &str, engine: Option<&EngineInfo>) -> String {
    let Some(port) = address.strip_prefix(HOST_ALIAS) else { return address.to_owned() };
    let loopback = [127, 0, 0, 1].into();
    let host = engine.map_or_else(
        || "127.0.0.1".to_owned(),
        |info| probe::host(&info.endpoint, info.ports_are_local, loopback),
    );
    format!("{host}{port}")
}

fn unreachable(target: &TargetSettings, files: &ProjectFiles, error: &NetError) -> Finding {
    let settings = files.config.get("confidexmon.yml");
    let line = settings.and_then(|file| {
        let named = |line: &str| line.contains(&target.address) && !line.trim_start().starts_with('#');
        file.text.lines().position(named)
    });
    let place = Place {
        file: settings.map_or_else(|| "config/confidexmon.yml".to_owned(), |file| file.shown_as.clone()),
        line: line.map_or(0, |line| line + 1),
        column: usize::from(line.is_some()),
        length: 0,
    };
    let message = format!(
        "the metrics of the target `{}` cannot be read from here, so rules were checked without them: {}",
        target.job,
        in_full(error)
    );
    Finding::new(UNREACHABLE, Severity::Warning, place, message)
        .fix("start the backend, or leave `--live` out to check against config/backend.prom")
}

/// How long a stack that has just started is given until every panel can show something, and how often
/// it is looked at.
const WARMUP_LIMIT: Duration = Duration::from_secs(90);
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Asks the queries of every panel through the running Grafana. What is empty in a stack that is too
/// young to show anything is asked again when it has grown up.
pub async fn panels<E: Engine>(
    engine: &E,
    settings: &Settings,
    queries: &[PanelQuery],
    reporter: &dyn Reporter,
    cancel: &CancellationToken,
) -> Vec<Finding> {
    match running_grafana(engine, settings).await {
        // One wrong try only: Grafana locks a login for minutes after five.
        Ok(grafana) if grafana.signs_in().await.is_ok_and(|signs_in| !signs_in) => vec![not_let_in()],
        Ok(grafana) => {
            let findings = ask_all(&grafana, queries).await;
            let interval = settings.prometheus.scrape_interval.length();
            let question = queries.first().map(|query| warmup::question(query, interval));
            let Some(question) = question.filter(|_| findings.iter().any(warmup::may_resolve)) else {
                return findings;
            };
            // One that was old enough when it was asked has said its last word.
            if !is_warming_up(&grafana, &question).await {
                return findings;
            }
            reporter.event(&Event::Fact {
                text: format!(
                    "a target was scraped too few times yet for every panel to show something: waiting, at most {} s",
                    WARMUP_LIMIT.as_secs()
                ),
            });
            let warmed_up = async {
                while is_warming_up(&grafana, &question).await {
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
            };
            let in_time = tokio::select! {
                warmed_up = tokio::time::timeout(WARMUP_LIMIT, warmed_up) => warmed_up.is_ok(),
                () = cancel.cancelled() => false,
            };
            if in_time {
                return ask_all(&grafana, queries).await;
            }
            let excuse =
                |finding| if warmup::may_resolve(&finding) { warmup::downgrade(finding) } else { finding };
            findings.into_iter().map(excuse).collect()
        }
        Err(reason) => vec![no_grafana(&reason)],
    }
}

async fn ask_all(grafana: &Grafana, queries: &[PanelQuery]) -> Vec<Finding> {
    let ask = |query| async move { ask(grafana, query).await };
    let answers: Vec<_> = stream::iter(queries).map(ask).buffered(AT_ONCE).collect().await;
    let mut findings = Vec::new();
    for answer in answers {
        match answer {
            Ok(finding) => findings.extend(finding),
            // Grafana itself is the problem: said once.
            Err(error) => {
                findings.push(no_grafana(&in_full(&error)));
                break;
            }
        }
    }
    findings
}

/// False when Grafana cannot tell: then nothing is downgraded.
async fn is_warming_up(grafana: &Grafana, question: &serde_json::Value) -> bool {
    grafana.query(question).await.is_ok_and(|answer| warmup::is_warming_up(&answer))
}

async fn ask(grafana: &Grafana, query: &PanelQuery) -> Result<Option<Finding>, NetError> {
    Ok(panels::assess(query, &grafana.query(&query.body).await?))
}

async fn running_grafana<E: Engine>(engine: &E, settings: &Settings) -> Result<Grafana, String> {
    let observed = engine.list().await.map_err(|error| format!("{error}: {}", error.source))?;
    let name = settings.stack.container(ServiceKind::Grafana);
    let container = gather::services(&observed, &settings.stack).find(|container| container.name == name);
    let port = container.and_then(|container| container.ports.first()).map(|(_, port, _)| *port);
    let Some(port) = port else { return Err(format!("`{name}` does not run")) };
    let info = engine.info();
    let host = probe::host(&info.endpoint, info.ports_are_local, settings.bind);
    let http = HttpClient::new(PANEL_DEADLINE).map_err(|error| in_full(&error))?;
    let auth = (settings.grafana.admin_user.clone(), settings.grafana.admin_password.clone());
    Ok(Grafana { http, base_url: format!("http://{host}:{port}"), auth: Some(auth) })
}

fn not_let_in() -> Finding {
    let message = "the panels could not be asked: Grafana does not take the password of the settings, another one that was set before is still in force";
    Finding::new(UNREACHABLE, Severity::Warning, Place::file("dashboards"), message).fix(grafana::SET_AGAIN)
}

/// The finding that no panel could be asked.
pub fn no_grafana(reason: &str) -> Finding {
    let message = format!("the panels could not be asked through Grafana: {reason}");
    Finding::new(UNREACHABLE, Severity::Warning, Place::file("dashboards"), message)
        .fix("`confidexmon up` starts the stack; `confidexmon status` shows how it is")
}
