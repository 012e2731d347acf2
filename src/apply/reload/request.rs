//! A reload that a person asked for: one service's files, and what is in force afterwards.

use std::time::Duration;

use tokio::time::Instant;

use crate::apply::reload::diff::{self, RulesDiff};
use crate::apply::reload::{Change, alertmanager, grafana, guard, prometheus};
use crate::apply::{StackSession, gather};
use crate::engine::Engine;
use crate::error::{Error, ExitCode};
use crate::model::{FileChanges, Manifest, ObservedContainer, ServiceKind};
use crate::net::NetError;
use crate::net::prometheus::{LoadedGroup, Prometheus};
use crate::services::{Api, DesiredService, FileEffect, file_effect, profile};

/// What a reload ended with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reloaded {
    pub service: ServiceKind,
    pub files: FileChanges,
    /// False when the files were in force already and nothing was done.
    pub acted: bool,
    /// Prometheus only.
    pub rules: Option<RulesDiff>,
    /// From `began` to the proof.
    pub elapsed: Duration,
}

/// Makes the project's files of one running service the ones in force, or leaves the old ones.
pub async fn run<E: Engine>(
    session: &StackSession<E>,
    service: ServiceKind,
    wanted: &DesiredService,
    container: &ObservedContainer,
    began: Instant,
) -> Result<Reloaded, Error> {
    let known = gather::known_files(session, &container.id, &wanted.files.root).await?.unwrap_or_default();
    let files = known.changes_to(&Manifest::of(&wanted.files));
    // When it is not known what lies in the volume every file counts as new; most of them are not.
    if known != Manifest::default() {
        refuse_what_needs_a_start(service, &files)?;
    }
    let change = Change::open(session, service, wanted, &container.id, &files).await?;
    let proven = if files.is_empty() { in_force(&change).await } else { None };
    let acted = proven.is_none();
    let before = match proven {
        Some(rules) => rules,
        None => rules_before(&change).await?,
    };
    if acted {
        change.apply_transactionally().await?;
    }
    let after = if acted { rules(&change).await? } else { before.clone() };
    let rules = (service == ServiceKind::Prometheus).then(|| diff::between(&before, &after));
    Ok(Reloaded { service, files, acted, rules, elapsed: began.elapsed() })
}

/// The rules that a Prometheus holds; other services have none.
async fn rules<E: Engine>(change: &Change<'_, E>) -> Result<Vec<LoadedGroup>, Error> {
    match change.service {
        ServiceKind::Prometheus => Ok(prometheus::api(change).rules().await?),
        _ => Ok(Vec::new()),
    }
}

/// The rules before the change, which may bring another password.
async fn rules_before<E: Engine>(change: &Change<'_, E>) -> Result<Vec<LoadedGroup>, Error> {
    if change.service != ServiceKind::Prometheus {
        return Ok(Vec::new());
    }
    match prometheus::api(change).rules().await {
        Err(NetError::Status { status: 401, .. }) => {
            let auth = guard::old_credentials(change).await;
            Ok(Prometheus { auth, ..prometheus::api(change) }.rules().await?)
        }
        other => Ok(other?),
    }
}

/// The files are those that we wrote; this asks whether they also count. `None`: they do not.
async fn in_force<E: Engine>(change: &Change<'_, E>) -> Option<Vec<LoadedGroup>> {
    let set = &change.wanted.files;
    let proof = match profile(change.service).api {
        Api::Prometheus => return prometheus::prove(&prometheus::api(change), set).await.ok(),
        Api::Alertmanager => alertmanager::prove(&alertmanager::api(change)).await,
        Api::Grafana => grafana::prove(&grafana::api(change), set).await,
        Api::Redis | Api::RedisExporter => Ok(()),
    };
    proof.ok().map(|()| Vec::new())
}

fn refuse_what_needs_a_start(service: ServiceKind, files: &FileChanges) -> Result<(), Error> {
    let mut at_start = files.touched().filter(|path| file_effect(service, path) == FileEffect::Restart);
    match at_start.next() {
        None => Ok(()),
        Some(path) => Err(Error::new(
            ExitCode::Failed,
            format!("{path} changed, and {service} reads it only when it starts; nothing was touched"),
        )
        .hint("`confidexmon up` writes it and restarts the service")),
    }
}
