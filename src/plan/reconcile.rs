//! Desired × facts → plan. Every step carries its cause.

use crate::model::{ContainerState, FileChanges, Manifest, ObservedContainer, Project, ServiceKind, labels};
use crate::plan::ownership::{self, Adoption, Remains};
use crate::plan::{
    Blocker, Cause, EmptyRules, Facts, NetworkStep, Plan, Policy, PullPolicy, ServicePlan, Step, fingerprint,
    ports, rule_intent,
};
use crate::services::{Desired, DesiredService, FileEffect, file_effect, profile};
use crate::update::LockedImage;
use crate::update::lock::short as short_digest;
use crate::update::recovery::is_kept;

/// Decides what has to happen. The same inputs give the same plan, in the order of `ServiceKind`.
pub fn reconcile(desired: &Desired, facts: &Facts, policy: &Policy) -> Plan {
    let mut plan = Plan::default();
    if policy.adoption == Adoption::Refused
        && let Some(other) = other_project(desired, facts)
    {
        // What differs from another project's settings is no news.
        plan.blockers.push(other);
        return plan;
    }
    for service in desired.services.keys() {
        let service_plan = one_service(*service, desired, facts, policy, &mut plan.blockers);
        plan.services.push(service_plan);
    }
    leftovers(desired, facts, policy, &mut plan);
    port_blockers(desired, facts, &mut plan);
    if policy.empty_rules == EmptyRules::Refused && loses_every_rule(desired, facts) {
        plan.blockers.push(Blocker::LosesEveryRule);
    }
    plan.network = network(desired, facts, &plan);
    plan
}

fn other_project(desired: &Desired, facts: &Facts) -> Option<Blocker> {
    let remains = Remains { observed: &facts.observed, volumes: &facts.volumes };
    ownership::other_project(&desired.stack, desired.project.as_ref()?, remains)
}

/// True when a Prometheus that has rules, as far as is known, would be left without any, whichever way the
/// new files get there: by a reload, a restart or a new container.
fn loses_every_rule(desired: &Desired, facts: &Facts) -> bool {
    let Some(wanted) = desired.services.get(&ServiceKind::Prometheus) else { return false };
    let named = facts.observed.containers.iter().find(|container| container.name == wanted.spec.name);
    let ours = named.filter(|container| is_ours(container, desired.stack.as_str()));
    // One that never ran has nothing in force.
    let Some(container) = ours.filter(|container| container.state != ContainerState::Created) else {
        return false;
    };
    let is_rule_file = |path: &String| path.contains("/rules/");
    let loses = facts.known_files.get(&container.id).is_none_or(|known| {
        let changes = known.changes_to(&Manifest::of(&wanted.files));
        known.0.is_empty() || changes.removed.iter().chain(&changes.changed).any(is_rule_file)
    });
    loses && rule_intent::rule_count(&rule_intent::of_files(&wanted.files)) == 0
}

fn one_service(
    service: ServiceKind,
    desired: &Desired,
    facts: &Facts,
    policy: &Policy,
    blockers: &mut Vec<Blocker>,
) -> ServicePlan {
    let wanted = &desired.services[&service];
    let container = facts.observed.containers.iter().find(|container| container.name == wanted.spec.name);
    let ours = container.filter(|container| is_ours(container, wanted.spec.stack.as_str()));
    if let (Some(foreign), None) = (container, ours) {
        blockers.push(Blocker::ForeignContainer {
            name: foreign.name.clone(),
            image: foreign.image.clone(),
            id: foreign.id.clone(),
        });
    }
    if let Some(blocker) = moved_image(service, wanted, facts, desired.locked.get(&service)) {
        blockers.push(blocker);
    }
    let mut steps = match ours {
        None => fresh(wanted, &Cause::NotThere),
        Some(container) => existing(service, wanted, container, facts),
    };
    let is_pulled = steps.iter().any(|step| matches!(step, Step::Pull { .. }));
    if policy.pull == PullPolicy::Always && !is_pulled && !facts.images.contains_key(&wanted.spec.image) {
        steps.insert(0, Step::Pull { image: wanted.spec.image.clone(), cause: Cause::PullAsked });
    }
    let container_id = ours.map(|container| container.id.clone());
    ServicePlan { service, container: wanted.spec.name.clone(), container_id, steps }
}

/// The image under the wanted tag is not the locked one.
fn moved_image(
    service: ServiceKind,
    wanted: &DesiredService,
    facts: &Facts,
    locked: Option<&LockedImage>,
) -> Option<Blocker> {
    let (locked, now) = (locked?, facts.images.get(&wanted.spec.image)?);
    let image = wanted.spec.image.clone();
    (!locked.is(now)).then(|| Blocker::ImageMoved {
        service,
        now: short_digest(now.digest_in(&image).unwrap_or(&now.id)),
        image,
        locked: locked.short(),
    })
}

