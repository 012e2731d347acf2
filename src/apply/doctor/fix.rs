//! What `doctor --fix` does, one remedy after the other; each leaves the rest of the stack as it is.

use std::path::Path;

use tokio::time::Instant;

use crate::apply::grafana::{self, Ready, password::Password};
use crate::apply::reload::request;
use crate::apply::{StackSession, gather, network};
use crate::doctor::Remedy;
use crate::engine::Engine;
use crate::error::{Error, ExitCode};
use crate::model::{ContainerState, Observed, ObservedContainer, ServiceKind};
use crate::services::{Desired, DesiredService};
use crate::store::machine;

/// What a remedy works on.
pub struct Repairs<'a, E> {
    pub session: &'a StackSession<E>,
    pub desired: &'a Desired,
    pub observed: &'a Observed,
    pub project_dir: &'a Path,
    /// False when the settings leave Grafana's password to the well-known default.
    pub password_is_chosen: bool,
}

/// True for what happens in the project's folder only.
pub const fn needs_no_engine(remedy: &Remedy) -> bool {
    matches!(remedy, Remedy::MakePrivate { .. } | Remedy::IgnoreInGit)
}

/// Those that need no engine.
///
/// # Errors
/// When a file cannot be changed.
pub fn in_the_folder(project_dir: &Path, remedy: &Remedy) -> Result<(), Error> {
    match remedy {
        Remedy::MakePrivate { .. } => Ok(machine::make_private(&project_dir.join(".env"))?),
        Remedy::IgnoreInGit => Ok(machine::add_line(&project_dir.join(".gitignore"), ".env")?),
        _ => Ok(()),
    }
}

impl<E: Engine> Repairs<'_, E> {
    /// # Errors
    /// What the engine or the service says against it.
    pub async fn apply(&self, remedy: &Remedy) -> Result<(), Error> {
        let engine = &self.session.engine;
        match remedy {
            Remedy::MakePrivate { .. } | Remedy::IgnoreInGit => in_the_folder(self.project_dir, remedy),
            Remedy::Unpause { container } => Ok(engine.unpause(&self.ours(container)?.id).await?),
            Remedy::RestorePolicy { container } => {
                Ok(engine.set_restart_policy(&self.ours(container)?.id, "always").await?)
            }
            Remedy::Remove { container } => self.remove(self.ours(container)?).await,
            Remedy::RemoveSpareNetworks => {
                network::remove_duplicates(self.session, &self.desired.network).await
            }
            Remedy::SetGrafanaPassword => self.set_grafana_password().await,
            Remedy::ReloadRules => self.reload_rules().await,
        }
    }

    /// Only what carries this stack's label is touched.
    fn ours(&self, name: &str) -> Result<&ObservedContainer, Error> {
        let mut ours = gather::ours(self.observed, &self.desired.stack);
        ours.find(|container| container.name == name)
            .ok_or_else(|| Error::new(ExitCode::Failed, format!("the container `{name}` is no longer there")))
    }

    async fn remove(&self, container: &ObservedContainer) -> Result<(), Error> {
        self.session.forget(&container.id);
        // A validator or a drill has no data to keep; a service that runs is never among these.
        let force = container.is_temporary() || container.state == ContainerState::Dead;
        Ok(self.session.engine.remove_container(&container.id, force).await?)
    }

    fn service(&self, service: ServiceKind) -> Result<(&DesiredService, &ObservedContainer), Error> {
        let wanted = self.desired.services.get(&service);
        let wanted = wanted.ok_or_else(|| Error::new(ExitCode::Failed, format!("{service} is left out")))?;
        Ok((wanted, self.ours(&wanted.spec.name)?))
    }

    async fn set_grafana_password(&self) -> Result<(), Error> {
        let (wanted, container) = self.service(ServiceKind::Grafana)?;
        let inside = wanted.probe.container_port();
        let bound = container.ports.iter().find(|(_, _, port)| *port == inside);
        let (_, port, _) = bound.ok_or_else(|| Error::new(ExitCode::Failed, "Grafana publishes no port"))?;
        let ready = Ready {
            wanted,
            container_id: &container.id,
            address: self.session.address(wanted, *port),
            password_is_chosen: self.password_is_chosen,
            old_password: grafana::old_password(self.session, wanted, container).await,
        };
        match grafana::settle_password(self.session, &ready).await? {
            Password::InForce | Password::Applied => Ok(()),
            Password::FormerStays | Password::NotApplied(_) => {
                Err(Error::new(ExitCode::Failed, "Grafana goes on with another password"))
            }
        }
    }

    async fn reload_rules(&self) -> Result<(), Error> {
        let (wanted, container) = self.service(ServiceKind::Prometheus)?;
        request::run(self.session, ServiceKind::Prometheus, wanted, container, Instant::now()).await.map(drop)
    }
}
