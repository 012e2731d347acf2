//! Applies a plan: pulls first, then removals, then the network and all services side by side.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;

use crate::apply::grafana::secret_key::{self, Maker};
use crate::apply::network::{self, NetworkResult};
use crate::apply::{StackSession, explain, pull, reload};
use crate::engine::{Engine, EngineError, ErrorKind};
use crate::error::{Error, ExitCode};
use crate::model::{Manifest, NetworkSpec, ServiceKind, labels};
use crate::plan::{Plan, PullPolicy, ServicePlan, Step, doors, fingerprint};
use crate::report::events::ServiceState;
use crate::services::{Desired, DesiredService, profile};
use crate::store::tarball;
use crate::update::LockedImage;

/// Applies the plan. Every service is carried as far as it goes; all failures are returned together.
pub async fn run<E: Engine>(
    session: &StackSession<E>,
    desired: &Desired,
    plan: &Plan,
    pull: PullPolicy,
) -> Result<(), Vec<Error>> {
    if let Some(error) = explain::blockers(&plan.blockers) {
        return Err(vec![error]);
    }
    let pulled = plan.services.iter().map(|service| pulls(session, desired, service, pull));
    collect(join_all(pulled).await)?;
    collect(join_all(plan.services.iter().map(|service| removals(session, service))).await)?;
    let network = network::ensure(session, desired, plan).shared();
    let met_another_run = AtomicBool::new(false);
    let services = plan.services.iter().map(|service_plan| {
        let network = network.clone();
        let met_another_run = &met_another_run;
        async move {
            let Some(wanted) = desired.services.get(&service_plan.service) else { return Ok(()) };
            let mut run = ServiceRun {
                session,
                wanted,
                locked: desired.locked.get(&service_plan.service),
                service: service_plan.service,
                pull,
                id: service_plan.container_id.clone(),
                maker: Maker::ThisRun,
                network_spec: &desired.network,
                met_another_run,
            };
            run.steps(service_plan, network).await
        }
    });
    let all = Box::pin(async {
        let Some(place) = doors::order(plan, desired) else { return join_all(services).await };
        let mut row: Vec<_> = plan.services.iter().map(|one| place(one.service)).zip(services).collect();
        row.sort_by_key(|(place, _)| *place);
        let mut results = Vec::new();
        for (_, service) in row {
            results.push(service.await);
        }
        results
    });
    let (network_result, results) = tokio::join!(network.clone(), all);
    if met_another_run.load(Ordering::Relaxed) {
        network::remove_duplicates(session, &desired.network).await.map_err(|error| vec![error])?;
    }
    collect(std::iter::once(network_result.map_err(|error| Error::from((*error).clone()))).chain(results))
}

fn collect(results: impl IntoIterator<Item = Result<(), Error>>) -> Result<(), Vec<Error>> {
    let errors: Vec<Error> = results.into_iter().filter_map(Result::err).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// Pulls what the plan pulls, before anything is removed.
async fn pulls<E: Engine>(
    session: &StackSession<E>,
    desired: &Desired,
    plan: &ServicePlan,
    policy: PullPolicy,
) -> Result<(), Error> {
    let images = plan.steps.iter().filter_map(|step| match step {
        Step::Pull { image, .. } => Some(image),
        _ => None,
    });
    for image in images {
        if policy == PullPolicy::Never {
            let action = format!("replace `{}`", plan.container);
            let answer = format!("the image `{image}` is not there");
            return Err(Error::from(EngineError::new(action, ErrorKind::ImageMissing, answer)).hint(
                "`--pull never` was given; pull the image first, or leave the flag out. Nothing was removed",
            ));
        }
        let locked = desired.locked.get(&plan.service);
        let pulled = pull::wanted(session, plan.service, image, locked).await;
        pulled.map_err(|error| error.hint("nothing was removed"))?;
    }
    Ok(())
}

async fn removals<E: Engine>(session: &StackSession<E>, service: &ServicePlan) -> Result<(), Error> {
    for step in &service.steps {
        let Step::Remove { container_id, running, .. } = step else { continue };
        session.check_cancelled()?;
        session.say(service.service, ServiceState::Working, "removing the old container");
        session.forget(container_id);
        if *running {
            session.engine.stop(container_id, profile(service.service).stop_grace).await?;
        }
        session.engine.remove_container(container_id, false).await?;
    }
    Ok(())
}

/// How often, and how far apart, a container that holds the name but cannot be seen is looked for.
const ADOPT_ATTEMPTS: u32 = 20;
const ADOPT_PAUSE: Duration = Duration::from_millis(100);

/// One service on its way through its steps.
struct ServiceRun<'a, E> {
    session: &'a StackSession<E>,
    wanted: &'a DesiredService,
    locked: Option<&'a LockedImage>,
    service: ServiceKind,
    pull: PullPolicy,
    /// The container, once it exists.
    id: Option<String>,
    network_spec: &'a NetworkSpec,
    maker: Maker,
    /// Set when a container appeared between our look and our call.
    met_another_run: &'a AtomicBool,
}

