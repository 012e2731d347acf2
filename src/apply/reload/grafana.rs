//! Grafana: the files are checked as JSON here, the reload is confirmed dashboard by dashboard.

use serde_json::Value;

use crate::apply::grafana::provisioned::{Lack, Proof};
use crate::apply::reload::{Change, Validation};
use crate::engine::Engine;
use crate::error::{Error, ExitCode};
use crate::health::provisioned::pages;
use crate::model::FileSet;
use crate::net::grafana::Grafana;

/// Grafana logs a broken dashboard and skips it; here it is refused before it is written.
pub(super) fn validate<E: Engine>(change: &Change<'_, E>) -> Validation {
    for (path, file) in dashboards(&change.wanted.files) {
        let name = path.replace("/etc/confidexmon/", "");
        match serde_json::from_slice::<Value>(file) {
            Err(error) => {
                return Validation::Refused(format!("{name}:{}:{}: {error}", error.line(), error.column()));
            }
            Ok(dashboard) if dashboard.get("title").and_then(Value::as_str).is_none_or(str::is_empty) => {
                return Validation::Refused(format!("{name}: the dashboard has no title"));
            }
            Ok(_) => {}
        }
    }
    Validation::Valid
}

fn dashboards(set: &FileSet) -> impl Iterator<Item = (&String, &[u8])> {
    set.files.iter().filter(|(path, _)| path.ends_with(".json")).map(|(path, file)| (path, file.bytes()))
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
