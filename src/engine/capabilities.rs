//! What engines do differently, decided once from what an engine says of itself.

/// The ways of one engine.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and all combinations can be")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// A container's network has to be there when the container is created; older ones look at its start.
    pub networks_before_containers: bool,
    /// A listing shows a container's image by its id once the tag means another image.
    pub shows_moved_tags: bool,
    /// A volume that is made with its container takes labels.
    pub labels_new_volumes: bool,
    /// It makes `host.docker.internal` known in containers without being asked, and does not know `host-gateway`.
    pub names_the_host: bool,
}

/// Docker 25.
const NETWORKS_BEFORE_CONTAINERS: (u16, u16) = (1, 44);

impl Capabilities {
    /// `api`: major and minor of the version of the API that is spoken. Podman's ways are those of 4.3.
    pub fn of(podman: bool, api: (u16, u16)) -> Self {
        Self {
            networks_before_containers: podman || api >= NETWORKS_BEFORE_CONTAINERS,
            shows_moved_tags: !podman,
            labels_new_volumes: !podman,
            names_the_host: podman,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_come_first_since_docker_25_and_with_podman() {
        let first = |podman, api| Capabilities::of(podman, api).networks_before_containers;
        assert!(!first(false, (1, 43)));
        assert!(first(false, (1, 44)) && first(false, (2, 0)) && first(true, (1, 41)));
    }
}
