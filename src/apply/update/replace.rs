//! Replaces one service's container: the old one is kept under another name until the new one works.
//!
//! rename old → create new → stop old → start new → prove → write the lock → remove old. Two containers
//! never run on one volume. Every failure goes the same way back; a run that is killed leaves the
//! kept container, by which the next run knows what to do (`recover`).

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::apply::transaction::{self, Back, Transaction, WayBackWords};
use crate::apply::update::database::{self, Saved};
use crate::apply::update::recover::gone_is_fine;
use crate::apply::update::works::{Holdings, ServiceInspector};
use crate::apply::{StackSession, backup, explain, wait};
use crate::engine::{Engine, EngineError, ErrorKind};
use crate::error::{Error, ExitCode};
use crate::health::{Reading, Verdict, verdict};
use crate::model::labels;
use crate::model::{ContainerSpec, ContainerState, ObservedContainer, RestartPolicy, ServiceKind};
use crate::plan::fingerprint;
use crate::report::events::ServiceState;
use crate::services::{Desired, DesiredService, profile};
use crate::store::images_lock::LockFile;
use crate::store::incoming::Incoming;
use crate::update::LockedImage;
use crate::update::recovery::kept_name;

/// What did not work says so soon; what holds this long may be asked again later.
const PAUSE: Duration = Duration::from_millis(250);
/// A container that never worked has nothing to save.
const SHORT_GRACE: Duration = Duration::from_secs(5);

/// How patient a replacement is.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Until the new container answers and works.
    pub to_work: Duration,
    /// How long it is watched after that.
    pub watch: Duration,
}

/// One replacement.
pub struct Replacement<'a, E> {
    pub session: &'a StackSession<E>,
    /// Only this service, with its new image.
    pub desired: &'a Desired,
    pub service: ServiceKind,
    pub old: &'a ObservedContainer,
    pub patience: Patience,
    /// Grafana's data from before, for an older version.
    pub earlier: Option<&'a Incoming>,
}

