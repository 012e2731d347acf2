//! Grafana: the files are judged as JSON here, the reload is confirmed dashboard by dashboard.

use serde_json::Value;

use crate::apply::reload::{Change, Judgement};
use crate::engine::Engine;
use crate::error::{Error, ExitCode};
use crate::model::{FileSet, Secret};
use crate::net::grafana::Grafana;
use crate::render::context::secret_path;

/// Grafana logs a broken dashboard and skips it; here it is refused before it is written.
pub(super) fn judge<E: Engine>(change: &Change<'_, E>) -> Judgement {
    for (path, file) in dashboards(&change.wanted.files) {
        let name = path.replace("/etc/confidexmon/", "");
        match serde_json::from_slice::<Value>(file) {
            Err(error) => {
                return Judgement::Refused(format!("{name}:{}:{}: {error}", error.line(), error.column()));
            }
            Ok(dashboard) if dashboard.get("title").and_then(Value::as_str).is_none_or(str::is_empty) => {
                return Judgement::Refused(format!("{name}: the dashboard has no title"));
            }
            Ok(_) => {}
        }
    }
    Judgement::Valid
}

fn dashboards(set: &FileSet) -> impl Iterator<Item = (&String, &[u8])> {
    set.files.iter().filter(|(path, _)| path.ends_with(".json")).map(|(path, file)| (path, file.bytes()))
}

pub(super) async fn take_effect<E: Engine>(change: &Change<'_, E>, set: &FileSet) -> Result<(), Error> {
    let grafana = api(change);
    if change.changes.written().iter().any(|path| path.contains("/datasources/")) {
        reload(&grafana, "datasources").await?;
    }
    reload(&grafana, "dashboards").await?;
    for path in change.changes.written() {
        let Some(file) = set.files.get(&path).filter(|file| file.path.ends_with(".json")) else { continue };
        let dashboard: Value = serde_json::from_slice(file.bytes()).unwrap_or_default();
        let Some(uid) = dashboard.get("uid").and_then(Value::as_str) else { continue };
        if grafana.dashboard(uid).await?.is_none() {
            let message = format!("Grafana does not show the dashboard `{uid}` after its reload");
            return Err(Error::new(ExitCode::Failed, message)
                .hint("its reason is in its log: `confidexmon logs grafana --tail 20`"));
        }
    }
    Ok(())
}

pub(super) fn api<E: Engine>(change: &Change<'_, E>) -> Grafana {
    Grafana { http: change.applier.http.clone(), base_url: change.address.url(""), auth: credentials(change) }
}

/// An error unless Grafana lists every dashboard of `set`.
pub(super) async fn prove(grafana: &Grafana, set: &FileSet) -> Result<(), Error> {
    let shown = grafana.dashboard_uids().await?;
    for (path, file) in dashboards(set) {
        let dashboard: Value = serde_json::from_slice(file).unwrap_or_default();
        let Some(uid) = dashboard.get("uid").and_then(Value::as_str) else { continue };
        if !shown.contains(uid) {
            let name = path.rsplit('/').next().unwrap_or(path);
            return Err(Error::new(
                ExitCode::Failed,
                format!("Grafana does not show the dashboard `{uid}` of {name}"),
            )
            .hint("its reason is in its log: `confidexmon logs grafana --tail 20`"));
        }
    }
    Ok(())
}

async fn reload(grafana: &Grafana, what: &str) -> Result<(), Error> {
    grafana.reload(what).await.map_err(|error| {
        let refused = matches!(error, crate::net::NetError::Status { status: 401 | 403, .. });
        let error = Error::from(error);
        if refused {
            return error.hint(
                "Grafana takes GRAFANA_ADMIN_PASSWORD on its first start only: set the old one in .env, or change Grafana's with `grafana cli admin reset-admin-password` in its container",
            );
        }
        error
    })
}

/// The admin, with the password that was handed to the container as a file.
fn credentials<E: Engine>(change: &Change<'_, E>) -> Option<(String, Secret)> {
    let user = change.wanted.spec.env.get("GF_SECURITY_ADMIN_USER")?;
    let file = change.wanted.files.files.get(secret_path::GRAFANA_ADMIN)?;
    Some((user.clone(), Secret::new(String::from_utf8_lossy(file.bytes()).into_owned())))
}
