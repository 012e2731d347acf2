//! Facts about each service: its container, where its files go, how to ask it whether it is ready,
//! and what a changed file means. One file per service.

mod alertmanager;
#[cfg(test)]
mod compatibility_tests;
pub mod grafana;
mod profile;
mod prometheus;
mod redis;
mod redis_exporter;

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::model::{
    ContainerSpec, Diagnostic, FileSet, ImageRef, Mount, NetworkSpec, Project, PublishedPort, RestartPolicy,
    Role, Secret, ServiceKind, StackName, Tmpfs,
};
use crate::render::{ProjectFiles, RenderedStack, Renderer};
use crate::settings::Settings;
use crate::update::LockedImage;
use crate::update::compatibility::{Incompatibility, unusable_variant};

pub use profile::{Api, Profile, Protocol, profile};

/// Everything that should exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desired {
    pub stack: StackName,
    pub network: NetworkSpec,
    pub services: BTreeMap<ServiceKind, DesiredService>,
    /// What exactly the images must be, where that is locked.
    pub locked: BTreeMap<ServiceKind, LockedImage>,
    /// The images that worked before those that are wanted now.
    pub worked_before: BTreeMap<ServiceKind, ImageRef>,
    /// Whose it is, where that is known.
    pub project: Option<Project>,
}

impl Desired {
    /// Everything that is made carries the project's labels.
    pub fn belongs_to(&mut self, project: Project) {
        let labels = project.labels();
        for wanted in self.services.values_mut() {
            wanted.spec.labels.extend(labels.clone());
        }
        self.network.labels.extend(labels);
        self.project = Some(project);
    }
}

/// One service that should run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesiredService {
    pub spec: ContainerSpec,
    pub files: FileSet,
    pub probe: Probe,
}

/// How to ask a service whether it is ready. Only an answer counts: docker-proxy accepts TCP
/// connections with nothing behind it (measured on 20.10).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// `GET path` must answer 200.
    Http { container_port: u16, path: &'static str, basic_auth: Option<(String, Secret)> },
    /// `PING` must answer `PONG`, after `AUTH` when there is a password.
    Redis { container_port: u16, password: Option<Secret> },
}

impl Probe {
    /// User and password, where the service asks for them over HTTP.
    pub fn basic_auth(&self) -> Option<(String, Secret)> {
        match self {
            Self::Http { basic_auth, .. } => basic_auth.clone(),
            Self::Redis { .. } => None,
        }
    }

    /// The port that is asked, inside the container.
    pub const fn container_port(&self) -> u16 {
        match self {
            Self::Http { container_port, .. } | Self::Redis { container_port, .. } => *container_port,
        }
    }
}

/// What has to happen when a file of a running service changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FileEffect {
    /// Read at each use (secret files), or rescanned soon; writing it is enough.
    Nothing,
    /// The service can be told to read it again.
    Reload,
    /// Only a start reads it.
    Restart,
}

/// What a changed file at `path` means for a running `service`.
pub fn file_effect(service: ServiceKind, path: &str) -> FileEffect {
    (profile(service).file_effect)(path)
}

/// The whole stack as settings and rendered files describe it.
pub fn desired(settings: &Settings, mut files: RenderedStack) -> Desired {
    let services = settings
        .services()
        .into_iter()
        .filter_map(|service| Some((service, (profile(service).define)(settings, files.remove(&service)?))))
        .collect();
    Desired {
        stack: settings.stack.clone(),
        network: NetworkSpec {
            stack: settings.stack.clone(),
            name: settings.stack.network(),
            labels: BTreeMap::new(),
        },
        project: None,
        services,
        locked: BTreeMap::new(),
        worked_before: BTreeMap::new(),
    }
}

/// The files of the whole stack, or every problem of every template.
pub fn render_stack(settings: &Settings, project: &ProjectFiles) -> Result<RenderedStack, Vec<Diagnostic>> {
    let services = settings.services();
    let scraped: Vec<(ServiceKind, u16)> = settings
        .own_jobs()
        .filter_map(ServiceKind::from_name)
        .filter(|service| services.contains(service))
        .map(|service| (service, profile(service).port))
        .collect();
    let mut renderer = Renderer::new(settings, project, &scraped);
    let stack = services
        .into_iter()
        .map(|service| (service, (profile(service).files)(settings, &mut renderer)))
        .collect();
    if renderer.problems.is_empty() { Ok(stack) } else { Err(renderer.problems) }
}

/// Takes out what is built in about services that do not run.
pub fn leave_out_unused(settings: &Settings, project: &mut ProjectFiles) {
    let running = settings.services();
    for service in ServiceKind::ALL.into_iter().filter(|service| !running.contains(service)) {
        let rules = profile(service).rules;
        project.rules.retain(|path, file| {
            let is_about_it = rules.iter().any(|beginning| path.starts_with(beginning));
            !(is_about_it && ProjectFiles::is_built_in(file, &format!("rules/{path}")))
        });
    }
}

/// Why a service must not go from one tag to another. Everything that cannot be undone is refused beforehand.
pub fn incompatibility(service: ServiceKind, from: &str, to: &str) -> Option<Incompatibility> {
    unusable_variant(to).or_else(|| (profile(service).incompatible)(from, to))
}

/// What every service's container has in common: least privilege, limits, volumes, one port.
fn base_spec(settings: &Settings, service: ServiceKind, files: &FileSet) -> ContainerSpec {
    let stack = &settings.stack;
    let profile = profile(service);
    let resources = settings.resources.get(&service);
    let mount = |volume, target: &str, role: Role| Mount {
        volume,
        target: target.to_owned(),
        no_copy: role == Role::Config,
        role,
    };
    ContainerSpec {
        stack: stack.clone(),
        service,
        role: Role::Service,
        name: stack.container(service),
        image: settings.images[&service].clone(),
        command: Vec::new(),
        entrypoint: None,
        env: BTreeMap::new(),
        user: format!("{}:{}", files.uid, files.gid),
        mounts: [mount(stack.config_volume(service), &files.root, Role::Config)]
            .into_iter()
            .chain(profile.data.map(|path| mount(stack.data_volume(service), path, Role::Data)))
            .collect(),
        tmpfs: vec![Tmpfs { target: "/tmp".to_owned(), options: "rw,noexec,nosuid,size=64m".to_owned() }],
        ports: vec![PublishedPort {
            container: profile.port,
            host_ip: if profile.loopback_only && !settings.bind.is_loopback() {
                IpAddr::from([127, 0, 0, 1])
            } else {
                settings.bind
            },
            host: settings.port(service),
        }],
        network: Some(stack.network()),
        aliases: vec![service.name().to_owned()],
        extra_hosts: Vec::new(),
        cap_add: Vec::new(),
        read_only_root: true,
        memory: resources.and_then(|limits| limits.memory),
        nano_cpus: resources.and_then(|limits| limits.nano_cpus),
        pids_limit: resources.map_or(256, |limits| limits.pids),
        stop_timeout: i64::try_from(profile.stop_grace.as_secs()).unwrap_or(30),
        restart: RestartPolicy::Always,
        labels: BTreeMap::new(),
    }
}

/// The name under which containers reach services of the host that runs the engine.
fn host_gateway() -> Vec<String> {
    vec!["host.docker.internal:host-gateway".to_owned()]
}

fn basic_auth(settings: &Settings) -> Option<(String, Secret)> {
    settings.security.web_auth.as_ref().map(|auth| (auth.username.clone(), auth.password.clone()))
}
