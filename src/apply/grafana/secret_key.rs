//! Gives a Grafana its `secret_key` before it starts for the first time.

use std::time::Duration;

use crate::apply::StackSession;
use crate::engine::{Engine, EngineError};
use crate::error::{Error, ExitCode};
use crate::model::Secret;
use crate::model::grafana_key::{PUBLIC_SECRET_KEY, SECRET_KEY_FILE, SECRET_KEY_MODE};
use crate::render::files::GRAFANA_USER;
use crate::services::grafana::DATA;
use crate::store::tarball;

/// How often, and how far apart, the key of another run is looked for.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);

/// Who made the container that needs a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maker {
    ThisRun,
    /// It is about to write a key, and must not find another one in force.
    AnotherRun,
}

/// Writes a key into the data volume when there is none: a random one for a new database, the public one for
/// a database that was written with it.
///
/// # Errors
/// When the engine fails, or this machine has no random numbers.
pub async fn ensure<E: Engine>(
    session: &StackSession<E>,
    container_id: &str,
    maker: Maker,
) -> Result<(), Error> {
    if has(session, container_id, SECRET_KEY_FILE).await? {
        return Ok(());
    }
    if maker == Maker::AnotherRun && has_soon(session, container_id).await? {
        return Ok(());
    }
    let key = if has(session, container_id, "grafana.db").await? {
        Secret::new(PUBLIC_SECRET_KEY)
    } else {
        random()?
    };
    let mut archive = tarball::Archive::new(GRAFANA_USER, 0);
    let packed = archive.file(SECRET_KEY_FILE, key.reveal().as_bytes(), SECRET_KEY_MODE);
    let packed = packed.and_then(|()| archive.finish()).map_err(|error| {
        Error::new(ExitCode::Failed, format!("cannot pack Grafana's secret key: {error}"))
    })?;
    Ok(session.engine.upload(container_id, DATA, packed).await?)
}

async fn has<E: Engine>(session: &StackSession<E>, id: &str, file: &str) -> Result<bool, EngineError> {
    Ok(session.engine.stat(id, &format!("{DATA}/{file}")).await?.is_some())
}

async fn has_soon<E: Engine>(session: &StackSession<E>, id: &str) -> Result<bool, EngineError> {
    for _ in 0..ATTEMPTS {
        tokio::time::sleep(PAUSE).await;
        if has(session, id, SECRET_KEY_FILE).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn random() -> Result<Secret, Error> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(ExitCode::Failed, format!("cannot make a secret key for Grafana: {error}"))
    })?;
    Ok(Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
}
