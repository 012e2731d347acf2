//! Looks at the engine and at this machine before anything is decided.

use futures_util::future::try_join_all;

use crate::apply::{StackSession, network, ownership};
use crate::engine::{Engine, EngineError, ErrorKind};
use crate::model::manifest::MANIFEST_FILE;
use crate::model::{
    ImageRef, LocalImage, Manifest, Observed, ObservedContainer, PortHolder, ServiceKind, StackName, labels,
};
use crate::plan::Facts;
use crate::services::{Desired, DesiredService};
use crate::store::{ports, tarball};
use crate::update::recovery::is_kept;

/// No honest manifest is larger.
const LARGEST_MANIFEST: usize = 4 * 1024 * 1024;

/// Everything `plan::reconcile` wants to know beside the listing. No call when everything runs; one
/// for the network when something of ours is stopped, and one per config volume that this machine
/// does not remember.
pub async fn facts<E: Engine>(
    session: &StackSession<E>,
    desired: &Desired,
    observed: Observed,
) -> Result<Facts, EngineError> {
    let mut facts = Facts { now: jiff::Timestamp::now().as_second(), ..Facts::default() };
    let ours: Vec<&ObservedContainer> = services(&observed, &desired.stack).collect();
    if ours.is_empty() && desired.project.is_some() {
        facts.volumes = ownership::volumes(session, &desired.stack).await?;
    }
    if ours.iter().any(|container| !container.is_running()) {
        facts.network = our_network(session, desired).await?;
    }
    for container in &ours {
        let Some(wanted) = container.service().and_then(|service| desired.services.get(&service)) else {
            continue;
        };
        if container.name != wanted.spec.name {
            continue;
        }
        if let Some(manifest) = known_files(session, &container.id, &wanted.files.root).await? {
            facts.known_files.insert(container.id.clone(), manifest);
        }
    }
    for (image, found) in doubtful_images(session, desired, &ours).await? {
        match found {
            Some(found) => drop(facts.images.insert(image, found)),
            None => drop(facts.missing_images.insert(image)),
        }
    }
    busy_ports(session, desired, &observed, &mut facts);
    facts.observed = observed;
    Ok(facts)
}

/// Everything that carries the stack's label, validators and drills included.
pub fn ours<'a>(observed: &'a Observed, stack: &'a StackName) -> impl Iterator<Item = &'a ObservedContainer> {
    observed.containers.iter().filter(move |container| container.label(labels::STACK) == Some(stack.as_str()))
}

/// The containers that are services of the stack.
pub fn services<'a>(
    observed: &'a Observed,
    stack: &'a StackName,
) -> impl Iterator<Item = &'a ObservedContainer> {
    ours(observed, stack).filter(|container| !container.is_temporary() && !is_kept(container))
}

/// What the tags mean whose container or lock tells that it may be another image. An engine shows a
/// container's image by its id once the tag means another one, so a stack that is as it should be costs
/// no call. (Podman goes on showing the name, so there every tag is looked up.)
async fn doubtful_images<E: Engine>(
    session: &StackSession<E>,
    desired: &Desired,
    ours: &[&ObservedContainer],
) -> Result<Vec<(ImageRef, Option<LocalImage>)>, EngineError> {
    let is_doubtful = |service: &ServiceKind, wanted: &DesiredService| {
        let locked = desired.locked.get(service).map(|locked| locked.image_id.as_str());
        let Some(container) = ours.iter().find(|container| container.name == wanted.spec.name) else {
            return locked.is_some();
        };
        !session.engine.info().capabilities.shows_moved_tags
            || container.image != wanted.spec.image.as_str()
            || locked.is_some_and(|locked| locked != container.image_id)
    };
    let doubtful = desired.services.iter().filter(|(service, wanted)| is_doubtful(service, wanted));
    try_join_all(doubtful.map(|(_, wanted)| async move {
        let image = &wanted.spec.image;
        Ok::<_, EngineError>((image.clone(), session.engine.find_image(image).await?))
    }))
    .await
}

