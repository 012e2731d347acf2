//! What the engine shows, read into tolerant structs: a word this program does not know, or a field
//! that is null or gone, must not fail a command. Bollard's typed list fails on both.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::model::{ContainerDetail, ContainerState};
use crate::model::{LocalImage, ObservedContainer, ObservedNetwork, ObservedVolume, Platform};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ListItem {
    id: Option<String>,
    names: Option<Vec<String>>,
    image: Option<String>,
    #[serde(rename = "ImageID")]
    image_id: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    state: Option<String>,
    status: Option<String>,
    created: Option<i64>,
    ports: Option<Vec<Port>>,
    network_settings: Option<Networks>,
    mounts: Option<Vec<MountPoint>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Port {
    #[serde(rename = "IP")]
    ip: Option<String>,
    #[serde(rename = "PrivatePort")]
    private: Option<u16>,
    #[serde(rename = "PublicPort")]
    public: Option<u16>,
    #[serde(rename = "Type")]
    protocol: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Networks {
    networks: Option<BTreeMap<String, Option<Attachment>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Attachment {
    #[serde(rename = "NetworkID")]
    network_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct MountPoint {
    #[serde(rename = "Type")]
    kind: Option<String>,
    name: Option<String>,
    source: Option<String>,
    destination: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct InspectAnswer {
    id: Option<String>,
    name: Option<String>,
    image: Option<String>,
    restart_count: Option<i64>,
    state: Option<StateAnswer>,
    config: Option<ConfigAnswer>,
    host_config: Option<HostConfigAnswer>,
    mounts: Option<Vec<MountPoint>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct StateAnswer {
    status: Option<String>,
    exit_code: Option<i64>,
    #[serde(rename = "OOMKilled")]
    oom_killed: Option<bool>,
    error: Option<String>,
    started_at: Option<String>,
    finished_at: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct ConfigAnswer {
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct HostConfigAnswer {
    port_bindings: Option<BTreeMap<String, Option<Vec<Binding>>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Binding {
    host_port: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct NetworkItem {
    id: Option<String>,
    name: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    #[serde(rename = "IPAM")]
    ipam: Option<Addresses>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Addresses {
    config: Option<Vec<Subnet>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Subnet {
    gateway: Option<String>,
}

/// The answer of `GET /volumes`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct VolumesAnswer {
    volumes: Option<Vec<VolumeItem>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct VolumeItem {
    name: Option<String>,
    labels: Option<BTreeMap<String, String>>,
}

/// Any answer of which only the id matters.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct IdAnswer {
    pub(super) id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ImageAnswer {
    id: Option<String>,
    repo_digests: Option<Vec<String>>,
    size: u64,
    os: Option<String>,
    architecture: Option<String>,
    variant: Option<String>,
}

impl From<ImageAnswer> for LocalImage {
    fn from(answer: ImageAnswer) -> Self {
        Self {
            id: answer.id.unwrap_or_default(),
            repo_digests: answer.repo_digests.unwrap_or_default(),
            size: answer.size,
            platform: Platform {
                os: answer.os.unwrap_or_default(),
                architecture: answer.architecture.unwrap_or_default(),
                variant: answer.variant.unwrap_or_default(),
            },
        }
    }
}

impl From<ListItem> for ObservedContainer {
    fn from(item: ListItem) -> Self {
        let ports = item.ports.unwrap_or_default();
        let mounts = item.mounts.unwrap_or_default();
        let networks = item.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
        Self {
            id: item.id.unwrap_or_default(),
            name: own_name(&item.names.unwrap_or_default()),
            image: item.image.unwrap_or_default(),
            image_id: item.image_id.unwrap_or_default(),
            labels: item.labels.unwrap_or_default(),
            state: ContainerState::from(item.state.unwrap_or_default().as_str()),
            status: item.status.unwrap_or_default(),
            created: item.created.unwrap_or_default(),
            ports: ports.into_iter().filter_map(bound_port).collect(),
            networks: networks.into_iter().map(|(name, at)| (name, network_id(at))).collect(),
            volumes: mounts.into_iter().filter_map(volume_name).collect(),
        }
    }
}

impl From<InspectAnswer> for ContainerDetail {
    fn from(answer: InspectAnswer) -> Self {
        let state = answer.state.unwrap_or_default();
        let bindings = answer.host_config.and_then(|config| config.port_bindings).unwrap_or_default();
        Self {
            id: answer.id.unwrap_or_default(),
            name: answer.name.unwrap_or_default().trim_start_matches('/').to_owned(),
            image_id: answer.image.unwrap_or_default(),
            state: ContainerState::from(state.status.unwrap_or_default().as_str()),
            exit_code: state.exit_code.unwrap_or_default(),
            oom_killed: state.oom_killed.unwrap_or_default(),
            error: state.error.unwrap_or_default(),
            restart_count: answer.restart_count.unwrap_or_default(),
            started_at: state.started_at.unwrap_or_default(),
            finished_at: state.finished_at.unwrap_or_default(),
            wanted_ports: wanted_ports(bindings.into_values()),
            labels: answer.config.and_then(|config| config.labels).unwrap_or_default(),
            volumes: answer.mounts.into_iter().flatten().filter_map(volume_place).collect(),
        }
    }
}

impl From<NetworkItem> for ObservedNetwork {
    fn from(item: NetworkItem) -> Self {
        let subnets = item.ipam.and_then(|addresses| addresses.config).into_iter().flatten();
        let gateway = subnets.filter_map(|subnet| subnet.gateway).find(|address| !address.is_empty());
        Self {
            gateway: gateway.unwrap_or_default(),
            id: item.id.unwrap_or_default(),
            name: item.name.unwrap_or_default(),
            labels: item.labels.unwrap_or_default(),
        }
    }
}

impl VolumesAnswer {
    /// Sorted by name.
    pub(super) fn sorted(self) -> Vec<ObservedVolume> {
        let named = self.volumes.into_iter().flatten().filter_map(|volume| {
            Some(ObservedVolume { name: volume.name?, labels: volume.labels.unwrap_or_default() })
        });
        let mut volumes: Vec<_> = named.collect();
        volumes.sort_by(|a, b| a.name.cmp(&b.name));
        volumes.dedup_by(|a, b| a.name == b.name);
        volumes
    }
}

/// Links give a container further names of the form `/other/alias`; its own has one slash, or none on Podman.
fn own_name(names: &[String]) -> String {
    let plain = |name: &&String| !name.trim_start_matches('/').contains('/');
    let own = names.iter().find(plain).or(names.first());
    own.map(|name| name.trim_start_matches('/').to_owned()).unwrap_or_default()
}

fn bound_port(port: Port) -> Option<(String, u16, u16)> {
    let tcp = port.protocol.is_none_or(|protocol| protocol == "tcp");
    let public = port.public.filter(|public| tcp && *public != 0)?;
    Some((port.ip.unwrap_or_default(), public, port.private.unwrap_or_default()))
}

fn network_id(attachment: Option<Attachment>) -> String {
    attachment.and_then(|attachment| attachment.network_id).unwrap_or_default()
}

fn volume_name(mount: MountPoint) -> Option<String> {
    (mount.kind.as_deref() == Some("volume")).then_some(mount.name).flatten()
}

/// Where a volume is in its container, and where on the engine's machine.
fn volume_place(mount: MountPoint) -> Option<(String, String)> {
    let is_volume = mount.kind.as_deref() == Some("volume");
    Some((mount.destination.filter(|_| is_volume)?, mount.source.filter(|source| !source.is_empty())?))
}

fn wanted_ports(bindings: impl Iterator<Item = Option<Vec<Binding>>>) -> Vec<u16> {
    let ports: BTreeSet<u16> = bindings
        .flatten()
        .flatten()
        .filter_map(|binding| binding.host_port?.parse().ok())
        .filter(|port| *port != 0)
        .collect();
    ports.into_iter().collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn observed(json: &str) -> ObservedContainer {
        serde_json::from_str::<ListItem>(json).unwrap().into()
    }

    #[test]
    fn a_state_of_the_future_is_kept_as_it_is() {
        let container = observed(r#"{"Id":"a","Names":["/x"],"State":"hibernating","New":{"Deep":[1]}}"#);
        assert_eq!(container.state, ContainerState::from("hibernating"));
        assert!(!container.is_running());
    }

    #[test]
    fn nulls_and_missing_fields_are_empty() {
        let container = observed(
            r#"{"Id":"a","Names":null,"Labels":null,"Ports":null,"Mounts":null,"NetworkSettings":{"Networks":{"n":null}}}"#,
        );
        assert_eq!(container.name, "");
        assert_eq!(container.networks["n"], "");
    }

    #[test]
    fn only_published_tcp_ports_and_named_volumes_are_taken() {
        let container = observed(
            r#"{"Names":["/other/alias","/x"],
                "Ports":[{"IP":"127.0.0.1","PrivatePort":9090,"PublicPort":19090,"Type":"tcp"},
                         {"PrivatePort":9091,"Type":"tcp"},
                         {"IP":"0.0.0.0","PrivatePort":53,"PublicPort":53,"Type":"udp"}],
                "Mounts":[{"Type":"volume","Name":"v"},{"Type":"bind","Source":"/etc"}]}"#,
        );
        assert_eq!(container.name, "x");
        assert_eq!(container.ports, [("127.0.0.1".to_owned(), 19090, 9090)]);
        assert_eq!(container.volumes, ["v"]);
    }

    #[test]
    fn wanted_ports_come_from_the_host_config_even_when_nothing_is_bound() {
        let answer: InspectAnswer = serde_json::from_str(
            r#"{"Id":"a","Name":"/x","State":{"Status":"created","ExitCode":128,"OOMKilled":false,"Error":"port"},
                "HostConfig":{"PortBindings":{"9090/tcp":[{"HostIp":"127.0.0.1","HostPort":"9090"}],
                              "1/tcp":null,"2/tcp":[{"HostPort":""}]}}}"#,
        )
        .unwrap();
        let detail = ContainerDetail::from(answer);
        assert_eq!(detail.wanted_ports, [9090]);
        assert_eq!((detail.name.as_str(), detail.exit_code), ("x", 128));
    }

    #[test]
    fn an_engine_without_volumes_says_null() {
        assert!(serde_json::from_str::<VolumesAnswer>(r#"{"Volumes":null}"#).unwrap().sorted().is_empty());
    }
}
