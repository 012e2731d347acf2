//! Grafana: what it would not take is refused here, the reload is confirmed dashboard by dashboard.

use crate::apply::grafana::provisioned::{Lack, Proof};
use crate::apply::reload::{Change, Validation};
use crate::engine::Engine;
use crate::error::{Error, ExitCode};
use crate::formats::dashboard::Dashboard;
use crate::formats::dashboard::validity;
use crate::formats::yaml::source::Position;
use crate::health::provisioned::pages;
use crate::model::FileSet;
use crate::net::grafana::Grafana;

/// The folders whose files become dashboards; each is a folder of Grafana's.
const FOLDERS: [&str; 2] = ["/etc/confidexmon/dashboards/", "/etc/confidexmon/runbooks/"];

/// Grafana logs a dashboard that it does not take, and skips it; here it is refused before it is written.
pub(super) fn validate<E: Engine>(change: &Change<'_, E>) -> Validation {
    match FOLDERS.iter().find_map(|folder| first_refusal(&change.wanted.files, folder)) {
        Some(reason) => Validation::Refused(reason, None),
        None => Validation::Valid,
    }
}

fn first_refusal(set: &FileSet, folder: &str) -> Option<String> {
    let json = set.files.iter().filter(|(path, _)| path.ends_with(".json") && path.starts_with(folder));
    let read = |path: &str, bytes: &[u8]| {
        Dashboard::read(path.replace("/etc/confidexmon/", ""), String::from_utf8_lossy(bytes))
    };
    let dashboards: Vec<Dashboard> = json.map(|(path, file)| read(path, file.bytes())).collect();
    let refusals = validity::refusals(&dashboards);
    let (dashboard, refusal) = refusals.first()?;
    let Position { line, column } = refusal.place;
    Some(format!("{}:{line}:{column}: {}", dashboard.source.path, refusal.reason))
}

pub(super) async fn reload_and_verify<E: Engine>(change: &Change<'_, E>, set: &FileSet) -> Result<(), Error> {
    let grafana = api(change);
    if change.changes.written().iter().any(|path| path.contains("/datasources/")) {
        reload(&grafana, "datasources").await?;
    }
    reload(&grafana, "dashboards").await?;
    let written = change.changes.written();
    let proof =
        Proof { session: change.session, grafana: &grafana, container_id: change.container_id, files: set };
    let lacks = proof.lacks_of(|page| written.contains(&page.path)).await?;
    lacks.first().map_or(Ok(()), |lack| Err(not_shown(lack)))
}

fn not_shown(lack: &Lack) -> Error {
    Error::new(
        ExitCode::Failed,
        format!("Grafana does not show {} after its reload: {}", lack.what, lack.reason),
    )
    .hint("correct the file, then run the command again; Grafana's log: `confidexmon logs grafana --tail 20`")
}

pub(super) fn api<E: Engine>(change: &Change<'_, E>) -> Grafana {
    crate::apply::grafana::api(change.session, change.wanted, &change.address)
}

/// An error unless Grafana shows every dashboard of `set`.
pub(super) async fn prove(grafana: &Grafana, set: &FileSet) -> Result<(), Error> {
    let shown = grafana.dashboard_uids().await?;
    for page in pages(set) {
        let Some(uid) = page.uid.filter(|uid| !shown.contains(uid)) else { continue };
        // The list may be behind what was just written.
        if grafana.dashboard(&uid).await?.is_none() {
            return Err(not_shown(&Lack { what: page.shown_as, reason: format!("`{uid}` is not there") }));
        }
    }
    Ok(())
}

async fn reload(grafana: &Grafana, what: &str) -> Result<(), Error> {
    grafana.reload(what).await.map_err(|error| {
        let refused = matches!(error, crate::net::NetError::Status { status: 401 | 403, .. });
        let error = Error::from(error);
        if refused {
            return error.hint("`confidexmon up` makes GRAFANA_ADMIN_PASSWORD the password in force");
        }
        error
    })
}
