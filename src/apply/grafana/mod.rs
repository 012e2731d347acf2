//! What only a running Grafana can tell: whose password is in force, and what it took from its files.

pub mod password;
pub mod provisioned;
pub mod secret_key;

use crate::apply::StackSession;
use crate::apply::grafana::password::Password;
use crate::apply::grafana::provisioned::{Datasources, Lack, Proof};
use crate::apply::probe::Address;
use crate::engine::Engine;
use crate::model::{ObservedContainer, Secret, ServiceKind};
use crate::net::NetError;
use crate::net::grafana::Grafana;
use crate::render::context::secret_path;
use crate::report::events::ServiceState;
use crate::services::DesiredService;
use crate::store::tarball;

/// Grafana's API as the administrator whom the container's files name.
pub fn api<E: Engine>(session: &StackSession<E>, wanted: &DesiredService, address: &Address) -> Grafana {
    Grafana { http: session.http.clone(), base_url: address.url(""), auth: credentials(wanted) }
}

/// The administrator, with the password that is handed to the container as a file.
fn credentials(wanted: &DesiredService) -> Option<(String, Secret)> {
    let user = wanted.spec.env.get("GF_SECURITY_ADMIN_USER")?;
    let file = wanted.files.files.get(secret_path::GRAFANA_ADMIN)?;
    Some((user.clone(), Secret::new(String::from_utf8_lossy(file.bytes()).into_owned())))
}

/// The password that a container's file holds now, when it is another one than the wanted. Asked before
/// the file is replaced: Grafana changes a password only for who knows the old one.
pub async fn old_password<E: Engine>(
    session: &StackSession<E>,
    wanted: &DesiredService,
    container: &ObservedContainer,
) -> Option<Secret> {
    let (_, new) = credentials(wanted)?;
    let archive = session.engine.download(&container.id, secret_path::GRAFANA_ADMIN).await.ok()?;
    let file = tarball::extract(&archive, 64 * 1024).ok()?.into_iter().next()?;
    let old = String::from_utf8_lossy(&file.bytes).into_owned();
    (old != new.reveal()).then(|| Secret::new(old))
}

/// A Grafana that answers, and what the settings say about it.
pub struct Ready<'a> {
    pub wanted: &'a DesiredService,
    pub container_id: &'a str,
    pub address: Address,
    /// False when the settings leave the password to the well-known default.
    pub password_is_chosen: bool,
    pub old_password: Option<Secret>,
}

const FORMER_STAYS: &str =
    "the password that was set before, in .env or in Grafana's pages, is still in force";
/// What is to be done about a password that Grafana does not take.
pub const SET_AGAIN: &str =
    "set it as GRAFANA_ADMIN_PASSWORD in .env, or a new one, which `confidexmon up` puts in force";

/// What the proof found; warnings are said already.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proven {
    /// True while everybody can sign in with the default password.
    pub default_in_force: bool,
    pub lacks: Vec<Lack>,
    /// True when everything was asked for and is there.
    pub whole: bool,
    /// True when Grafana does not take the password of the settings, so nothing could be asked.
    pub refused: bool,
}

/// Applies the password where it is not in force, then asks for every dashboard and datasource. What is
/// not there is a warning with Grafana's own words.
pub async fn prove<E: Engine>(
    session: &StackSession<E>,
    ready: &Ready<'_>,
    datasources: Datasources,
) -> Proven {
    let grafana = api(session, ready.wanted, &ready.address);
    let proven = match settle_password(session, ready).await {
        Ok(Password::InForce | Password::Applied) => {
            let files = &ready.wanted.files;
            let proof = Proof { session, grafana: &grafana, container_id: ready.container_id, files };
            proof.lacks(datasources).await.map(|lacks| Proven {
                default_in_force: !ready.password_is_chosen,
                whole: lacks.is_empty(),
                lacks,
                refused: false,
            })
        }
        Ok(Password::FormerStays | Password::NotApplied(_)) => {
            Ok(Proven { refused: true, ..Proven::default() })
        }
        Err(error) => Err(error),
    };
    let proven = proven.unwrap_or_else(|error| {
        session.warn(format!("what Grafana provisioned could not be proved: {error}"));
        Proven::default()
    });
    for lack in &proven.lacks {
        session.warn(format!("Grafana does not show {}: {}", lack.what, lack.reason));
    }
    proven
}

/// True when the password of the files signs in.
pub async fn password_is_in_force<E: Engine>(session: &StackSession<E>, ready: &Ready<'_>) -> bool {
    matches!(settle_password(session, ready).await, Ok(Password::InForce | Password::Applied))
}

/// Makes the chosen password the one in force, and says what became of it.
///
/// # Errors
/// When Grafana does not answer.
pub async fn settle_password<E: Engine>(
    session: &StackSession<E>,
    ready: &Ready<'_>,
) -> Result<Password, NetError> {
    let grafana = api(session, ready.wanted, &ready.address);
    let wanted = password::Wanted {
        grafana: &grafana,
        container_id: ready.container_id,
        is_chosen: ready.password_is_chosen,
        before: ready.old_password.clone(),
    };
    let found = password::ensure(session, &wanted).await?;
    match &found {
        Password::InForce => {}
        Password::Applied => session.say(ServiceKind::Grafana, ServiceState::Ready, "the changed password is in force: signing in works"),
        Password::FormerStays => session.warn(format!(
            "Grafana refuses the default password, so what it shows could not be proved: {FORMER_STAYS}; {SET_AGAIN}"
        )),
        Password::NotApplied(words) => session.warn(format!(
            "GRAFANA_ADMIN_PASSWORD is not the password in force, and could not be made it (Grafana says: {words}): set the old one in .env, or change it in Grafana's pages"
        )),
    }
    Ok(found)
}
