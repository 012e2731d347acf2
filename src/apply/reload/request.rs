//! A reload that a person asked for: one service's files, and what is in force afterwards.

use std::time::Duration;

use tokio::time::Instant;

use crate::apply::reload::diff::{self, RulesDiff};
use crate::apply::reload::{Change, alertmanager, grafana, intent, prometheus};
use crate::apply::{Applier, gather};
use crate::engine::Engine;
use crate::error::{Error, ExitCode};
use crate::model::{FileChanges, Manifest, ObservedContainer, ServiceKind};
use crate::services::{DesiredService, FileEffect, file_effect};

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
    applier: &Applier<E>,
    service: ServiceKind,
    wanted: &DesiredService,
    container: &ObservedContainer,
    began: Instant,
) -> Result<Reloaded, Error> {
    let known = gather::known_files(applier, &container.id, &wanted.files.root).await?.unwrap_or_default();
    let files = known.changes_to(&Manifest::of(&wanted.files));
    // When it is not known what lies in the volume every file counts as new; most of them are not.
    if known != Manifest::default() {
        refuse_what_needs_a_start(service, &files)?;
    }
    let change = Change::open(applier, service, wanted, &container.id, &files).await?;
    let rules_before = match service {
        ServiceKind::Prometheus => prometheus::api(&change).rules().await?,
        _ => Vec::new(),
    };
    let acted = !(files.is_empty() && in_force(&change).await);
    if acted {
        change.in_place().await?;
    }
    let rules = match service {
        ServiceKind::Prometheus if acted => {
            Some(diff::between(&rules_before, &prometheus::api(&change).rules().await?))
        }
        ServiceKind::Prometheus => Some(diff::between(&rules_before, &rules_before)),
        _ => None,
    };
    Ok(Reloaded { service, files, acted, rules, elapsed: began.elapsed() })
}

/// How many rules the files of a Prometheus hold.
pub fn rule_count(wanted: &DesiredService) -> usize {
    intent::rule_count(&intent::of_files(&wanted.files))
}

/// The files are those that we wrote; this asks whether they also count.
async fn in_force<E: Engine>(change: &Change<'_, E>) -> bool {
    let set = &change.wanted.files;
    let proof = match change.service {
        ServiceKind::Prometheus => prometheus::prove(&prometheus::api(change), set).await,
        ServiceKind::Alertmanager => alertmanager::prove(&alertmanager::api(change)).await,
        ServiceKind::Grafana => grafana::prove(&grafana::api(change), set).await,
        ServiceKind::Redis => Ok(()),
    };
    proof.is_ok()
}

fn refuse_what_needs_a_start(service: ServiceKind, files: &FileChanges) -> Result<(), Error> {
    let touched = files.added.iter().chain(&files.changed).chain(&files.removed);
    let mut at_start = touched.filter(|path| file_effect(service, path) == FileEffect::Restart);
    match at_start.next() {
        None => Ok(()),
        Some(path) => Err(Error::new(
            ExitCode::Failed,
            format!("{path} changed, and {service} reads it only when it starts; nothing was touched"),
        )
        .hint("`confidexmon up` writes it and restarts the service")),
    }
}
