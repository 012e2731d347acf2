//! Alertmanager: amtool validates, the reload is confirmed by the metrics of the last reload.

use crate::apply::reload::{Change, Validation};
use crate::engine::Engine;
use crate::error::{Error, ExitCode};
use crate::model::FileSet;
use crate::net::alertmanager::{Alertmanager, sample};

pub(super) async fn validate<E: Engine>(change: &Change<'_, E>) -> Result<Validation, Error> {
    let path = change.staged_path("alertmanager.yml");
    change.run_validator(&["amtool", "check-config", &path]).await
}

pub(super) async fn reload_and_verify<E: Engine>(
    change: &Change<'_, E>,
    _set: &FileSet,
) -> Result<(), Error> {
    let alertmanager = api(change);
    alertmanager.reload().await?;
    prove(&alertmanager).await
}

pub(super) fn api<E: Engine>(change: &Change<'_, E>) -> Alertmanager {
    Alertmanager { http: change.session.http.clone(), base_url: change.address.url(""), auth: change.auth() }
}

/// An error unless the last reload took.
pub(super) async fn prove(alertmanager: &Alertmanager) -> Result<(), Error> {
    let metrics = alertmanager.metrics().await?;
    match sample(&metrics, "alertmanager_config_last_reload_successful", "") {
        Some(1.0) => Ok(()),
        _ => Err(Error::new(ExitCode::Failed, "Alertmanager did not take the new configuration")
            .hint("its reason is in its log: `confidexmon logs alertmanager --tail 20`")),
    }
}
