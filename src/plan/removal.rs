//! What `down` removes: everything that carries the stack's label, and of the data only what was asked for.
//! Pure; its text is what `down --dry-run` prints.

use std::fmt;
use std::time::Duration;

use crate::model::{
    Observed, ObservedContainer, ObservedNetwork, ObservedVolume, ServiceKind, StackName, labels,
};
use crate::services::profile;

/// What a container gets whose service is not known: the longest that any service needs.
const UNKNOWN_GRACE: Duration = profile(ServiceKind::Prometheus).stop_grace;

/// What was found under the stack's names and labels.
#[derive(Clone, Debug, Default)]
pub struct Found {
    pub observed: Observed,
    /// Networks with one of the stack's names, whoever made them.
    pub networks: Vec<ObservedNetwork>,
    /// Volumes with the stack's label.
    pub volumes: Vec<ObservedVolume>,
}

/// Whether the data goes too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    Kept,
    Removed,
}

/// The plan: containers first, side by side, then networks, then volumes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removal {
    pub containers: Vec<ContainerRemoval>,
    pub networks: Vec<ObservedNetwork>,
    pub volumes: Vec<String>,
    /// Volumes that stay.
    pub kept: Vec<String>,
    /// Networks with a name of ours that somebody else made; they stay.
    pub foreign_networks: Vec<String>,
}

/// One container that goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerRemoval {
    pub id: String,
    pub name: String,
    /// `None` for a container of ours without a service's name.
    pub service: Option<ServiceKind>,
    pub end: End,
}

/// How a container ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It holds nothing that a graceful stop would save.
    Killed,
    Stopped(Duration),
    /// It does not run.
    AlreadyStopped,
}

/// Decides what goes.
pub fn removal(found: &Found, stack: &StackName, data: Data) -> Removal {
    let of_stack = |container: &&ObservedContainer| container.label(labels::STACK) == Some(stack.as_str());
    let ours = |network: &&ObservedNetwork| {
        network.labels.get(labels::STACK).map(String::as_str) == Some(stack.as_str())
    };
    let (networks, foreign): (Vec<_>, Vec<_>) = found.networks.iter().partition(ours);
    let names: Vec<String> = found.volumes.iter().map(|volume| volume.name.clone()).collect();
    let (volumes, kept) = match data {
        Data::Removed => (names, Vec::new()),
        Data::Kept => (Vec::new(), names),
    };
    Removal {
        containers: found.observed.containers.iter().filter(of_stack).map(ContainerRemoval::of).collect(),
        networks: networks.into_iter().cloned().collect(),
        volumes,
        kept,
        foreign_networks: foreign.into_iter().map(|network| network.name.clone()).collect(),
    }
}

impl ContainerRemoval {
    fn of(container: &ObservedContainer) -> Self {
        let service = container.service();
        let end = if container.is_temporary() {
            End::Killed
        } else if container.state.needs_a_stop() {
            End::Stopped(service.map_or(UNKNOWN_GRACE, |service| profile(service).stop_grace))
        } else {
            End::AlreadyStopped
        };
        Self { id: container.id.clone(), name: container.name.clone(), service, end }
    }
}

impl Removal {
    /// True when nothing goes. Volumes that stay are no work.
    pub fn is_empty(&self) -> bool {
        self.containers.is_empty() && self.networks.is_empty() && self.volumes.is_empty()
    }
}

impl fmt::Display for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for container in &self.containers {
            let verb = if container.end == End::AlreadyStopped { "remove" } else { "stop and remove" };
            writeln!(f, "- {verb} {}", container.name)?;
        }
        for network in &self.networks {
            writeln!(f, "- remove network {}", network.name)?;
        }
        for volume in &self.volumes {
            writeln!(f, "- remove volume {volume} and what is in it")?;
        }
        for volume in &self.kept {
            writeln!(f, "note: the volume {volume} stays")?;
        }
        for network in &self.foreign_networks {
            writeln!(f, "note: the network {network} is not confidexmon's and stays")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::ContainerState;

    fn labelled(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn container(name: &str, state: ContainerState, pairs: &[(&str, &str)]) -> ObservedContainer {
        ObservedContainer {
            id: format!("id of {name}"),
            name: name.to_owned(),
            state,
            labels: labelled(pairs),
            ..ObservedContainer::default()
        }
    }

    fn found() -> Found {
        let ours = (labels::STACK, "t");
        let containers = vec![
            container("t-prometheus", ContainerState::Running, &[ours, (labels::SERVICE, "prometheus")]),
            container("t-grafana", ContainerState::Exited, &[ours, (labels::SERVICE, "grafana")]),
            container("t-x", ContainerState::Running, &[ours]),
            container("t-redis", ContainerState::Running, &[(labels::STACK, "other")]),
            container("t-v", ContainerState::Running, &[ours, (labels::ROLE, "validator")]),
        ];
        let network = |id: &str, pairs: &[(&str, &str)]| ObservedNetwork {
            id: id.to_owned(),
            name: "t-monitoring".to_owned(),
            labels: labelled(pairs),
            gateway: String::new(),
        };
        Found {
            observed: Observed { containers },
            networks: vec![network("1", &[ours]), network("2", &[])],
            volumes: vec![ObservedVolume { name: "t-grafana-data".to_owned(), labels: labelled(&[ours]) }],
        }
    }

    #[test]
    fn what_carries_the_label_goes_and_nothing_else() {
        let stack = StackName::new("t").unwrap();
        let plan = removal(&found(), &stack, Data::Kept);
        assert_eq!(
            plan.to_string(),
            "- stop and remove t-prometheus\n- remove t-grafana\n- stop and remove t-x\n- stop and remove t-v\n\
             - remove network t-monitoring\nnote: the volume t-grafana-data stays\n\
             note: the network t-monitoring is not confidexmon's and stays\n"
        );
        let ends: Vec<_> = plan.containers.iter().map(|container| container.end).collect();
        // A container whose service is not known is given the longest time.
        let longest = Duration::from_mins(5);
        assert_eq!(ends, [End::Stopped(longest), End::AlreadyStopped, End::Stopped(longest), End::Killed]);
        assert_eq!(plan.networks[0].id, "1");
    }

    #[test]
    fn data_goes_only_when_that_was_asked_for() {
        let stack = StackName::new("t").unwrap();
        let plan = removal(&found(), &stack, Data::Removed);
        assert_eq!((plan.volumes, plan.kept), (vec!["t-grafana-data".to_owned()], Vec::new()));
        let only_data = Found { volumes: found().volumes, ..Found::default() };
        assert!(removal(&only_data, &stack, Data::Kept).is_empty());
        assert!(!removal(&only_data, &stack, Data::Removed).is_empty());
    }
}
