//! Our container spec → the engine's create request.

use std::collections::HashMap;

use bollard::models::{
    ContainerCreateBody, EndpointSettings, HealthConfig, HostConfig, HostConfigLogConfig,
    Mount as EngineMount, MountType, MountVolumeOptions, NetworkingConfig, PortBinding, PortMap,
    RestartPolicy as EnginePolicy, RestartPolicyNameEnum,
};

use crate::engine::Capabilities;
use crate::model::Role;
use crate::model::{ContainerSpec, Mount, NetworkSpec, PublishedPort, labels};

/// The body of `POST /containers/create`.
pub(super) fn create_body(spec: &ContainerSpec, engine: Capabilities) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(spec.image.as_str().to_owned()),
        cmd: (!spec.command.is_empty()).then(|| spec.command.clone()),
        entrypoint: spec.entrypoint.clone(),
        env: Some(spec.env.iter().map(|(key, value)| format!("{key}={value}")).collect()),
        user: Some(spec.user.clone()),
        labels: Some(container_labels(spec)),
        // Without the exposed port an engine silently ignores its binding (20.10).
        exposed_ports: Some(spec.ports.iter().map(port_key).collect()),
        stop_timeout: Some(spec.stop_timeout),
        // We probe from outside; an image's own check would only run processes nobody reads.
        healthcheck: Some(HealthConfig { test: Some(vec!["NONE".to_owned()]), ..Default::default() }),
        host_config: Some(host_config(spec, engine)),
        networking_config: networking(spec),
        ..Default::default()
    }
}

/// The body of `POST /networks/create`. Bollard's model lacks `CheckDuplicate`, without which
/// engines before 25 create a second network of the same name.
pub(super) fn network_body(spec: &NetworkSpec) -> serde_json::Value {
    let mut all = spec.labels.clone();
    all.insert(labels::STACK.to_owned(), spec.stack.to_string());
    all.insert(labels::ROLE.to_owned(), Role::Network.to_string());
    serde_json::json!({
        "Name": spec.name,
        "Driver": "bridge",
        "CheckDuplicate": true,
        "Labels": all,
    })
}

/// The engine's word for a restart policy; unknown words are `None`.
pub(super) fn policy(name: &str) -> Option<EnginePolicy> {
    let name = match name {
        "always" => RestartPolicyNameEnum::ALWAYS,
        "no" => RestartPolicyNameEnum::NO,
        _ => return None,
    };
    Some(EnginePolicy { name: Some(name), maximum_retry_count: None })
}

fn host_config(spec: &ContainerSpec, engine: Capabilities) -> HostConfig {
    HostConfig {
        network_mode: Some(spec.network.clone().unwrap_or_else(|| "none".to_owned())),
        port_bindings: Some(port_bindings(&spec.ports)),
        mounts: Some(spec.mounts.iter().map(|mount| volume_mount(spec, mount)).collect()),
        tmpfs: Some(spec.tmpfs.iter().map(|tmpfs| (tmpfs.target.clone(), tmpfs.options.clone())).collect()),
        extra_hosts: Some(extra_hosts(&spec.extra_hosts, engine)),
        restart_policy: policy(spec.restart.name()),
        log_config: Some(rotated_logs()),
        init: Some(true),
        cap_drop: Some(vec!["ALL".to_owned()]),
        cap_add: Some(spec.cap_add.clone()),
        security_opt: Some(vec!["no-new-privileges".to_owned()]),
        readonly_rootfs: Some(spec.read_only_root),
        pids_limit: Some(spec.pids_limit),
        memory: spec.memory,
        nano_cpus: spec.nano_cpus,
        ..Default::default()
    }
}

fn container_labels(spec: &ContainerSpec) -> HashMap<String, String> {
    let mut all: HashMap<_, _> = spec.labels.clone().into_iter().collect();
    all.extend(our_labels(spec, spec.role));
    all
}

pub(super) fn our_labels(spec: &ContainerSpec, role: Role) -> HashMap<String, String> {
    let pairs = [
        (labels::STACK, spec.stack.as_str()),
        (labels::SERVICE, spec.service.name()),
        (labels::ROLE, role.as_str()),
    ];
    let of_project = spec.labels.iter().filter(|(key, _)| labels::OF_PROJECT.contains(&key.as_str()));
    let of_project = of_project.map(|(key, value)| (key.clone(), value.clone()));
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).chain(of_project).collect()
}

