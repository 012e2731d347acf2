//! The containers and the network of a drill: made, found again, and taken away in every case.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;

use crate::apply::{StackSession, gather, pull};
use crate::engine::{Engine, ErrorKind};
use crate::error::{Error, ExitCode};
use crate::model::Role;
use crate::model::{
    ContainerSpec, NetworkSpec, PublishedPort, RestartPolicy, ServiceKind, StackName, labels,
};
use crate::report::events::Event;
use crate::services::Desired;
use crate::store::tarball::Archive;

/// The role label of a drill's containers.
/// Bytes for all the processes of one container.
const MEMORY: i64 = 3 << 30;
/// Each process has some ten threads.
const PIDS: i64 = 4096;
/// The user of the official images.
const NOBODY: u32 = 65534;

/// A run's own corner of the engine.
pub(super) struct Sandbox<'a, E> {
    pub(super) session: &'a StackSession<E>,
    pub(super) desired: &'a Desired,
    id: String,
    network: String,
    waves: AtomicUsize,
    /// Alerts that are to be drilled, and those that were.
    total: AtomicUsize,
    done: AtomicUsize,
}

/// A container that runs.
#[derive(Clone, Debug)]
pub(super) struct Scratch {
    pub(super) name: String,
    /// Published port by port inside.
    pub(super) ports: BTreeMap<u16, u16>,
}

/// What a scratch container is made of.
pub(super) struct Wanted<'a> {
    pub(super) service: ServiceKind,
    /// Tells it from the others of this run.
    pub(super) part: &'a str,
    /// What its first process does; others are started in it later.
    pub(super) command: Vec<String>,
    pub(super) ports: Vec<u16>,
    pub(super) networked: bool,
    /// (path below the service's config root, text)
    pub(super) files: Vec<(String, String)>,
}

impl<'a, E: Engine> Sandbox<'a, E> {
    /// Removes what a killed run left behind.
    pub(super) async fn open(session: &'a StackSession<E>, desired: &'a Desired) -> Result<Self, Error> {
        sweep(session, &desired.stack).await?;
        Ok(Self {
            session,
            desired,
            id: nonce(),
            network: desired.stack.drill_network(),
            waves: AtomicUsize::new(0),
            total: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
        })
    }

    /// Alerts that come on top of those that were announced before.
    pub(super) fn expect(&self, more: usize) {
        self.total.fetch_add(more, Ordering::Relaxed);
    }

