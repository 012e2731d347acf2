//! What the engine holds, and the life of its containers.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::engine::{ErrorKind, LogLine, LogQuery};
use crate::model::Role;
use crate::model::{ContainerDetail, ContainerState};
use crate::model::{
    ContainerSpec, ImageRef, Observed, ObservedContainer, ObservedNetwork, PublishedPort, labels,
};

use super::files::Files;

pub(super) type Refusal = (ErrorKind, String);

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) containers: BTreeMap<String, Container>,
    pub(super) networks: BTreeMap<String, ObservedNetwork>,
    pub(super) volumes: BTreeMap<String, Volume>,
    /// Reference → id.
    pub(super) images: BTreeMap<ImageRef, String>,
    pub(super) registry: BTreeSet<ImageRef>,
    pub(super) held_ports: BTreeSet<u16>,
    next_id: u32,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Volume {
    pub(super) labels: BTreeMap<String, String>,
    pub(super) files: Files,
}

#[derive(Clone, Debug)]
pub(super) struct Container {
    pub(super) id: String,
    pub(super) spec: ContainerSpec,
    /// False for a container that carries no labels of ours.
    pub(super) ours: bool,
    pub(super) state: ContainerState,
    pub(super) policy: String,
    pub(super) oom_killed: bool,
    pub(super) log: Vec<LogLine>,
    image_id: String,
    exit_code: i64,
    error: String,
    restart_count: i64,
    created: i64,
    /// The ports in force, chosen ones included; empty unless running.
    bound: Vec<PublishedPort>,
    /// Files outside of any volume.
    pub(super) layer: Files,
}

impl Container {
    pub(super) fn end(&mut self, code: i64) {
        self.state = ContainerState::Exited;
        self.exit_code = code;
        self.bound.clear();
    }

    /// The exit code once it does not run (any more).
    pub(super) fn ended_with(&self) -> Option<i64> {
        (self.state != ContainerState::Running).then_some(self.exit_code)
    }

    fn labels(&self) -> BTreeMap<String, String> {
        let mut all = self.spec.labels.clone();
        if self.ours {
            all.extend(own_labels(&self.spec, self.spec.role));
        }
        all
    }

    fn status(&self) -> String {
        match &self.state {
            ContainerState::Running => "Up 1 second".to_owned(),
            ContainerState::Created => "Created".to_owned(),
            ContainerState::Exited => format!("Exited ({}) 1 second ago", self.exit_code),
            other => other.to_string(),
        }
    }
}

fn own_labels(spec: &ContainerSpec, role: Role) -> BTreeMap<String, String> {
    let pairs = [
        (labels::STACK, spec.stack.as_str()),
        (labels::SERVICE, spec.service.name()),
        (labels::ROLE, role.as_str()),
    ];
    let of_project = spec.labels.iter().filter(|(key, _)| labels::OF_PROJECT.contains(&key.as_str()));
    let of_project = of_project.map(|(key, value)| (key.clone(), value.clone()));
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).chain(of_project).collect()
}

pub(super) fn no_container(id: &str) -> Refusal {
    (ErrorKind::NotFound, format!("No such container: {id}"))
}

/// Two addresses meet when they are the same or one of them is the wildcard.
fn meets(a: IpAddr, b: IpAddr) -> bool {
    a == b || a.is_unspecified() || b.is_unspecified()
}

/// Containers and their life.
impl State {
    pub(super) fn find(&self, id: &str) -> Option<&Container> {
        self.containers.get(id).or_else(|| self.by_name(id))
    }

    pub(super) fn find_mut(&mut self, id: &str) -> Option<&mut Container> {
        let id = self.find(id)?.id.clone();
        self.containers.get_mut(&id)
    }

    pub(super) fn by_name(&self, name: &str) -> Option<&Container> {
        self.containers.values().find(|container| container.spec.name == name)
    }

    pub(super) fn by_name_mut(&mut self, name: &str) -> Option<&mut Container> {
        self.containers.values_mut().find(|container| container.spec.name == name)
    }

    pub(super) fn existing(&mut self, id: &str) -> Result<&mut Container, Refusal> {
        self.find_mut(id).ok_or_else(|| no_container(id))
    }

    pub(super) fn new_id(&mut self) -> String {
        self.next_id += 1;
        format!("{:064x}", self.next_id)
    }

    pub(super) fn create(&mut self, spec: &ContainerSpec) -> Result<String, Refusal> {
        if let Some(holder) = self.by_name(&spec.name) {
            let text = format!(
                "The container name \"/{}\" is already in use by container \"{}\"",
                spec.name, holder.id
            );
            return Err((ErrorKind::NameTaken { holder_id: holder.id.clone() }, text));
        }
        if !self.images.contains_key(&spec.image) {
            return Err((ErrorKind::ImageMissing, format!("No such image: {}", spec.image)));
        }
        Ok(self.insert(spec, true))
    }