impl<E: Engine> ServiceRun<'_, E> {
    async fn steps(
        &mut self,
        plan: &ServicePlan,
        network: impl Future<Output = NetworkResult>,
    ) -> Result<(), Error> {
        let mut network = Some(network);
        for step in &plan.steps {
            self.session.check_cancelled()?;
            match step {
                Step::Remove { .. } => self.id = None,
                // It came first of all.
                Step::Pull { .. } => {}
                Step::Create { .. } => {
                    // Where the network is looked for at the start only, the two calls may overlap.
                    if self.session.engine.info().capabilities.networks_before_containers
                        && let Some(network) = network.take()
                        && network.await.is_err()
                    {
                        return Ok(());
                    }
                    self.create().await?;
                }
                Step::Write { .. } => self.write().await?,
                Step::Start { .. } => {
                    if let Some(network) = network.take()
                        && network.await.is_err()
                    {
                        // Reported once, by the caller.
                        return Ok(());
                    }
                    self.start().await?;
                }
                Step::Restart { container_id, .. } => {
                    self.say("restarting");
                    self.session.engine.restart(container_id, profile(self.service).stop_grace).await?;
                }
                Step::ChangeFiles { container_id, changes, restart, .. } => {
                    self.say("changing files");
                    reload::change(self.session, self.wanted, container_id, changes, *restart).await?;
                }
            }
        }
        Ok(())
    }

    fn say(&self, detail: &str) {
        self.session.say(self.service, ServiceState::Working, detail);
    }

    async fn create(&mut self) -> Result<(), Error> {
        self.say("creating");
        let spec = fingerprint::labelled(&self.wanted.spec);
        let mut attempts = 0;
        loop {
            attempts += 1;
            let error = match self.session.engine.create_container(&spec).await {
                Ok(id) => {
                    self.id = Some(id);
                    return Ok(());
                }
                Err(error) => error,
            };
            match &error.kind {
                ErrorKind::ImageMissing if attempts == 1 && self.pull != PullPolicy::Never => {
                    pull::wanted(self.session, self.service, &self.wanted.spec.image, self.locked).await?;
                }
                ErrorKind::ImageMissing if self.pull == PullPolicy::Never => {
                    let hint = "`--pull never` was given; pull the image first, or leave the flag out";
                    return Err(Error::from(error).hint(hint));
                }
                ErrorKind::NameTaken { .. } => {
                    if self.adopt(error, attempts).await? {
                        return Ok(());
                    }
                }
                _ => return Err(error.into()),
            }
        }
    }

    /// Somebody created the container between our look and our call: ours with the same spec is
    /// as good as the one we wanted to create. False: it is not there (yet or any more); try again.
    async fn adopt(&mut self, error: EngineError, attempts: u32) -> Result<bool, Error> {
        let ErrorKind::NameTaken { holder_id } = &error.kind else { return Ok(false) };
        let detail = match self.session.engine.inspect(holder_id).await {
            Ok(detail) => detail,
            // The engine reserves the name before the container can be seen.
            Err(absent) if absent.kind == ErrorKind::NotFound && attempts < ADOPT_ATTEMPTS => {
                tokio::time::sleep(ADOPT_PAUSE).await;
                return Ok(false);
            }
            Err(other) => return Err(other.into()),
        };
        let same = detail.labels.get(labels::STACK).map(String::as_str)
            == Some(self.wanted.spec.stack.as_str())
            && detail.labels.get(labels::SPEC_HASH) == Some(&fingerprint::hash(&self.wanted.spec));
        if same {
            self.met_another_run.store(true, Ordering::Relaxed);
            self.maker = Maker::AnotherRun;
            self.id = Some(detail.id);
            return Ok(true);
        }
        Err(Error::from(error).hint(format!(
            "look at it with `docker inspect {}`; it appeared while this command ran",
            self.wanted.spec.name
        )))
    }

    async fn write(&self) -> Result<(), Error> {
        let Some(id) = self.id.as_deref() else { return Ok(()) };
        self.session.forget(id);
        let set = &self.wanted.files;
        let manifest = Manifest::of(set);
        let paths: Vec<String> = set.files.keys().cloned().collect();
        let archive = tarball::of_files(set, &paths, "", Some(&manifest), None).map_err(|error| {
            Error::new(ExitCode::Failed, format!("cannot pack the files of {}: {error}", self.service))
        })?;
        self.session.engine.upload(&self.wanted.spec.name, &set.root, archive).await?;
        self.session.remember(id, manifest);
        Ok(())
    }

    async fn start(&self) -> Result<(), Error> {
        let name = &self.wanted.spec.name;
        if self.service == ServiceKind::Grafana {
            secret_key::ensure(self.session, name, self.maker).await?;
        }
        self.say("starting");
        let mut result = self.session.engine.start(name).await;
        if matches!(&result, Err(error) if error.kind == ErrorKind::Conflict) {
            // Two runs at once, or one that was killed in the middle: an engine before 25 then has
            // two networks of one name and starts nothing on either.
            network::remove_duplicates(self.session, self.network_spec).await?;
            result = self.session.engine.start(name).await;
        }
        match result {
            Ok(()) => {
                self.session.say(self.service, ServiceState::Waiting, "started, waiting for its answer");
                Ok(())
            }
            Err(error) => {
                Err(explain::failed_start(&self.session.engine, self.service, self.wanted, error).await)
            }
        }
    }
}
