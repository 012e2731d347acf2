//! Proves an archive: a throw-away Grafana works with it and holds what it should.

use std::path::Path;
use std::time::Duration;

use crate::apply::StackSession;
use crate::apply::trial::{SignIn, Trial, Tried};
use crate::engine::Engine;
use crate::error::Error;
use crate::model::{ImageRef, ServiceKind};
use crate::report::events::ServiceState;
use crate::services::DesiredService;
use crate::store::backups;
use crate::store::incoming::Incoming;

/// How long a throw-away Grafana may take where nobody said: it may have to migrate the database.
pub const LIMIT: Duration = Duration::from_mins(5);

/// Tries the archive that was read from `path` with `image`, and notes beside it that it worked. A folder that
/// was copied by hand gets no note.
///
/// # Errors
/// When the image is not there, or Grafana does not work with it or holds less than the archive.
pub async fn of_archive<E: Engine>(
    session: &StackSession<E>,
    wanted: &DesiredService,
    (image, limit): (&ImageRef, Duration),
    (path, incoming): (&Path, &Incoming),
) -> Result<Tried, Error> {
    session.say(ServiceKind::Grafana, ServiceState::Working, "trying the backup in a throw-away container");
    let trial = Trial { session, wanted, image, limit };
    let tried = trial.run(incoming.folder(), &incoming.counts).await.map_err(|error| Error {
        message: format!("the backup `{}` is not proven with {image}: {}", path.display(), error.message),
        ..error
    })?;
    if incoming.manifest.is_some() {
        backups::mark_proven(path, &jiff::Timestamp::now().to_string())?;
    }
    Ok(tried)
}

/// What was shown, in a sentence.
pub const fn sentence(tried: Tried) -> &'static str {
    match tried.sign_in {
        SignIn::Works => {
            "proven: a throw-away Grafana started with it, took the password, and holds everything that was counted"
        }
        SignIn::Refused => {
            "proven: a throw-away Grafana started with it and its database holds everything that was counted; it knows another password than the settings"
        }
        SignIn::NotAsked => {
            "proven: a throw-away Grafana started with it and its database holds everything that was counted"
        }
    }
}
