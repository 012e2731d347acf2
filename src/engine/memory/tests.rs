#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::Ipv4Addr;

use futures_util::TryStreamExt;

use super::*;
use crate::model::Role;
use crate::model::{ContainerState, Mount, PublishedPort, RestartPolicy, ServiceKind};

const GRACE: Duration = Duration::from_secs(1);

fn image() -> ImageRef {
    ImageRef::new("prom/prometheus:v3").unwrap()
}

fn spec(service: ServiceKind, port: u16) -> ContainerSpec {
    let stack = StackName::new("t").unwrap();
    ContainerSpec {
        service,
        role: Role::Service,
        name: stack.container(service),
        image: image(),
        command: vec![],
        entrypoint: None,
        env: std::collections::BTreeMap::new(),
        user: String::new(),
        mounts: vec![Mount {
            volume: stack.config_volume(service),
            target: "/etc/app".to_owned(),
            no_copy: true,
            role: Role::Config,
        }],
        tmpfs: vec![],
        ports: vec![PublishedPort { container: 80, host_ip: Ipv4Addr::LOCALHOST.into(), host: port }],
        network: Some(stack.network()),
        aliases: vec![],
        extra_hosts: vec![],
        cap_add: vec![],
        read_only_root: true,
        memory: None,
        nano_cpus: None,
        pids_limit: 1,
        stop_timeout: 1,
        restart: RestartPolicy::Always,
        labels: std::collections::BTreeMap::new(),
        stack,
    }
}

fn network() -> NetworkSpec {
    let stack = StackName::new("t").unwrap();
    NetworkSpec { name: stack.network(), stack, labels: std::collections::BTreeMap::new() }
}

async fn ready() -> MemoryEngine {
    let engine = MemoryEngine::new();
    engine.add_image(&image());
    engine.create_network(&network()).await.unwrap();
    engine
}

fn tar(files: &[(&str, &str)]) -> Vec<u8> {
    let files: Vec<_> = files
        .iter()
        .map(|(path, content)| {
            let file = MemoryFile {
                directory: false,
                mode: 0o400,
                uid: 65534,
                gid: 65534,
                content: (*content).into(),
            };
            ((*path).to_owned(), file)
        })
        .collect();
    files::write_tar(&files).unwrap()
}

#[tokio::test]
async fn a_container_lives_and_its_volume_survives_it() {
    let engine = ready().await;
    let spec = spec(ServiceKind::Prometheus, 9090);
    let id = engine.create_container(&spec).await.unwrap();
    engine.upload(&id, "/etc/app", tar(&[("a.yml", "x"), ("rules/b.yml", "y")])).await.unwrap();
    engine.start(&id).await.unwrap();
    let seen = engine.list().await.unwrap().containers.remove(0);
    assert_eq!(seen.ports, [("127.0.0.1".to_owned(), 9090, 80)]);
    assert_eq!(seen.service(), Some(ServiceKind::Prometheus));
    assert_eq!(engine.remove_container(&id, false).await.unwrap_err().kind, ErrorKind::Conflict);
    engine.stop(&id, GRACE).await.unwrap();
    engine.stop(&id, GRACE).await.unwrap();
    engine.remove_container(&id, false).await.unwrap();
    engine.remove_container(&id, false).await.unwrap();
    let volumes = engine.volumes(&spec.stack).await.unwrap();
    assert_eq!(
        volumes.iter().map(|volume| volume.name.as_str()).collect::<Vec<_>>(),
        ["t-prometheus-config"]
    );
    let files = engine.volume_files("t-prometheus-config").unwrap();
    assert_eq!(files["rules/b.yml"].content, b"y");
    assert_eq!((files["a.yml"].mode, files["a.yml"].uid), (0o400, 65534));
}

#[tokio::test]
async fn a_taken_port_fails_the_start_and_leaves_the_container_created() {
    let engine = ready().await;
    let first = engine.create_container(&spec(ServiceKind::Prometheus, 9090)).await.unwrap();
    let second = engine.create_container(&spec(ServiceKind::Grafana, 9090)).await.unwrap();
    engine.start(&first).await.unwrap();
    let taken = ErrorKind::PortTaken { port: Some(9090) };
    assert_eq!(engine.start(&second).await.unwrap_err().kind, taken);
    let detail = engine.inspect(&second).await.unwrap();
    assert_eq!(
        (detail.state, detail.exit_code, detail.wanted_ports),
        (ContainerState::Created, 128, vec![9090])
    );
    engine.stop(&first, GRACE).await.unwrap();
    engine.start(&second).await.unwrap();
    engine.hold_port(9090);
    assert_eq!(engine.start(&first).await.unwrap_err().kind, taken);
}

#[tokio::test]
async fn names_images_and_networks_are_checked_when_docker_does() {
    let engine = MemoryEngine::new();
    let spec = spec(ServiceKind::Prometheus, 0);
    assert_eq!(engine.create_container(&spec).await.unwrap_err().kind, ErrorKind::ImageMissing);
    assert_eq!(
        engine.pull(&spec.image).try_collect::<Vec<_>>().await.unwrap_err().kind,
        ErrorKind::PullFailed
    );
    engine.publish(&spec.image);
    engine.pull(&spec.image).try_collect::<Vec<_>>().await.unwrap();
    let id = engine.create_container(&spec).await.unwrap();
    let taken = engine.create_container(&spec).await.unwrap_err().kind;
    assert_eq!(taken, ErrorKind::NameTaken { holder_id: id.clone() });
    assert_eq!(engine.start(&id).await.unwrap_err().kind, ErrorKind::NotFound, "no network yet");
    let network_id = engine.create_network(&network()).await.unwrap();
    assert_eq!(engine.create_network(&network()).await.unwrap_err().kind, ErrorKind::Conflict);
    engine.start(&id).await.unwrap();
    assert_ne!(engine.list().await.unwrap().containers[0].ports[0].1, 0, "the engine chose a port");
    assert_eq!(engine.remove_network(&network_id).await.unwrap_err().kind, ErrorKind::Conflict);
    assert_eq!(engine.remove_volume("t-prometheus-config").await.unwrap_err().kind, ErrorKind::Conflict);
    engine.remove_container(&id, true).await.unwrap();
    engine.remove_network(&network_id).await.unwrap();
    engine.remove_volume("t-prometheus-config").await.unwrap();
    assert_eq!(engine.volume_files("t-prometheus-config"), None);
}

