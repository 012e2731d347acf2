//! Prometheus: promtool validates, the reload is confirmed by `/api/v1/rules`.

use std::time::Duration;

use crate::apply::reload::{Change, Validation};
use crate::engine::Engine;
use crate::error::{Error, ExitCode};
use crate::model::FileSet;
use crate::net::prometheus::{LoadedGroup, Prometheus};
use crate::plan::rule_intent::{self, Intent};

/// How long a reload by signal may take to show.
const SIGNAL_DEADLINE: Duration = Duration::from_secs(15);

pub(super) async fn validate<E: Engine>(change: &Change<'_, E>) -> Result<Validation, Error> {
    let path = change.staged_path("prometheus.yml");
    change.run_validator(&["promtool", "check", "config", &path]).await
}

pub(super) fn api<E: Engine>(change: &Change<'_, E>) -> Prometheus {
    Prometheus { http: change.session.http.clone(), base_url: change.address.url(""), auth: change.auth() }
}

pub(super) async fn reload_and_verify<E: Engine>(change: &Change<'_, E>, set: &FileSet) -> Result<(), Error> {
    let prometheus = api(change);
    reload(change, &prometheus).await?;
    prove(&prometheus, set).await.map(drop)
}

/// What is loaded; an error unless exactly the rules of `set` are in force.
pub(super) async fn prove(prometheus: &Prometheus, set: &FileSet) -> Result<Vec<LoadedGroup>, Error> {
    let info = prometheus.runtime_info().await?;
    if !info.reload_config_success {
        return Err(Error::new(ExitCode::Failed, "Prometheus did not take the new configuration")
            .hint("its reason is in its log: `confidexmon logs prometheus --tail 20`"));
    }
    let groups = prometheus.rules().await?;
    match rule_intent::difference(
        &rule_intent::of_files(set),
        &Intent::of_loaded(groups.iter().map(LoadedGroup::names)),
    ) {
        None => Ok(groups),
        Some(difference) => Err(Error::new(
            ExitCode::Failed,
            format!("Prometheus does not hold the rules that were written: {difference}"),
        )),
    }
}

/// By the lifecycle API where it is on, else by a signal sent inside the container. Never by the
/// engine's kill call: after it the engine no longer restarts the container (measured).
async fn reload<E: Engine>(change: &Change<'_, E>, prometheus: &Prometheus) -> Result<(), Error> {
    if change.wanted.spec.command.iter().any(|argument| argument == "--web.enable-lifecycle") {
        return Ok(prometheus.reload().await?);
    }
    let before = prometheus.runtime_info().await?;
    // Times are told to the second: a reload within the same second could not be told apart.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    let command = ["kill", "-HUP", "1"].map(str::to_owned);
    change.session.engine.exec(change.container_id, &command, None).await?;
    let deadline = tokio::time::Instant::now() + SIGNAL_DEADLINE;
    while tokio::time::Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = prometheus.runtime_info().await?;
        if now != before {
            return Ok(());
        }
    }
    Err(Error::new(ExitCode::Failed, "Prometheus did not react to the reload signal")
        .hint("its reason is in its log: `confidexmon logs prometheus --tail 20`"))
}