/// Ours: it carries this stack's label.
fn is_ours(container: &ObservedContainer, stack: &str) -> bool {
    container.label(labels::STACK) == Some(stack)
}

fn fresh(wanted: &DesiredService, cause: &Cause) -> Vec<Step> {
    let cause = cause.clone();
    vec![
        Step::Create { cause: cause.clone() },
        Step::Write { files: wanted.files.files.len(), cause: cause.clone() },
        Step::Start { cause },
    ]
}

fn existing(
    service: ServiceKind,
    wanted: &DesiredService,
    container: &ObservedContainer,
    facts: &Facts,
) -> Vec<Step> {
    if let Some(cause) = reason_to_recreate(wanted, container, facts) {
        let running = container.state.needs_a_stop();
        let remove = Step::Remove { container_id: container.id.clone(), running, cause: cause.clone() };
        return pull_of(wanted, facts).into_iter().chain([remove]).chain(fresh(wanted, &cause)).collect();
    }
    let changes = file_changes(wanted, container, facts);
    let interrupted = facts.known_files.get(&container.id).is_some_and(Manifest::has_unverified);
    match container.state {
        ContainerState::Created | ContainerState::Exited => stopped(wanted, container, &changes),
        ContainerState::Paused => {
            vec![Step::Restart { container_id: container.id.clone(), cause: Cause::Paused }]
        }
        // Running, or in the engine's back-off between two starts, or a state newer than this program.
        _ => running(service, container, changes, interrupted),
    }
}

/// What is replaced runs on until the image of what follows is there: a mistyped name must not cost the service.
fn pull_of(wanted: &DesiredService, facts: &Facts) -> Option<Step> {
    let image = &wanted.spec.image;
    let is_missing = facts.missing_images.contains(image) && !facts.images.contains_key(image);
    is_missing.then(|| Step::Pull { image: image.clone(), cause: Cause::ImageMissing })
}

fn reason_to_recreate(
    wanted: &DesiredService,
    container: &ObservedContainer,
    facts: &Facts,
) -> Option<Cause> {
    if matches!(container.state, ContainerState::Removing | ContainerState::Dead) {
        return Some(Cause::Unusable(container.state.clone()));
    }
    if container.label(labels::SPEC_HASH) != Some(fingerprint::hash(&wanted.spec).as_str()) {
        let differences = fingerprint::differences(container.label(labels::SPEC), &wanted.spec);
        if !differences.is_empty() {
            return Some(Cause::Settings(differences));
        }
    }
    if facts.images.get(&wanted.spec.image).is_some_and(|image| image.id != container.image_id) {
        return Some(Cause::ImageMoved(wanted.spec.image.clone()));
    }
    taken_over(wanted, container).or_else(|| lost_network(wanted, container, facts))
}

/// Another project's container, which is taken over: only a new one can carry this project's labels.
fn taken_over(wanted: &DesiredService, container: &ObservedContainer) -> Option<Cause> {
    let (owner, project) = (ownership::owner(container)?, Project::of_labels(&wanted.spec.labels)?);
    (!owner.is(&project)).then(|| Cause::TakenOver(owner.place(&project.host)))
}

/// A container that was started once is attached to its network, or somebody took it away.
fn lost_network(wanted: &DesiredService, container: &ObservedContainer, facts: &Facts) -> Option<Cause> {
    let name = wanted.spec.network.as_ref().filter(|_| container.state != ContainerState::Created)?;
    let Some(recorded) = container.networks.get(name) else {
        return Some(Cause::NotAttached(name.clone()));
    };
    let gone = !container.is_running()
        && !recorded.is_empty()
        && Some(recorded) != facts.network.as_ref().map(|network| &network.id);
    gone.then(|| Cause::NetworkGone(name.clone()))
}

/// When it is not known what lies in the volume, every file counts as new and is written.
fn file_changes(wanted: &DesiredService, container: &ObservedContainer, facts: &Facts) -> FileChanges {
    let known = facts.known_files.get(&container.id).cloned().unwrap_or_default();
    known.changes_to(&Manifest::of(&wanted.files))
}

fn stopped(wanted: &DesiredService, container: &ObservedContainer, changes: &FileChanges) -> Vec<Step> {
    let never_started = container.state == ContainerState::Created;
    let cause = if never_started { Cause::NeverStarted } else { Cause::Stopped(container.status.clone()) };
    // A run that was killed between create and start may have written nothing or half of it.
    let write = (never_started || !changes.is_empty()).then(|| Step::Write {
        files: wanted.files.files.len(),
        cause: if never_started {
            cause.clone()
        } else {
            Cause::Files { changes: changes.clone(), interrupted: false }
        },
    });
    write.into_iter().chain([Step::Start { cause }]).collect()
}