async fn our_network<E: Engine>(
    session: &StackSession<E>,
    desired: &Desired,
) -> Result<Option<crate::model::ObservedNetwork>, EngineError> {
    let mut found = session.engine.find_networks(&desired.network.name).await?;
    found.retain(|network| network::is_ours(network, &desired.stack));
    Ok(found.into_iter().next())
}

/// What lies in a config volume: as this machine remembers it, else as the volume's manifest tells,
/// which is remembered then unless something in it is in doubt.
pub async fn known_files<E: Engine>(
    session: &StackSession<E>,
    container_id: &str,
    root: &str,
) -> Result<Option<Manifest>, EngineError> {
    if let Some(manifest) = session.remembered(container_id) {
        return Ok(Some(manifest));
    }
    let read = read_manifest(session, container_id, root).await?;
    // What is in doubt may be settled from another machine at any time.
    if let Some(manifest) = read.as_ref().filter(|manifest| !manifest.has_unverified()) {
        session.remember(container_id, manifest.clone());
    }
    Ok(read)
}

/// The manifest in a config volume; `None` when there is none or it cannot be read as one.
async fn read_manifest<E: Engine>(
    session: &StackSession<E>,
    container_id: &str,
    root: &str,
) -> Result<Option<Manifest>, EngineError> {
    let path = format!("{root}/{MANIFEST_FILE}");
    let archive = match session.engine.download(container_id, &path).await {
        Ok(archive) => archive,
        Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Other) => return Ok(None),
        Err(error) => return Err(error),
    };
    let files = tarball::extract(&archive, LARGEST_MANIFEST).unwrap_or_default();
    Ok(files.first().and_then(|file| serde_json::from_slice(&file.bytes).ok()))
}

/// Which wanted ports this machine has in use, where the engine's ports are this machine's.
fn busy_ports<E: Engine>(
    session: &StackSession<E>,
    desired: &Desired,
    observed: &Observed,
    facts: &mut Facts,
) {
    if !session.engine.info().ports_are_local {
        return;
    }
    let bound: Vec<u16> = observed
        .containers
        .iter()
        .filter(|container| container.has_its_ports())
        .flat_map(|container| container.ports.iter().map(|(_, host_port, _)| *host_port))
        .collect();
    let wanted = desired.services.values().flat_map(|service| &service.spec.ports);
    let all_wanted: Vec<u16> = wanted.clone().map(|port| port.host).collect();
    for port in wanted.filter(|port| port.host != 0) {
        let by_container = bound.contains(&port.host);
        if !by_container && ports::is_free(port.host_ip, port.host) {
            continue;
        }
        if !by_container {
            let holder = ports::holder(port.host);
            // The engine's own proxy without a container that has the port: it is just starting or
            // stopping one, ours after a killed run. The engine has the word when we start.
            if matches!(&holder, PortHolder::Process { name, .. } if name == "docker-proxy") {
                continue;
            }
            facts.busy_ports.insert(port.host, holder);
        }
        let taken: Vec<u16> = bound.iter().chain(&all_wanted).copied().collect();
        if let Some(free) = ports::next_free(port.host_ip, port.host, &taken) {
            facts.free_ports.insert(port.host, free);
        }
    }
}

/// Who holds a port now, for a message after the engine refused it.
pub async fn port_holder<E: Engine>(engine: &E, port: u16, not_named: &str) -> PortHolder {
    let observed = engine.list().await.unwrap_or_default();
    let container = observed.containers.iter().find(|container| {
        container.name != not_named
            && container.has_its_ports()
            && container.ports.iter().any(|(_, bound, _)| *bound == port)
    });
    match container {
        Some(container) => PortHolder::Container(container.name.clone()),
        None if engine.info().ports_are_local => ports::holder(port),
        None => PortHolder::Unknown,
    }
}
