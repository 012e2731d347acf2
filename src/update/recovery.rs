//! What an update that was cut off has left on the engine, and whether to finish or to undo it.
//!
//! The container from before an update is kept under another name until the new one works. As long as
//! it is there, the update is not over; the lock tells which side of the switch it is on. So any
//! machine that has the lock can tell, and no journal of its own can be lost.

use crate::model::{ContainerState, Observed, ObservedContainer, ServiceKind, StackName, labels};
use crate::update::ImagesLock;

/// Appended to the name of the container that an update keeps.
const KEPT: &str = "-before-update";

/// The name under which the container of a service is kept during an update.
pub fn kept_name(container: &str) -> String {
    format!("{container}{KEPT}")
}

/// True for the container that an update keeps: it is no service of the stack any more, or not yet again.
pub fn is_kept(container: &ObservedContainer) -> bool {
    container.name.ends_with(KEPT)
}

/// What has to be done about one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    pub service: ServiceKind,
    /// The service's name on the engine.
    pub name: String,
    pub kept_id: String,
    pub way: Way,
}

/// Which way a cut-off update goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// The new container proved itself and the lock says so: the one from before goes.
    Finish,
    /// The new container, if there is one, goes, and the one from before takes its place again.
    Undo { new: Option<NewContainer> },
}

/// The container that an update made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewContainer {
    pub id: String,
    /// True when it ran at some time, so that it may have changed the data.
    pub was_started: bool,
}

/// Every update of this stack that was cut off.
pub fn decide(observed: &Observed, stack: &StackName, lock: &ImagesLock) -> Vec<Recovery> {
    let ours = |container: &&ObservedContainer| container.label(labels::STACK) == Some(stack.as_str());
    let kept = observed.containers.iter().filter(ours).filter(|container| is_kept(container));
    kept.filter_map(|kept| {
        let service = kept.service()?;
        let name = stack.container(service);
        let new = observed.containers.iter().filter(ours).find(|container| container.name == name);
        let locked = lock.images.get(&service).map(|locked| locked.image_id.as_str());
        let is_committed =
            new.is_some_and(|new| locked == Some(&new.image_id) && locked != Some(&kept.image_id));
        let way = if is_committed {
            Way::Finish
        } else {
            let new = new.map(|new| NewContainer {
                id: new.id.clone(),
                was_started: new.state != ContainerState::Created,
            });
            Way::Undo { new }
        };
        Some(Recovery { service, name, kept_id: kept.id.clone(), way })
    })
    .collect()
}

impl std::fmt::Display for Recovery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let service = self.service;
        match self.way {
            Way::Finish => write!(
                f,
                "an update of {service} was interrupted after the new container had proved itself: it is finished"
            ),
            Way::Undo { .. } => write!(
                f,
                "an update of {service} was interrupted: the container from before it takes its place again"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::update::LockedImage;

    fn container(name: &str, state: &str, image_id: &str) -> ObservedContainer {
        let labels = [(labels::STACK, "t"), (labels::SERVICE, "redis"), (labels::ROLE, "service")];
        ObservedContainer {
            id: format!("id of {name}"),
            name: name.to_owned(),
            image_id: image_id.to_owned(),
            labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            state: ContainerState::from(state),
            ..ObservedContainer::default()
        }
    }

    fn way(containers: Vec<ObservedContainer>, locked: &str) -> Option<Way> {
        let mut lock = ImagesLock::default();
        let line = LockedImage {
            image: "redis:8".to_owned(),
            settings: "redis:8".to_owned(),
            digest: None,
            platform_digest: None,
            platform: "linux/amd64".to_owned(),
            image_id: locked.to_owned(),
            locked_at: String::new(),
        };
        lock.images.insert(ServiceKind::Redis, line);
        let found = decide(&Observed { containers }, &StackName::new("t").unwrap(), &lock);
        found.into_iter().next().map(|recovery| recovery.way)
    }

    #[test]
    fn the_lock_tells_whether_to_finish_or_to_undo() {
        let kept = || container("t-redis-before-update", "exited", "old");
        assert_eq!(way(vec![container("t-redis", "running", "old")], "old"), None);
        assert_eq!(way(vec![kept()], "old"), Some(Way::Undo { new: None }));
        let undo = |was_started| {
            Some(Way::Undo { new: Some(NewContainer { id: "id of t-redis".to_owned(), was_started }) })
        };
        assert_eq!(way(vec![container("t-redis", "created", "new"), kept()], "old"), undo(false));
        assert_eq!(way(vec![container("t-redis", "running", "new"), kept()], "old"), undo(true));
        assert_eq!(way(vec![container("t-redis", "running", "new"), kept()], "new"), Some(Way::Finish));
        let mut foreign = kept();
        foreign.labels.clear();
        assert_eq!(way(vec![foreign], "old"), None);
    }
}