fn running(
    service: ServiceKind,
    container: &ObservedContainer,
    changes: FileChanges,
    interrupted: bool,
) -> Vec<Step> {
    if changes.is_empty() {
        return Vec::new();
    }
    // One that is between two crashes cannot be asked anything: only a new start helps it.
    let restart = !container.is_running()
        || changes.touched().map(|path| file_effect(service, path)).max() == Some(FileEffect::Restart);
    let cause = Cause::Files { changes: changes.clone(), interrupted };
    vec![Step::ChangeFiles { container_id: container.id.clone(), changes, restart, cause }]
}

/// Seconds. A validator or drill that is younger may belong to a command that runs right now.
const OLDEST_TEMPORARY: i64 = 15 * 60;

/// Containers of ours that the settings no longer name, and what an interrupted run left behind.
fn leftovers(desired: &Desired, facts: &Facts, policy: &Policy, plan: &mut Plan) {
    for container in &facts.observed.containers {
        if !is_ours(container, desired.stack.as_str()) {
            continue;
        }
        let Some(service) = container.service() else { continue };
        let temporary = container.is_temporary();
        if temporary && facts.now - container.created < OLDEST_TEMPORARY {
            continue;
        }
        // What an update keeps is settled before anything is planned.
        if is_kept(container) {
            continue;
        }
        let named = desired.services.get(&service).is_some_and(|wanted| wanted.spec.name == container.name);
        if named {
            continue;
        }
        let beside = profile(service).beside;
        let unwanted =
            policy.without.contains(&service) || beside.is_some_and(|one| policy.without.contains(&one));
        if !temporary && !unwanted {
            plan.notes.push(format!(
                "`{}` runs but is not enabled in the settings; `confidexmon up --without {service}` removes it",
                container.name
            ));
            continue;
        }
        let cause = if temporary { Cause::LeftBehind } else { Cause::Unwanted };
        plan.services.push(ServicePlan {
            service,
            container: container.name.clone(),
            container_id: Some(container.id.clone()),
            steps: vec![Step::Remove {
                container_id: container.id.clone(),
                running: container.is_running(),
                cause,
            }],
        });
    }
}

fn port_blockers(desired: &Desired, facts: &Facts, plan: &mut Plan) {
    let replaced: Vec<&str> = plan
        .services
        .iter()
        .filter(|service| service.steps.iter().any(|step| matches!(step, Step::Remove { .. })))
        .filter_map(|service| service.container_id.as_deref())
        .collect();
    let mut found = Vec::new();
    for service_plan in &plan.services {
        let starts = service_plan.steps.iter().any(|step| matches!(step, Step::Start { .. }));
        if let (true, Some(wanted)) = (starts, desired.services.get(&service_plan.service)) {
            found.extend(ports::blockers(service_plan.service, &wanted.spec, facts, &replaced));
        }
    }
    plan.blockers.extend(found);
}

/// The network is needed when something will be created or started and no listing shows it.
fn network(desired: &Desired, facts: &Facts, plan: &Plan) -> Option<NetworkStep> {
    let name = &desired.network.name;
    let starts = plan.services.iter().flat_map(|service| &service.steps);
    let needed = starts.into_iter().any(|step| matches!(step, Step::Create { .. } | Step::Start { .. }));
    let running_on_it = facts.observed.containers.iter().any(|container| {
        container.is_running()
            && is_ours(container, desired.stack.as_str())
            && container.networks.get(name).is_some_and(|id| !id.is_empty())
    });
    let there = running_on_it || facts.network.is_some();
    (needed && !there).then(|| NetworkStep { name: name.clone(), cause: Cause::NotThere })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::{NetworkSpec, Observed, StackName};

    fn validator(created: i64) -> ObservedContainer {
        let labels = [(labels::STACK, "t"), (labels::SERVICE, "prometheus"), (labels::ROLE, "validator")];
        ObservedContainer {
            id: "1".to_owned(),
            name: "t-validator-1".to_owned(),
            labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            state: ContainerState::Running,
            created,
            ..ObservedContainer::default()
        }
    }

    #[test]
    fn a_validator_that_may_still_work_is_left_alone_and_an_old_one_is_swept() {
        let stack = StackName::new("t").unwrap();
        let network = NetworkSpec { stack: stack.clone(), name: stack.network(), labels: BTreeMap::new() };
        let (services, locked) = (BTreeMap::new(), BTreeMap::new());
        let worked_before = BTreeMap::new();
        let desired = Desired { stack, network, services, locked, worked_before, project: None };
        let plan = |created| {
            let facts = Facts {
                now: 100_000,
                observed: Observed { containers: vec![validator(created)] },
                ..Facts::default()
            };
            reconcile(&desired, &facts, &Policy::default())
        };
        assert!(plan(99_900).is_empty());
        let old = plan(100_000 - OLDEST_TEMPORARY);
        assert!(matches!(old.services[0].steps[0], Step::Remove { .. }), "{old}");
    }
}