    /// Volumes are made on the way, with the labels of the first container that names them.
    pub(super) fn insert(&mut self, spec: &ContainerSpec, ours: bool) -> String {
        for mount in &spec.mounts {
            let labels = if ours { own_labels(spec, mount.role) } else { BTreeMap::new() };
            let new = || Volume { labels, files: Files::new() };
            self.volumes.entry(mount.volume.clone()).or_insert_with(new);
        }
        let id = self.new_id();
        let container = Container {
            id: id.clone(),
            spec: spec.clone(),
            ours,
            state: ContainerState::Created,
            policy: spec.restart.name().to_owned(),
            oom_killed: false,
            log: Vec::new(),
            image_id: self.images.get(&spec.image).cloned().unwrap_or_default(),
            exit_code: 0,
            error: String::new(),
            restart_count: 0,
            created: i64::from(self.next_id),
            bound: Vec::new(),
            layer: Files::new(),
        };
        self.containers.insert(id.clone(), container);
        id
    }

    /// True when it was not running. A failed start leaves the state as it was, with the reason.
    pub(super) fn start(&mut self, id: &str) -> Result<bool, Refusal> {
        let container = self.existing(id)?;
        if container.state == ContainerState::Running {
            return Ok(false);
        }
        let (id, spec) = (container.id.clone(), container.spec.clone());
        let bound = self.startable(&id, &spec);
        let container = self.existing(&id)?;
        match bound {
            Ok(bound) => {
                container.state = ContainerState::Running;
                container.bound = bound;
                container.error.clear();
                container.exit_code = 0;
                Ok(true)
            }
            Err(refusal) => {
                container.error.clone_from(&refusal.1);
                container.exit_code = 128;
                Err(refusal)
            }
        }
    }

    fn startable(&self, id: &str, spec: &ContainerSpec) -> Result<Vec<PublishedPort>, Refusal> {
        if let Some(network) = &spec.network
            && !self.networks.values().any(|known| known.name == *network)
        {
            return Err((ErrorKind::NotFound, format!("network {network} not found")));
        }
        spec.ports.iter().map(|port| self.bind(id, port)).collect()
    }

    fn bind(&self, id: &str, port: &PublishedPort) -> Result<PublishedPort, Refusal> {
        let mut bound = port.clone();
        if port.host == 0 {
            bound.host = (49152..=u16::MAX).find(|host| self.is_free(id, port.host_ip, *host)).unwrap_or(0);
            return Ok(bound);
        }
        if self.is_free(id, port.host_ip, port.host) {
            return Ok(bound);
        }
        let text = format!("Bind for {}:{} failed: port is already allocated", port.host_ip, port.host);
        Err((ErrorKind::PortTaken { port: Some(port.host) }, text))
    }

    fn is_free(&self, id: &str, ip: IpAddr, host: u16) -> bool {
        let mut others =
            self.containers.values().filter(|other| other.id != id).flat_map(|other| &other.bound);
        !self.held_ports.contains(&host)
            && !others.any(|other| other.host == host && meets(other.host_ip, ip))
    }

    /// True when it was running.
    pub(super) fn stop(&mut self, id: &str) -> Result<bool, Refusal> {
        let container = self.existing(id)?;
        let running = matches!(
            container.state,
            ContainerState::Running | ContainerState::Restarting | ContainerState::Paused
        );
        if running {
            container.end(0);
        }
        Ok(running)
    }

    /// True when the engine started it again.
    pub(super) fn crash(&mut self, name: &str, exit_code: i64) -> bool {
        let Some(container) = self.by_name_mut(name) else { return false };
        if container.policy != "always" {
            container.end(exit_code);
            return false;
        }
        container.restart_count += 1;
        container.exit_code = exit_code;
        true
    }

    pub(super) fn remove(&mut self, id: &str, force: bool) -> Result<bool, Refusal> {
        let Some(container) = self.find(id) else { return Ok(false) };
        if container.state == ContainerState::Running && !force {
            let text = format!("You cannot remove a running container {}", container.id);
            return Err((ErrorKind::Conflict, text));
        }
        let id = container.id.clone();
        Ok(self.containers.remove(&id).is_some())
    }

    pub(super) fn rename(&mut self, id: &str, name: &str) -> Result<(), Refusal> {
        if let Some(holder) = self.by_name(name) {
            let text =
                format!("The container name \"/{name}\" is already in use by container \"{}\"", holder.id);
            return Err((ErrorKind::NameTaken { holder_id: holder.id.clone() }, text));
        }
        name.clone_into(&mut self.existing(id)?.spec.name);
        Ok(())
    }