    /// Tells that one more alert has been drilled.
    pub(super) fn one_more(&self, alert: &str) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        let (what, item) = ("drilling, alerts".to_owned(), alert.to_owned());
        let total = self.total.load(Ordering::Relaxed);
        self.session.reporter.event(&Event::Progress { what, done, total, item });
    }

    /// Random hex digits of this run.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// A number that no wave of this run has had: containers of the last one may still be there.
    pub(super) fn next_wave(&self) -> usize {
        self.waves.fetch_add(1, Ordering::Relaxed)
    }

    /// An error once the user has asked to stop. Asked before each call that makes something, and
    /// the call itself is always finished: an engine goes on with a request whose sender has gone.
    pub(super) fn go_on(&self) -> Result<(), Error> {
        if self.session.cancel.is_cancelled() {
            return Err(Error::new(ExitCode::Interrupted, "stopped by a signal")
                .hint("what the drill had started is removed"));
        }
        Ok(())
    }

    /// The network of this run; one that is there already is a drill's of ours.
    pub(super) async fn connect(&self) -> Result<(), Error> {
        self.go_on()?;
        let spec = NetworkSpec { name: self.network.clone(), ..self.desired.network.clone() };
        match self.session.engine.create_network(&spec).await {
            Err(error) if error.kind != ErrorKind::Conflict => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Makes a container, writes its files and starts it.
    pub(super) async fn container(&self, wanted: Wanted<'_>) -> Result<Scratch, Error> {
        let root = &super::files(self.desired, wanted.service)?.root;
        let spec = self.spec(&wanted)?;
        let engine = &self.session.engine;
        self.go_on()?;
        let created = match engine.create_container(&spec).await {
            Err(error) if error.kind == ErrorKind::ImageMissing => {
                let (engine, reporter) = (&self.session.engine, self.session.reporter.as_ref());
                pull::run(engine, reporter, &self.session.cancel, wanted.service, &spec.image).await?;
                engine.create_container(&spec).await
            }
            other => other,
        };
        created?;
        self.upload(&spec.name, root, &wanted.files).await?;
        self.go_on()?;
        engine.start(&spec.name).await?;
        let mut ports = BTreeMap::new();
        if !wanted.ports.is_empty() {
            let observed = engine.list().await?;
            let found = observed.containers.iter().find(|container| container.name == spec.name);
            ports = found
                .into_iter()
                .flat_map(|found| &found.ports)
                .map(|(_, host, inside)| (*inside, *host))
                .collect();
        }
        Ok(Scratch { name: spec.name, ports })
    }

    pub(super) async fn upload(
        &self,
        container: &str,
        root: &str,
        files: &[(String, String)],
    ) -> Result<(), Error> {
        let mut archive = Archive::new(NOBODY, NOBODY);
        let packed = files.iter().try_for_each(|(path, text)| archive.file(path, text.as_bytes(), 0o444));
        let packed = packed.and_then(|()| archive.finish()).map_err(|error| {
            Error::new(ExitCode::Failed, format!("cannot pack the files of `{container}`: {error}"))
        })?;
        Ok(self.session.engine.upload(container, root, packed).await?)
    }

    /// The service's own image, user and limits, without its volumes and its network.
    fn spec(&self, wanted: &Wanted<'_>) -> Result<ContainerSpec, Error> {
        super::files(self.desired, wanted.service)?;
        let service = &self.desired.services[&wanted.service].spec;
        let loopback = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);
        let port = |inside: &u16| PublishedPort { container: *inside, host_ip: loopback, host: 0 };
        Ok(ContainerSpec {
            role: Role::Drill,
            name: format!("{}-drill-{}-{}", self.desired.stack, self.id, wanted.part),
            command: wanted.command.clone(),
            entrypoint: Some(vec![wanted.service.name().to_owned()]),
            mounts: Vec::new(),
            ports: wanted.ports.iter().map(port).collect(),
            network: wanted.networked.then(|| self.network.clone()),
            aliases: Vec::new(),
            extra_hosts: vec!["host.docker.internal:host-gateway".to_owned()],
            // The engine writes no files into a container whose root is read-only.
            read_only_root: false,
            memory: Some(MEMORY),
            nano_cpus: None,
            pids_limit: PIDS,
            stop_timeout: 1,
            restart: RestartPolicy::No,
            labels: BTreeMap::new(),
            ..service.clone()
        })
    }

    /// Removes a container that is not needed any more.
    pub(super) async fn remove(&self, container: &Scratch) {
        if let Err(error) = self.session.engine.remove_container(&container.name, true).await {
            tracing::warn!("{error}: {}; the end of the drill removes it", error.source);
        }
    }

    /// Removes everything of this run. A failure is said, and does not hide what the drill found.
    pub(super) async fn close(&self) {
        if let Err(error) = sweep(self.session, &self.desired.stack).await {
            self.session.warn(format!("{error}; `confidexmon down` or the next drill removes what is left"));
        }
    }
}

/// Removes every container and network that a drill of this stack made.
pub async fn sweep<E: Engine>(session: &StackSession<E>, stack: &StackName) -> Result<(), Error> {
    let observed = session.engine.list().await?;
    let drills = gather::ours(&observed, stack)
        .filter(|container| container.label(labels::ROLE) == Some(Role::Drill.as_str()));
    let removals =
        join_all(drills.map(|container| session.engine.remove_container(&container.id, true))).await;
    for removal in removals {
        removal?;
    }
    remove_network(session, stack).await
}

/// Removes the drill's network, unless it is somebody else's or in use.
async fn remove_network<E: Engine>(session: &StackSession<E>, stack: &StackName) -> Result<(), Error> {
    for network in session.engine.find_networks(&stack.drill_network()).await? {
        if network.labels.get(labels::STACK).map(String::as_str) != Some(stack.as_str()) {
            continue;
        }
        match session.engine.remove_network(&network.id).await {
            Err(error)
                if !matches!(
                    error.kind,
                    ErrorKind::NotFound | ErrorKind::Conflict | ErrorKind::Forbidden
                ) =>
            {
                return Err(error.into());
            }
            _ => {}
        }
    }
    Ok(())
}

/// Eight random hex digits; the time when there is no randomness.
pub(super) fn nonce() -> String {
    let mut bytes = [0_u8; 4];
    if getrandom::fill(&mut bytes).is_err() {
        bytes = jiff::Timestamp::now().subsec_nanosecond().to_le_bytes();
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