#[tokio::test]
async fn files_go_where_docker_lets_them() {
    let engine = ready().await;
    let id = engine.create_container(&spec(ServiceKind::Prometheus, 0)).await.unwrap();
    let refused = engine.upload(&id, "/", tar(&[("etc/app/a", "x")])).await.unwrap_err();
    assert_eq!(refused.source.to_string(), "container rootfs is marked read-only");
    let missing = engine.upload(&id, "/etc/app/rules", tar(&[("a", "x")])).await.unwrap_err();
    assert_eq!(missing.kind, ErrorKind::NotFound);
    engine.upload(&id, "/etc/app", tar(&[("rules/a", "x")])).await.unwrap();
    engine.upload(&id, "/etc/app/rules", tar(&[("b", "y")])).await.unwrap();
    let back = files::read_tar(&engine.download(&id, "/etc/app/rules").await.unwrap()).unwrap();
    assert_eq!(back.iter().map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["rules/a", "rules/b"]);
    assert_eq!(engine.download(&id, "/etc/app/none").await.unwrap_err().kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn ordered_failures_happen_once_and_leave_nothing_or_everything() {
    let engine = ready().await;
    let spec = spec(ServiceKind::Prometheus, 0);
    engine.fail_next(Call::CreateContainer, ErrorKind::DiskFull);
    assert_eq!(engine.create_container(&spec).await.unwrap_err().kind, ErrorKind::DiskFull);
    assert!(engine.list().await.unwrap().containers.is_empty());
    engine.lose_next_answer(Call::CreateContainer, ErrorKind::Unreachable);
    assert_eq!(engine.create_container(&spec).await.unwrap_err().kind, ErrorKind::Unreachable);
    assert_eq!(engine.list().await.unwrap().containers.len(), 1);
    assert_eq!(
        engine.calls(),
        [
            "create_network t-monitoring",
            "create_container t-prometheus",
            "list",
            "create_container t-prometheus",
            "list"
        ]
    );
}

#[tokio::test]
async fn an_engine_can_go_away_and_come_back() {
    let engine = ready().await;
    engine.go_down_after(1);
    engine.list().await.unwrap();
    assert_eq!(engine.list().await.unwrap_err().kind, ErrorKind::Unreachable);
    engine.come_back();
    engine.list().await.unwrap();
}

#[tokio::test]
async fn a_crash_is_restarted_by_policy_and_a_validator_ends() {
    let engine = ready().await;
    let id = engine.create_container(&spec(ServiceKind::Prometheus, 0)).await.unwrap();
    engine.start(&id).await.unwrap();
    engine.crash("t-prometheus", 2);
    let detail = engine.inspect(&id).await.unwrap();
    assert_eq!((detail.state, detail.restart_count), (ContainerState::Running, 1));
    engine.set_restart_policy(&id, "no").await.unwrap();
    engine.crash("t-prometheus", 2);
    assert_eq!(engine.inspect(&id).await.unwrap().state, ContainerState::Exited);

    engine.on_start(|spec| (spec.role == Role::Validator).then_some(1));
    let mut validator = spec(ServiceKind::Grafana, 0);
    validator.role = Role::Validator;
    let id = engine.create_container(&validator).await.unwrap();
    engine.start(&id).await.unwrap();
    assert_eq!(engine.wait(&id, GRACE).await.unwrap(), 1);
}

#[tokio::test]
async fn events_of_the_stack_come_in_order() {
    let engine = ready().await;
    let events = engine.events(&StackName::new("t").unwrap());
    let id = engine.create_container(&spec(ServiceKind::Prometheus, 0)).await.unwrap();
    engine.start(&id).await.unwrap();
    engine.start(&id).await.unwrap();
    engine.remove_container(&id, true).await.unwrap();
    let seen: Vec<_> = events.take(3).map_ok(|event| event.action.to_string()).try_collect().await.unwrap();
    assert_eq!(seen, ["create", "start", "destroy"]);
}

#[tokio::test]
async fn a_command_needs_a_running_container() {
    let engine = ready().await;
    let id = engine.create_container(&spec(ServiceKind::Prometheus, 0)).await.unwrap();
    let command = ["promtool".to_owned()];
    assert_eq!(engine.exec(&id, &command, None).await.unwrap_err().kind, ErrorKind::Conflict);
    engine.start(&id).await.unwrap();
    engine.on_exec(|name, command, _| ExecOutput {
        stdout: format!("{name} {}", command[0]),
        ..Default::default()
    });
    assert_eq!(engine.exec(&id, &command, None).await.unwrap().stdout, "t-prometheus promtool");
}

#[tokio::test]
async fn a_foreign_container_has_no_labels_of_ours() {
    let engine = ready().await;
    let id = engine.add_foreign(&spec(ServiceKind::Prometheus, 9090), true);
    let seen = engine.list().await.unwrap().containers.remove(0);
    assert!(seen.is_running() && seen.labels.is_empty());
    let kind = engine.create_container(&spec(ServiceKind::Prometheus, 1)).await.unwrap_err().kind;
    assert_eq!(kind, ErrorKind::NameTaken { holder_id: id });
}