impl<E: Engine> Replacement<'_, E> {
    /// Carries it out. On any failure the old container runs again, and the error says why.
    pub async fn run(&self, locked: LockedImage, file: &mut LockFile) -> Result<(), Error> {
        transaction::run(&mut Locking { replacement: self, locked, file }).await
    }

    fn wanted(&self) -> &DesiredService {
        &self.desired.services[&self.service]
    }

    fn spec(&self) -> &ContainerSpec {
        &self.wanted().spec
    }

    fn say(&self, detail: impl Into<String>) {
        self.session.say(self.service, ServiceState::Working, detail);
    }

    /// What the service holds now: the measure for the new container.
    async fn holdings_before(&self) -> Result<Holdings, Error> {
        let inspector = self.inspector().await?;
        let holdings = inspector.holdings().await.map(|found| match (found, self.earlier) {
            // Its earlier data may lack what was made since; it is counted instead.
            (Holdings::Grafana { datasource_healthy, .. }, Some(_)) => {
                Holdings::Grafana { dashboards: BTreeSet::new(), datasource_healthy }
            }
            (found, _) => found,
        });
        holdings.map_err(|reason| {
            Error::new(
                ExitCode::Failed,
                format!(
                    "{} does not work as it is, so nobody could tell whether a new image does: {reason}",
                    self.service
                ),
            )
            .hint(format!(
                "look at it first: `confidexmon status`, `confidexmon logs {}`; nothing was touched",
                self.service
            ))
        })
    }

    async fn inspector(&self) -> Result<ServiceInspector<'_, E>, Error> {
        let running = wait::running(self.session, self.desired).await?;
        let port = running.get(&self.service).map_or(0, |(_, port)| *port);
        let address = self.session.address(self.wanted(), port);
        Ok(ServiceInspector { session: self.session, service: self.service, wanted: self.wanted(), address })
    }

    /// From the old container to the new one, started.
    async fn switch(&self) -> Result<(), Error> {
        let engine = &self.session.engine;
        let name = &self.spec().name;
        // What an update from before left is not what this one would go back to.
        database::forget(self.session, &self.old.id);
        self.say("creating the new container beside the old one");
        engine.rename_container(&self.old.id, &kept_name(name)).await?;
        engine.create_container(&fingerprint::labelled(self.spec())).await?;
        self.session.check_cancelled()?;
        self.say("stopping the old container");
        // Else an engine that restarts would start both of them, on one volume.
        engine.set_restart_policy(&self.old.id, RestartPolicy::No.name()).await?;
        engine.stop(&self.old.id, profile(self.service).stop_grace).await?;
        database::save(self.session, self.wanted(), &self.old.id).await?;
        if let Some(earlier) = self.earlier {
            self.say("putting its data from before the update back");
            database::put(self.session, name, earlier).await?;
        }
        self.session.check_cancelled()?;
        self.say("starting the new container");
        engine.start(name).await?;
        Ok(())
    }

    /// The new container answers, works, and goes on working for a while.
    async fn prove(&self, before: &Holdings) -> Result<(), Error> {
        let deadline = Instant::now() + self.patience.to_work;
        let running = wait::running(self.session, self.desired).await?;
        wait::until_ready(self.session, self.desired, &running, self.patience.to_work).await?;
        let inspector = self.inspector().await?;
        self.say("proving that it works");
        loop {
            let Some(missing) = inspector.missing(before).await else { break };
            self.session.check_cancelled()?;
            self.fail_if_hopeless().await?;
            if Instant::now() >= deadline {
                return Err(self.failure(&format!("it answers but does not work: {missing}")).await);
            }
            sleep(PAUSE).await;
        }
        self.prove_earlier_data().await?;
        self.watch(&inspector).await
    }

    async fn prove_earlier_data(&self) -> Result<(), Error> {
        let Some(earlier) = self.earlier else { return Ok(()) };
        let observed = self.session.engine.list().await?;
        let container = backup::container(&observed, &self.desired.stack)?;
        let missing = earlier.counts.missing_in(&backup::counts(self.session, container).await?);
        if missing.is_empty() {
            return Ok(());
        }
        Err(self.failure(&format!("it holds only {} of its data from before", missing.join(", "))).await)
    }

    async fn watch(&self, inspector: &ServiceInspector<'_, E>) -> Result<(), Error> {
        self.say("watching it for a while");
        let end = Instant::now() + self.patience.watch;
        let mut silent = 0;
        while Instant::now() < end {
            self.session.check_cancelled()?;
            self.fail_if_hopeless().await?;
            match self.session.probe(&self.wanted().probe, &inspector.address).await {
                Reading::Ready => silent = 0,
                // One probe may be lost; two in a row are not.
                _ if silent == 0 => silent = 1,
                other => {
                    let answer = other.text();
                    return Err(self
                        .failure(&format!("it worked and then stopped answering: {answer}"))
                        .await);
                }
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }

    async fn fail_if_hopeless(&self) -> Result<(), Error> {
        // The engine not answering just now is no reason to give up a service.
        let Ok(detail) = self.session.engine.inspect(&self.spec().name).await else { return Ok(()) };
        match verdict(&detail) {
            Verdict::Hopeless(reason) => Err(self.failure(&reason).await),
            Verdict::Wait if detail.restart_count > 0 => Err(self
                .failure(&format!("it died and was started again {} times", detail.restart_count))
                .await),
            Verdict::Wait => Ok(()),
        }
    }

    async fn failure(&self, reason: &str) -> Error {
        let log = explain::last_log_lines(&self.session.engine, &self.spec().name).await;
        Error::new(ExitCode::Unhealthy, reason).evidence(format!("  its last log lines:\n{log}"))
    }

    async fn clean_up(&self) -> Result<(), Error> {
        self.session.engine.remove_container(&self.old.id, false).await?;
        self.session.forget(&self.old.id);
        database::forget(self.session, &self.old.id);
        self.session.say(self.service, ServiceState::Done, format!("runs {}", self.spec().image));
        Ok(())
    }

    async fn roll_back(&self) -> Result<(), Error> {
        let name = self.spec().name.clone();
        let new = self.session.engine.inspect(&name).await.ok().filter(|new| new.id != self.old.id);
        let way_back = WayBack {
            session: self.session,
            service: self.service,
            name: &name,
            kept_id: &self.old.id,
            new: new.map(|new| (new.id.clone(), new.state != ContainerState::Created)),
        };
        way_back.go().await?;
        let running = wait::running(self.session, self.desired).await?;
        wait::until_ready(self.session, self.desired, &running, self.patience.to_work).await
    }
}

/// A replacement together with the line of the lock that makes it count.
struct Locking<'a, E> {
    replacement: &'a Replacement<'a, E>,
    locked: LockedImage,
    file: &'a mut LockFile,
}