    pub(super) fn set_policy(&mut self, id: &str, policy: &str) -> Result<bool, Refusal> {
        let container = self.existing(id)?;
        if !matches!(policy, "always" | "no") {
            return Err((ErrorKind::Other, format!("`{policy}` is neither `always` nor `no`")));
        }
        policy.clone_into(&mut container.policy);
        Ok(true)
    }

    /// A paused container of a real engine refuses most calls, and so a change from another state.
    pub(super) fn change_state(
        &mut self,
        id: &str,
        from: &ContainerState,
        to: ContainerState,
    ) -> Result<bool, Refusal> {
        let container = self.existing(id)?;
        if container.state == to {
            return Ok(false);
        }
        if container.state != *from {
            return Err((ErrorKind::Conflict, format!("Container {} is not {from}", container.id)));
        }
        container.state = to;
        Ok(true)
    }

    pub(super) fn must_run(&mut self, id: &str) -> Result<(), Refusal> {
        let container = self.existing(id)?;
        if container.state == ContainerState::Running {
            return Ok(());
        }
        Err((ErrorKind::Conflict, format!("Container {} is not running", container.id)))
    }
}

/// What is shown.
impl State {
    pub(super) fn list(&self) -> Observed {
        let mut containers: Vec<_> =
            self.containers.values().map(|container| self.observed(container)).collect();
        containers.sort_by(|a, b| a.name.cmp(&b.name));
        Observed { containers }
    }

    fn observed(&self, container: &Container) -> ObservedContainer {
        let network = container.spec.network.clone();
        let id_of = |name: &String| {
            let known = self.networks.values().find(|network| network.name == *name);
            known.map(|network| network.id.clone()).unwrap_or_default()
        };
        ObservedContainer {
            id: container.id.clone(),
            name: container.spec.name.clone(),
            image: self.shown_image(container),
            image_id: container.image_id.clone(),
            labels: container.labels(),
            state: container.state.clone(),
            status: container.status(),
            created: container.created,
            ports: container
                .bound
                .iter()
                .map(|port| (port.host_ip.to_string(), port.host, port.container))
                .collect(),
            networks: network.into_iter().map(|name| (name.clone(), id_of(&name))).collect(),
            volumes: container.spec.mounts.iter().map(|mount| mount.volume.clone()).collect(),
        }
    }

    /// As an engine shows it: the id, once the tag means another image.
    fn shown_image(&self, container: &Container) -> String {
        match self.images.get(&container.spec.image) {
            Some(id) if *id != container.image_id => container.image_id.clone(),
            _ => container.spec.image.to_string(),
        }
    }

    pub(super) fn detail(&self, id: &str) -> Result<ContainerDetail, Refusal> {
        let container = self.find(id).ok_or_else(|| no_container(id))?;
        let wanted: BTreeSet<u16> =
            container.spec.ports.iter().map(|port| port.host).filter(|port| *port != 0).collect();
        Ok(ContainerDetail {
            id: container.id.clone(),
            name: container.spec.name.clone(),
            image_id: container.image_id.clone(),
            state: container.state.clone(),
            exit_code: container.exit_code,
            oom_killed: container.oom_killed,
            error: container.error.clone(),
            restart_count: container.restart_count,
            started_at: "0001-01-01T00:00:00Z".to_owned(),
            finished_at: "0001-01-01T00:00:00Z".to_owned(),
            wanted_ports: wanted.into_iter().collect(),
            labels: container.labels(),
            // Nowhere but in memory.
            volumes: BTreeMap::new(),
        })
    }

    /// What `docker inspect` shows, as far as anybody reads it.
    pub(super) fn describe(&self, id: &str) -> Result<serde_json::Value, Refusal> {
        let container = self.find(id).ok_or_else(|| no_container(id))?;
        let spec = &container.spec;
        Ok(serde_json::json!({
            "Id": container.id,
            "RestartCount": container.restart_count,
            "State": {
                "Status": container.state.to_string(),
                "ExitCode": container.exit_code,
                "OOMKilled": container.oom_killed,
                "Error": container.error,
            },
            "Config": {"User": spec.user, "Env": spec.env, "Labels": container.labels()},
            "HostConfig": {
                "RestartPolicy": {"Name": container.policy},
                "CapDrop": ["ALL"],
                "CapAdd": spec.cap_add,
                "SecurityOpt": ["no-new-privileges"],
                "ReadonlyRootfs": spec.read_only_root,
                "Memory": spec.memory,
                "PidsLimit": spec.pids_limit,
            },
        }))
    }

    /// The last lines; a followed log ends where it stands.
    pub(super) fn log(&mut self, id: &str, query: &LogQuery) -> Result<Vec<LogLine>, Refusal> {
        let log = &self.existing(id)?.log;
        let keep = query.tail.and_then(|tail| usize::try_from(tail).ok()).unwrap_or(log.len());
        Ok(log[log.len().saturating_sub(keep)..].to_vec())
    }
}
