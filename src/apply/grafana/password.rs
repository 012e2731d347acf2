//! The administrator's password. Grafana reads it on its first start only, so a changed one is applied
//! by Grafana's own means, and proved by signing in.

use crate::apply::StackSession;
use crate::engine::Engine;
use crate::model::Secret;
use crate::net::NetError;
use crate::net::grafana::Grafana;

/// How the password of the settings stands to the one in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Password {
    InForce,
    /// It was not, and is now.
    Applied,
    /// The settings name none, and one that was set before, there or in Grafana's pages, stays.
    FormerStays,
    /// Grafana goes on with another one, in its own words.
    NotApplied(String),
}

/// What the settings say about the administrator.
pub struct Wanted<'a> {
    pub grafana: &'a Grafana,
    pub container_id: &'a str,
    /// False for the well-known default, which nobody chose.
    pub is_chosen: bool,
    /// What the container's file held before, when that is known.
    pub before: Option<Secret>,
}

/// Makes the settings' password the one in force, when the settings name one.
///
/// # Errors
/// When Grafana does not answer.
pub async fn ensure<E: Engine>(session: &StackSession<E>, wanted: &Wanted<'_>) -> Result<Password, NetError> {
    // One wrong try only: Grafana locks a login for minutes after five.
    if wanted.grafana.signs_in().await? {
        return Ok(Password::InForce);
    }
    if !wanted.is_chosen {
        return Ok(Password::FormerStays);
    }
    if let Some(before) = &wanted.before
        && wanted.grafana.change_password(before).await?
        && wanted.grafana.signs_in().await?
    {
        return Ok(Password::Applied);
    }
    let words = reset(session, wanted).await;
    if wanted.grafana.signs_in().await? {
        return Ok(Password::Applied);
    }
    Ok(Password::NotApplied(words))
}

/// Grafana's command line in the container, with the password on its standard input.
async fn reset<E: Engine>(session: &StackSession<E>, wanted: &Wanted<'_>) -> String {
    let Some((_, password)) = &wanted.grafana.auth else { return "there is no password".to_owned() };
    let argv = [
        "grafana",
        "cli",
        "--homepath=/usr/share/grafana",
        "admin",
        "reset-admin-password",
        "--password-from-stdin",
    ];
    let argv: Vec<String> = argv.into_iter().map(str::to_owned).collect();
    let stdin = format!("{}\n", password.reveal());
    match session.engine.exec(wanted.container_id, &argv, Some(stdin.as_bytes())).await {
        Ok(output) => crate::net::http::one_line(&format!("{} {}", output.stdout, output.stderr)),
        Err(error) => error.to_string(),
    }
}