impl<E: Engine> Transaction for Locking<'_, E> {
    type Before = Holdings;

    async fn stage(&mut self) -> Result<Holdings, Error> {
        self.replacement.holdings_before().await
    }

    async fn validate(&mut self, _: &Holdings) -> Result<(), Error> {
        self.replacement.session.check_cancelled()
    }

    async fn switch(&mut self, _: &Holdings) -> Result<(), Error> {
        self.replacement.switch().await
    }

    async fn verify(&mut self, before: &Holdings) -> Result<(), Error> {
        self.replacement.prove(before).await
    }

    /// From here on the new image counts: a run that is killed now is finished, not undone.
    async fn commit(&mut self, _: &Holdings) -> Result<(), Error> {
        let before = self.file.lock.clone();
        self.file.lock.advance(self.replacement.service, self.locked.clone());
        self.file.save().map_err(|error| {
            self.file.lock = before;
            error.into()
        })
    }

    async fn roll_back(&mut self, _: Holdings, failure: &mut Error) -> Result<Back, Error> {
        let replacement = self.replacement;
        let service = replacement.service;
        replacement.session.say(service, ServiceState::Failed, "going back to the old container");
        failure.message = format!("{} does not work: {}", replacement.spec().image, failure.message);
        replacement.roll_back().await?;
        Ok(Back::Done(format!("the old {service} is back and answers")))
    }

    async fn clean_up(&mut self) -> Result<(), Error> {
        self.replacement.clean_up().await
    }

    fn way_back(&self) -> WayBackWords {
        WayBackWords { name: "going back", hint: "run `confidexmon up`: it finishes the way back" }
    }
}

/// From a new container, if there is one, to the one that was kept.
pub(super) struct WayBack<'a, E> {
    pub(super) session: &'a StackSession<E>,
    pub(super) service: ServiceKind,
    pub(super) name: &'a str,
    pub(super) kept_id: &'a str,
    /// The new container's id, and whether it ran at some time.
    pub(super) new: Option<(String, bool)>,
}

impl<E: Engine> WayBack<'_, E> {
    /// Each step may have been done by a run that was killed.
    pub(super) async fn go(&self) -> Result<(), Error> {
        let engine = &self.session.engine;
        if let Some((id, was_started)) = &self.new {
            if *was_started {
                gone_is_fine(engine.stop(id, SHORT_GRACE).await)?;
            }
            // Data from before may have been put there without a start.
            if *was_started || database::is_saved(self.session, self.kept_id) {
                let restored = database::restore(self.session, self.service, self.kept_id).await?;
                self.report(restored);
            }
            engine.remove_container(id, true).await?;
            self.session.forget(id);
        }
        self.rename_back().await?;
        engine.set_restart_policy(self.kept_id, RestartPolicy::Always.name()).await?;
        engine.start(self.kept_id).await?;
        database::forget(self.session, self.kept_id);
        Ok(())
    }

    async fn rename_back(&self) -> Result<(), EngineError> {
        let detail = self.session.engine.inspect(self.kept_id).await?;
        if detail.name == self.name {
            return Ok(());
        }
        match self.session.engine.rename_container(self.kept_id, self.name).await {
            // The engine still creates or removes what a killed run had asked for.
            Err(error) if matches!(error.kind, ErrorKind::NameTaken { .. } | ErrorKind::Conflict) => {
                self.make_way().await?;
                self.session.engine.rename_container(self.kept_id, self.name).await
            }
            other => other,
        }
    }

    /// Removes the container of this update that holds the name.
    async fn make_way(&self) -> Result<(), EngineError> {
        let engine = &self.session.engine;
        let holder = match engine.inspect(self.name).await {
            Ok(holder) => holder,
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let kept = engine.inspect(self.kept_id).await?;
        let is_ours = holder.labels.get(labels::STACK) == kept.labels.get(labels::STACK);
        if !is_ours || holder.id == kept.id {
            return Ok(());
        }
        gone_is_fine(engine.stop(&holder.id, SHORT_GRACE).await)?;
        gone_is_fine(engine.remove_container(&holder.id, true).await)
    }

    fn report(&self, saved: Saved) {
        match saved {
            Saved::Restored => self.session.say(self.service, ServiceState::Working, "its database is as it was before"),
            Saved::NotNeeded => {}
            Saved::Missing => self.session.warn(format!(
                "{} has run with the new image, and its database from before is not on this machine: check it",
                self.service
            )),
        }
    }
}