fn volume_mount(spec: &ContainerSpec, mount: &Mount) -> EngineMount {
    EngineMount {
        typ: Some(MountType::VOLUME),
        source: Some(mount.volume.clone()),
        target: Some(mount.target.clone()),
        volume_options: Some(MountVolumeOptions {
            no_copy: Some(mount.no_copy),
            labels: Some(our_labels(spec, mount.role)),
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn port_key(port: &PublishedPort) -> String {
    format!("{}/tcp", port.container)
}

fn port_bindings(ports: &[PublishedPort]) -> PortMap {
    let mut map = PortMap::new();
    for port in ports {
        let binding =
            PortBinding { host_ip: Some(port.host_ip.to_string()), host_port: Some(port.host.to_string()) };
        map.entry(port_key(port)).or_default().get_or_insert_default().push(binding);
    }
    map
}

/// Podman writes `host.docker.internal` and `host.containers.internal` into every container's hosts
/// file itself, and fails on `host-gateway` where it cannot tell the address (its documentation of
/// `--add-host`), so these entries are left to it.
fn extra_hosts(hosts: &[String], engine: Capabilities) -> Vec<String> {
    let by_podman = |entry: &&String| {
        let name = entry.strip_suffix(":host-gateway");
        engine.names_the_host && matches!(name, Some("host.docker.internal" | "host.containers.internal"))
    };
    hosts.iter().filter(|entry| !by_podman(entry)).cloned().collect()
}

fn networking(spec: &ContainerSpec) -> Option<NetworkingConfig> {
    let network = spec.network.clone()?;
    let endpoint = EndpointSettings { aliases: Some(spec.aliases.clone()), ..Default::default() };
    Some(NetworkingConfig { endpoints_config: Some(HashMap::from([(network, endpoint)])) })
}

fn rotated_logs() -> HostConfigLogConfig {
    let options = [("max-size", "10m"), ("max-file", "3")];
    HostConfigLogConfig {
        typ: Some("json-file".to_owned()),
        config: Some(options.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::model::{ImageRef, RestartPolicy, ServiceKind, StackName};

    fn spec() -> ContainerSpec {
        ContainerSpec {
            stack: StackName::new("confidex").unwrap(),
            service: ServiceKind::Prometheus,
            role: Role::Service,
            name: "confidex-prometheus".to_owned(),
            image: ImageRef::new("prom/prometheus:v3").unwrap(),
            command: vec![],
            entrypoint: None,
            env: [("A".to_owned(), "b".to_owned())].into(),
            user: "65534:65534".to_owned(),
            mounts: vec![Mount {
                volume: "v".to_owned(),
                target: "/data".to_owned(),
                no_copy: true,
                role: Role::Data,
            }],
            tmpfs: vec![],
            ports: vec![PublishedPort {
                container: 9090,
                host_ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
                host: 19090,
            }],
            network: Some("confidex-monitoring".to_owned()),
            aliases: vec!["prometheus".to_owned()],
            extra_hosts: vec!["host.docker.internal:host-gateway".to_owned(), "db:10.0.0.1".to_owned()],
            cap_add: vec![],
            read_only_root: true,
            memory: Some(1 << 30),
            nano_cpus: None,
            pids_limit: 256,
            stop_timeout: 30,
            restart: RestartPolicy::Always,
            labels: [(labels::SPEC_HASH.to_owned(), "v1:x".to_owned())].into(),
        }
    }

    fn json(spec: &ContainerSpec, podman: bool) -> serde_json::Value {
        serde_json::to_value(create_body(spec, Capabilities::of(podman, (1, 41)))).unwrap()
    }

    #[test]
    fn a_port_is_exposed_and_bound_to_its_address() {
        let body = json(&spec(), false);
        assert_eq!(body["ExposedPorts"], serde_json::json!({ "9090/tcp": {} }));
        assert_eq!(
            body["HostConfig"]["PortBindings"],
            serde_json::json!({ "9090/tcp": [{ "HostIp": "127.0.0.1", "HostPort": "19090" }] })
        );
    }

    #[test]
    fn a_container_gets_the_least_privilege() {
        let host = &json(&spec(), false)["HostConfig"];
        assert_eq!(host["CapDrop"], serde_json::json!(["ALL"]));
        assert_eq!(host["SecurityOpt"], serde_json::json!(["no-new-privileges"]));
        assert_eq!(host["ReadonlyRootfs"], true);
        assert_eq!(host["PidsLimit"], 256);
        assert_eq!(host["Init"], true);
        assert_eq!(host["RestartPolicy"]["Name"], "always");
    }

    #[test]
    fn labels_say_whose_it_is_on_the_container_and_its_volumes() {
        let body = json(&spec(), false);
        assert_eq!(body["Labels"][labels::STACK], "confidex");
        assert_eq!(body["Labels"][labels::SPEC_HASH], "v1:x");
        let volume = &body["HostConfig"]["Mounts"][0]["VolumeOptions"];
        assert_eq!(volume["Labels"][labels::ROLE], "data");
        assert_eq!(volume["NoCopy"], true);
    }

    #[test]
    fn podman_maps_the_host_itself() {
        assert_eq!(json(&spec(), true)["HostConfig"]["ExtraHosts"], serde_json::json!(["db:10.0.0.1"]));
        assert_eq!(json(&spec(), false)["HostConfig"]["ExtraHosts"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn a_validator_gets_no_network_and_is_not_restarted() {
        let mut validator = spec();
        validator.network = None;
        validator.restart = RestartPolicy::No;
        validator.role = Role::Validator;
        let body = json(&validator, false);
        assert_eq!(body["HostConfig"]["NetworkMode"], "none");
        assert_eq!(body["HostConfig"]["RestartPolicy"]["Name"], "no");
        assert_eq!(body["Labels"][labels::ROLE], "validator");
        assert!(body.get("NetworkingConfig").is_none());
    }
}
