//! Whether the ports that a plan is about to publish are free, and who holds them if not.

use crate::model::{ContainerSpec, ObservedContainer, PortHolder, ServiceKind};
use crate::plan::{Blocker, Facts};

/// Blockers for the ports of a service that will be started. `replaced` is the id of the container
/// that goes away in the same plan.
pub(super) fn blockers(
    service: ServiceKind,
    spec: &ContainerSpec,
    facts: &Facts,
    replaced: &[&str],
) -> Vec<Blocker> {
    let wanted = spec.ports.iter().filter(|port| port.host != 0);
    wanted
        .filter_map(|port| {
            let container = facts.observed.containers.iter().find(|other| {
                other.name != spec.name
                    && !replaced.contains(&other.id.as_str())
                    && holds(other, &port.host_ip.to_string(), port.host)
            });
            let holder = match container {
                Some(other) => PortHolder::Container(other.name.clone()),
                None => facts.busy_ports.get(&port.host).cloned()?,
            };
            let free_port = facts.free_ports.get(&port.host).copied();
            Some(Blocker::PortTaken { service, port: port.host, holder, free_port })
        })
        .collect()
}

/// True when `other` has the port bound on this address or on all of them.
fn holds(other: &ObservedContainer, host_ip: &str, host_port: u16) -> bool {
    if !other.has_its_ports() {
        return false;
    }
    let any = |ip: &str| ip == "0.0.0.0" || ip == "::";
    other.ports.iter().any(|(ip, port, _)| *port == host_port && (ip == host_ip || any(ip) || any(host_ip)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ContainerState;

    #[test]
    fn a_container_holds_a_port_only_while_it_runs() {
        let container = |state: &str| ObservedContainer {
            state: ContainerState::from(state),
            ports: vec![("127.0.0.1".to_owned(), 9090, 9090)],
            ..ObservedContainer::default()
        };
        assert!(holds(&container("running"), "127.0.0.1", 9090));
        assert!(holds(&container("restarting"), "0.0.0.0", 9090));
        assert!(!holds(&container("running"), "127.0.0.2", 9090));
        assert!(!holds(&container("created"), "127.0.0.1", 9090));
        assert!(!holds(&container("exited"), "127.0.0.1", 9090));
    }
}
