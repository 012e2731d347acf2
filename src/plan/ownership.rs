//! Whether the stack of this name is the project's own.

use crate::model::{Observed, ObservedContainer, ObservedVolume, Project, StackName, labels};
use crate::plan::Blocker;

/// Whether a stack that another project started may be taken over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Adoption {
    #[default]
    Refused,
    Allowed,
}

impl From<bool> for Adoption {
    fn from(adopt: bool) -> Self {
        if adopt { Self::Allowed } else { Self::Refused }
    }
}

/// What is there of the stack. Volumes count only when no container is left.
#[derive(Clone, Copy, Debug)]
pub struct Remains<'a> {
    pub observed: &'a Observed,
    pub volumes: &'a [ObservedVolume],
}

/// Why the stack is not `project`'s to touch. What has no project's labels was made by an older version
/// and is anybody's.
pub fn other_project(stack: &StackName, project: &Project, remains: Remains<'_>) -> Option<Blocker> {
    let mut containers = containers(remains.observed, stack).peekable();
    let owner = if containers.peek().is_some() {
        containers.filter_map(owner).find(|owner| !owner.is(project))
    } else {
        let owners = remains.volumes.iter().filter_map(|volume| Project::of_labels(&volume.labels));
        owners.into_iter().find(|owner| !owner.is(project))
    };
    let owner = owner?;
    Some(Blocker::OtherProject {
        stack: stack.to_string(),
        owner: owner.place(&project.host),
        here: project.path.clone(),
    })
}

/// Where the project lies that made the stack's containers, when it is another one.
pub fn place_of_other(stack: &StackName, project: &Project, observed: &Observed) -> Option<String> {
    let owner = containers(observed, stack).filter_map(owner).find(|owner| !owner.is(project));
    owner.map(|owner| owner.place(&project.host))
}

fn containers<'o>(
    observed: &'o Observed,
    stack: &'o StackName,
) -> impl Iterator<Item = &'o ObservedContainer> {
    observed.containers.iter().filter(move |container| is_service_of(container, stack))
}

/// The project that made a container.
pub fn owner(container: &ObservedContainer) -> Option<Project> {
    Project::of_labels(&container.labels)
}

fn is_service_of(container: &ObservedContainer, stack: &StackName) -> bool {
    container.label(labels::STACK) == Some(stack.as_str()) && !container.is_temporary()
}
