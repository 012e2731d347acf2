//! The Docker adapter against the engine of this machine. Each test owns a stack of its own name and
//! removes everything that carries it. Without an engine the tests fail, unless `CONFIDEXMON_TEST_ENGINE=skip`.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use confidexmon::engine::docker::{DockerEngine, EndpointChoice, connect};
use confidexmon::engine::{ContainerFiles, Containers, Events, Images, Networks, Processes, Volumes};
use confidexmon::engine::{Engine, ErrorKind, LogLine, LogQuery};
use confidexmon::model::{
    ContainerSpec, ImageRef, Mount, NetworkSpec, ObservedContainer, PublishedPort, RestartPolicy, Role,
    ServiceKind, StackName, Tmpfs, labels,
};
use futures_util::{StreamExt, TryStreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

const GRACE: Duration = Duration::from_secs(1);
const SOON: Duration = Duration::from_secs(20);

/// A connected engine, a stack of its own, and an image with a shell; cleans up on drop.
struct Lab {
    engine: DockerEngine,
    stack: StackName,
    image: ImageRef,
    own_image: bool,
}

impl Lab {
    async fn open() -> Option<Self> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let engine = match connect(choice()).await {
            Ok(engine) => engine,
            Err(error) => {
                crate::lab::skip(&format!("no engine: {error}: {}", error.source));
                return None;
            }
        };
        let name = format!("t{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let (image, own_image) = shell_image(&name);
        Some(Self { engine, stack: StackName::new(&name).unwrap(), image, own_image })
    }

    /// A container that runs `script` until it is stopped.
    fn spec(&self, script: &str) -> ContainerSpec {
        ContainerSpec {
            stack: self.stack.clone(),
            service: ServiceKind::Prometheus,
            role: Role::Service,
            name: self.stack.container(ServiceKind::Prometheus),
            image: self.image.clone(),
            command: vec!["-c".to_owned(), script.to_owned()],
            entrypoint: Some(vec!["/bin/sh".to_owned()]),
            env: BTreeMap::from([("GREETING".to_owned(), "hello".to_owned())]),
            user: "65534:65534".to_owned(),
            mounts: vec![],
            tmpfs: vec![],
            ports: vec![],
            network: None,
            aliases: vec![],
            extra_hosts: vec![],
            cap_add: vec![],
            read_only_root: true,
            memory: Some(64 << 20),
            nano_cpus: Some(500_000_000),
            pids_limit: 32,
            stop_timeout: 1,
            restart: RestartPolicy::No,
            labels: BTreeMap::from([(labels::SPEC_HASH.to_owned(), "v1:abc".to_owned())]),
        }
    }

    async fn running(&self, script: &str) -> String {
        let id = self.engine.create_container(&self.spec(script)).await.unwrap();
        self.engine.start(&id).await.unwrap();
        id
    }

    async fn observed(&self, id: &str) -> Option<ObservedContainer> {
        let all = self.engine.list().await.unwrap();
        all.containers.into_iter().find(|container| container.id == id)
    }

    async fn log(&self, id: &str, query: LogQuery) -> Vec<LogLine> {
        self.engine.logs(id, query).try_collect().await.unwrap()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let filter = format!("label={}={}", labels::STACK, self.stack);
        for (list, remove) in [
            (["ps", "-aq"], ["rm", "-fv"]),
            (["network", "ls"], ["network", "rm"]),
            (["volume", "ls"], ["volume", "rm"]),
        ] {
            let mut found = docker(&[&list[..], &["-q", "--filter", &filter]].concat());
            if list[0] == "ps" {
                found = docker(&["ps", "-aq", "--filter", &filter]);
            }
            let ids: Vec<&str> = found.split_whitespace().collect();
            if !ids.is_empty() {
                docker(&[&remove[..], &ids].concat());
            }
        }
        if self.own_image {
            docker(&["rmi", "-f", self.image.as_str()]);
        }
    }
}

fn choice() -> EndpointChoice {
    EndpointChoice { env: std::env::vars().collect(), ..Default::default() }
}

fn docker(args: &[&str]) -> String {
    let output = Command::new("docker").args(args).stderr(Stdio::null()).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

/// An image with `/bin/sh`: one of the stack's own when the environment names it, else one made of a
/// static busybox found on this machine.
fn shell_image(name: &str) -> (ImageRef, bool) {
    if let Ok(image) = std::env::var("CONFIDEXMON_IMAGE_REDIS") {
        return (ImageRef::new(&image).unwrap(), false);
    }
    let set = std::env::var("CONFIDEXMON_TEST_BUSYBOX").ok().map(PathBuf::from);
    let busybox =
        set.into_iter().chain(["/bin/busybox".into(), "/usr/bin/busybox".into()]).find(|path| path.exists());
    let busybox = busybox.expect(
        "no image with a shell: install a static busybox, or set CONFIDEXMON_IMAGE_REDIS or CONFIDEXMON_TEST_BUSYBOX",
    );
    let reference = format!("confidexmon-test/shell:{name}");
    let mut tar = tar::Builder::new(Vec::new());
    let program = std::fs::read(busybox).unwrap();
    append(&mut tar, "bin/sh", &program, 0o755, 0);
    for applet in ["cat", "sleep", "ls", "stat", "httpd", "yes", "head", "tr", "seq", "id"] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        tar.append_link(&mut header, format!("bin/{applet}"), "/bin/sh").unwrap();
    }
    let tar = tar.into_inner().unwrap();
    let mut import = Command::new("docker")
        .args(["import", "--change", "ENV PATH=/bin", "--change", "VOLUME /data", "-", &reference])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    import.stdin.take().unwrap().write_all(&tar).unwrap();
    assert!(import.wait().unwrap().success(), "docker import failed");
    (ImageRef::new(&reference).unwrap(), true)
}

fn append(tar: &mut tar::Builder<Vec<u8>>, path: &str, content: &[u8], mode: u32, uid: u64) {
    let mut header = tar::Header::new_gnu();
    header.set_size(u64::try_from(content.len()).unwrap());
    header.set_mode(mode);
    header.set_uid(uid);
    header.set_gid(uid);
    tar.append_data(&mut header, path, content).unwrap();
}

fn one_file(path: &str, content: &str, mode: u32) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    append(&mut tar, path, content.as_bytes(), mode, 65534);
    tar.into_inner().unwrap()
}

fn words(command: &[&str]) -> Vec<String> {
    command.iter().map(|word| (*word).to_owned()).collect()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn published(host: u16) -> PublishedPort {
    PublishedPort { container: 8080, host_ip: IpAddr::V4(Ipv4Addr::LOCALHOST), host }
}

#[tokio::test]
async fn the_engine_introduces_itself() {
    let Some(lab) = Lab::open().await else { return };
    let info = lab.engine.info();
    assert!(info.endpoint.contains("://"), "{info:?}");
    let minor: u32 = info.api_version.strip_prefix("1.").unwrap().parse().unwrap();
    assert!((41..=53).contains(&minor), "{info:?}");
}

#[tokio::test]
async fn a_container_lives_its_whole_life() {
    let Some(lab) = Lab::open().await else { return };
    let (engine, port) = (&lab.engine, free_port());
    let network =
        NetworkSpec { stack: lab.stack.clone(), name: lab.stack.network(), labels: BTreeMap::new() };
    let network_id = engine.create_network(&network).await.unwrap();
    let volume = lab.stack.config_volume(ServiceKind::Prometheus);
    let mut spec = lab.spec("cat /etc/app/greeting; exec sleep 600");
    spec.network = Some(network.name.clone());
    spec.aliases = vec!["prometheus".to_owned()];
    spec.ports = vec![published(port)];
    spec.mounts =
        vec![Mount { volume: volume.clone(), target: "/etc/app".into(), no_copy: true, role: Role::Config }];
    spec.tmpfs = vec![Tmpfs { target: "/tmp".into(), options: "rw,noexec,nosuid,size=1m".into() }];
    spec.extra_hosts = vec!["host.docker.internal:host-gateway".to_owned()];
    spec.restart = RestartPolicy::Always;

    let id = engine.create_container(&spec).await.unwrap();
    engine.upload(&id, "/etc/app", one_file("greeting", "from the tar", 0o400)).await.unwrap();
    assert_eq!(lab.observed(&id).await.unwrap().state, confidexmon::model::ContainerState::Created);
    engine.start(&id).await.unwrap();
    engine.start(&id).await.unwrap();

    let seen = lab.observed(&id).await.unwrap();
    assert!(seen.is_running());
    assert_eq!(seen.name, spec.name);
    assert_eq!(seen.service(), Some(ServiceKind::Prometheus));
    assert_eq!(seen.label(labels::ROLE), Some("service"));
    assert_eq!(seen.label(labels::SPEC_HASH), Some("v1:abc"));
    assert_eq!(seen.ports, [("127.0.0.1".to_owned(), port, 8080)]);
    assert_eq!(seen.networks.get(&network.name), Some(&network_id));
    assert!(seen.volumes.contains(&volume), "{:?}", seen.volumes);
    assert_eq!(Some(seen.image_id), engine.find_image(&lab.image).await.unwrap().map(|image| image.id));

    let read = engine.exec(&id, &words(&["cat", "/etc/app/greeting"]), None).await.unwrap();
    assert_eq!((read.exit_code, read.stdout.as_str()), (0, "from the tar"));
    let write = engine.exec(&id, &words(&["sh", "-c", "echo x > /etc/file"]), None).await.unwrap();
    assert_ne!(write.exit_code, 0, "the root filesystem is read-only");

    engine.set_restart_policy(&id, "no").await.unwrap();
    engine.stop(&id, GRACE).await.unwrap();
    engine.stop(&id, GRACE).await.unwrap();
    let detail = engine.inspect(&id).await.unwrap();
    assert_eq!((detail.state.to_string().as_str(), detail.wanted_ports.as_slice()), ("exited", &[port][..]));
    engine.restart(&id, GRACE).await.unwrap();
    assert!(lab.observed(&id).await.unwrap().is_running());

    assert_eq!(engine.remove_container(&id, false).await.unwrap_err().kind, ErrorKind::Conflict);
    engine.remove_container(&id, true).await.unwrap();
    engine.remove_container(&id, true).await.unwrap();
    assert_eq!(
        engine.volumes(&lab.stack).await.unwrap().iter().map(|one| one.name.as_str()).collect::<Vec<_>>(),
        [volume.as_str()],
        "volumes outlive their container"
    );
    engine.remove_volume(&volume).await.unwrap();
    engine.remove_volume(&volume).await.unwrap();
    assert!(engine.volumes(&lab.stack).await.unwrap().is_empty());
    engine.remove_network(&network_id).await.unwrap();
    engine.remove_network(&network_id).await.unwrap();
    assert!(engine.find_networks(&network.name).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_container_is_least_privileged_and_holds_our_limits() {
    let Some(lab) = Lab::open().await else { return };
    let id = lab.engine.create_container(&lab.spec("exec sleep 600")).await.unwrap();
    let json: serde_json::Value = serde_json::from_str(&docker(&["inspect", &id])).unwrap();
    let host = &json[0]["HostConfig"];
    assert_eq!(host["CapDrop"], serde_json::json!(["ALL"]));
    assert_eq!(host["SecurityOpt"], serde_json::json!(["no-new-privileges"]));
    assert_eq!(host["ReadonlyRootfs"], true);
    assert_eq!((host["PidsLimit"].as_i64(), host["Memory"].as_i64()), (Some(32), Some(64 << 20)));
    assert_eq!(host["NanoCpus"].as_i64(), Some(500_000_000));
    assert_eq!(host["LogConfig"]["Config"]["max-size"], "10m");
    assert_eq!((host["Init"].as_bool(), host["NetworkMode"].as_str()), (Some(true), Some("none")));
    assert_eq!(json[0]["Config"]["StopTimeout"].as_i64(), Some(1));
    assert_eq!(json[0]["Config"]["Healthcheck"]["Test"], serde_json::json!(["NONE"]));
}

#[tokio::test]
async fn volumes_an_image_asks_for_go_with_their_container() {
    let Some(lab) = Lab::open().await else { return };
    let id = lab.running("exec sleep 600").await;
    let anonymous = lab.observed(&id).await.unwrap().volumes;
    assert_eq!(anonymous.len(), 1, "{anonymous:?}");
    lab.engine.remove_container(&id, true).await.unwrap();
    let left = docker(&["volume", "ls", "-q"]);
    assert!(!left.contains(&anonymous[0]), "{} was left behind", anonymous[0]);
}

#[tokio::test]
async fn what_cannot_be_created_says_why() {
    let Some(lab) = Lab::open().await else { return };
    let mut spec = lab.spec("exec sleep 600");
    let id = lab.engine.create_container(&spec).await.unwrap();
    let taken = lab.engine.create_container(&spec).await.unwrap_err();
    assert_eq!(taken.kind, ErrorKind::NameTaken { holder_id: id });

    spec.image = ImageRef::new("confidexmon-test/absent:1").unwrap();
    let missing = lab.engine.create_container(&spec).await.unwrap_err();
    assert_eq!(missing.kind, ErrorKind::ImageMissing);
    assert_eq!(lab.engine.find_image(&spec.image).await.unwrap(), None);

    let network =
        NetworkSpec { stack: lab.stack.clone(), name: lab.stack.network(), labels: BTreeMap::new() };
    let longer = NetworkSpec {
        stack: lab.stack.clone(),
        name: format!("{}-2", network.name),
        labels: BTreeMap::new(),
    };
    let network_id = lab.engine.create_network(&network).await.unwrap();
    lab.engine.create_network(&longer).await.unwrap();
    assert_eq!(lab.engine.create_network(&network).await.unwrap_err().kind, ErrorKind::Conflict);
    let found = lab.engine.find_networks(&network.name).await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].id, network_id);
    assert_eq!(found[0].labels.get(labels::STACK).map(String::as_str), Some(lab.stack.as_str()));
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let Some(lab) = Lab::open().await else { return };
    let engine = &lab.engine;
    assert_eq!(engine.inspect("no-such-one").await.unwrap_err().kind, ErrorKind::NotFound);
    assert_eq!(engine.start("no-such-one").await.unwrap_err().kind, ErrorKind::NotFound);
    let error = engine.upload("no-such-one", "/", vec![]).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(!error.is_engine_down());
}

#[tokio::test]
async fn a_port_held_by_a_process_is_told_and_the_container_can_start_later() {
    let Some(lab) = Lab::open().await else { return };
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let network =
        NetworkSpec { stack: lab.stack.clone(), name: lab.stack.network(), labels: BTreeMap::new() };
    lab.engine.create_network(&network).await.unwrap();
    let mut spec = lab.spec("exec sleep 600");
    spec.network = Some(network.name);
    spec.ports = vec![published(port)];
    let id = lab.engine.create_container(&spec).await.unwrap();
    assert_eq!(lab.engine.start(&id).await.unwrap_err().kind, ErrorKind::PortTaken { port: Some(port) });
    let detail = lab.engine.inspect(&id).await.unwrap();
    assert_eq!((detail.state.to_string().as_str(), detail.wanted_ports), ("created", vec![port]));
    assert!(!detail.error.is_empty());
    drop(holder);
    lab.engine.start(&id).await.unwrap();
}

#[tokio::test]
async fn a_port_held_by_a_container_is_told() {
    let Some(lab) = Lab::open().await else { return };
    let port = free_port();
    let network =
        NetworkSpec { stack: lab.stack.clone(), name: lab.stack.network(), labels: BTreeMap::new() };
    lab.engine.create_network(&network).await.unwrap();
    let mut spec = lab.spec("exec sleep 600");
    spec.network = Some(network.name);
    spec.ports = vec![published(port)];
    let first = lab.engine.create_container(&spec).await.unwrap();
    lab.engine.start(&first).await.unwrap();
    spec.name = format!("{}-second", lab.stack);
    let second = lab.engine.create_container(&spec).await.unwrap();
    assert_eq!(lab.engine.start(&second).await.unwrap_err().kind, ErrorKind::PortTaken { port: Some(port) });
}

#[tokio::test]
async fn logs_are_whole_lines_of_both_streams_with_stamps() {
    let Some(lab) = Lab::open().await else { return };
    let script = "echo one; yes x | tr -d '\\n' | head -c 40000; echo; echo two >&2; echo; head -c 5 /bin/sh >/dev/null; echo last";
    let id = lab.running(script).await;
    lab.engine.wait(&id, SOON).await.unwrap();
    let lines = lab.log(&id, LogQuery::default()).await;
    let mut texts: Vec<_> = lines.iter().filter(|line| !line.stderr).map(|line| line.text.as_str()).collect();
    assert_eq!(texts.remove(1), "x".repeat(40000));
    assert_eq!(texts, ["one", "", "last"]);
    assert_eq!(
        lines.iter().filter(|line| line.stderr).map(|line| line.text.as_str()).collect::<Vec<_>>(),
        ["two"]
    );
    assert!(
        lines.iter().all(|line| line.timestamp.len() == 30 && line.timestamp.ends_with('Z')),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_followed_log_ends_with_its_container_and_since_skips_what_was_read() {
    let Some(lab) = Lab::open().await else { return };
    let id = lab.running("echo one; sleep 1; echo two").await;
    let follow = LogQuery { follow: true, ..Default::default() };
    let lines = tokio::time::timeout(SOON, lab.log(&id, follow)).await.unwrap();
    assert_eq!(lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    let tail = lab.log(&id, LogQuery { tail: Some(1), ..Default::default() }).await;
    assert_eq!(tail, lines[1..]);
    let stamp: jiff::Timestamp = lines[0].timestamp.parse().unwrap();
    let since = format!("{}.{:09}", stamp.as_second(), stamp.subsec_nanosecond() + 1);
    let later = lab.log(&id, LogQuery { since: Some(since), ..Default::default() }).await;
    assert_eq!(later.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["two"]);
}

#[tokio::test]
async fn a_container_that_runs_once_tells_its_exit_code() {
    let Some(lab) = Lab::open().await else { return };
    let id = lab.running("exit 3").await;
    assert_eq!(lab.engine.wait(&id, SOON).await.unwrap(), 3);
    assert_eq!(lab.engine.wait(&id, SOON).await.unwrap(), 3, "asking again after the end");
    assert_eq!(lab.engine.inspect(&id).await.unwrap().exit_code, 3);
}

#[tokio::test]
async fn a_wait_has_a_deadline() {
    let Some(lab) = Lab::open().await else { return };
    let id = lab.running("exec sleep 600").await;
    let error = lab.engine.wait(&id, Duration::from_millis(200)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Other);
}

#[tokio::test]
async fn a_command_gets_its_input_and_both_outputs_come_back() {
    let Some(lab) = Lab::open().await else { return };
    let id = lab.running("exec sleep 600").await;
    let input = "line\n".repeat(50_000);
    let script = "cat; echo $GREETING >&2; id -u >&2; exit 7";
    let output = lab.engine.exec(&id, &words(&["sh", "-c", script]), Some(input.as_bytes())).await.unwrap();
    assert_eq!(output.exit_code, 7);
    assert_eq!(output.stdout.len(), input.len());
    assert_eq!(output.stderr, "hello\n65534\n");
    let deaf = lab.engine.exec(&id, &words(&["sh", "-c", "exit 0"]), Some(input.as_bytes())).await.unwrap();
    assert_eq!(deaf.exit_code, 0);
}

#[tokio::test]
async fn a_missing_command_is_told() {
    let Some(lab) = Lab::open().await else { return };
    let id = lab.running("exec sleep 600").await;
    match lab.engine.exec(&id, &words(&["/no/such/program"]), None).await {
        Ok(output) => assert_ne!(output.exit_code, 0, "{output:?}"),
        Err(error) => assert!(!error.is_engine_down(), "{error:?}"),
    }
}

#[tokio::test]
async fn files_come_back_as_they_were_written() {
    let Some(lab) = Lab::open().await else { return };
    let mut spec = lab.spec("exec sleep 600");
    let volume = lab.stack.data_volume(ServiceKind::Prometheus);
    spec.mounts = vec![Mount { volume, target: "/data".into(), no_copy: false, role: Role::Data }];
    let id = lab.engine.create_container(&spec).await.unwrap();
    lab.engine.upload(&id, "/data", one_file("kept", "content", 0o640)).await.unwrap();
    let tar = lab.engine.download(&id, "/data/kept").await.unwrap();
    let mut archive = tar::Archive::new(tar.as_slice());
    let entry = archive.entries().unwrap().next().unwrap().unwrap();
    assert_eq!((entry.header().uid().unwrap(), entry.header().mode().unwrap() & 0o777), (65534, 0o640));
    assert_eq!(lab.engine.download(&id, "/data/absent").await.unwrap_err().kind, ErrorKind::NotFound);
}

#[tokio::test]
async fn events_of_the_stack_are_seen() {
    let Some(lab) = Lab::open().await else { return };
    let events = lab.engine.events(&lab.stack);
    // Nothing between the call and the first look at the stream may be lost.
    lab.running("exit 0").await;
    let mut seen = Vec::new();
    let mut events = std::pin::pin!(events.take(3));
    while let Some(event) = tokio::time::timeout(SOON, events.next()).await.unwrap() {
        let event = event.unwrap();
        seen.push((event.container_name, event.action.to_string()));
    }
    let name = lab.stack.container(ServiceKind::Prometheus);
    assert_eq!(seen, ["create", "start", "die"].map(|action| (name.clone(), action.to_owned())));
}

#[tokio::test]
async fn a_pull_from_nowhere_fails_as_a_pull() {
    let Some(lab) = Lab::open().await else { return };
    let image = ImageRef::new("localhost:1/nothing/here:1").unwrap();
    let error = lab.engine.pull(&image).try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::PullFailed, "{error:?}");
}

#[tokio::test]
async fn each_call_is_one_request() {
    let Some(lab) = Lab::open().await else { return };
    let Some(socket) = lab.engine.info().endpoint.strip_prefix("unix://") else { return };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("counted.sock");
    let count = count_requests(&path, socket.into());
    let host_flag = Some(format!("unix://{}", path.display()));
    let engine = connect(EndpointChoice { host_flag, ..Default::default() }).await.unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 1, "connecting");
    engine.list().await.unwrap();
    let network =
        NetworkSpec { stack: lab.stack.clone(), name: lab.stack.network(), labels: BTreeMap::new() };
    let network_id = engine.create_network(&network).await.unwrap();
    let id = engine.create_container(&lab.spec("exec sleep 600")).await.unwrap();
    engine.start(&id).await.unwrap();
    engine.inspect(&id).await.unwrap();
    engine.set_restart_policy(&id, "no").await.unwrap();
    engine.stop(&id, GRACE).await.unwrap();
    engine.remove_container(&id, false).await.unwrap();
    engine.find_networks(&network.name).await.unwrap();
    engine.remove_network(&network_id).await.unwrap();
    engine.volumes(&lab.stack).await.unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 12);
}

/// Forwards `path` to `socket` and counts the requests that go through.
fn count_requests(path: &std::path::Path, socket: PathBuf) -> Arc<AtomicUsize> {
    let count = Arc::new(AtomicUsize::new(0));
    let (listener, counted) = (UnixListener::bind(path).unwrap(), count.clone());
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let (counted, engine) = (counted.clone(), UnixStream::connect(&socket).await.unwrap());
            tokio::spawn(async move {
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_engine, mut to_engine) = engine.into_split();
                let back =
                    tokio::spawn(async move { tokio::io::copy(&mut from_engine, &mut to_client).await });
                let mut buffer = vec![0; 65536];
                while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
                    let text = String::from_utf8_lossy(&buffer[..read]);
                    counted.fetch_add(text.matches(" HTTP/1.1\r\n").count(), Ordering::SeqCst);
                    to_engine.write_all(&buffer[..read]).await.unwrap();
                }
                drop(to_engine);
                let _ = back.await;
            });
        }
    });
    count
}

#[tokio::test]
async fn a_hung_engine_is_told_from_a_missing_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hung.sock");
    let _listener = UnixListener::bind(&path).unwrap();
    let host_flag = Some(format!("unix://{}", path.display()));
    let Err(error) = connect(EndpointChoice { host_flag, ..Default::default() }).await else {
        panic!("it answered")
    };
    assert_eq!(error.kind, ErrorKind::Hung);
}

/// An engine whose version can change; it notes what it was asked.
async fn changing_engine(
    listener: UnixListener,
    version: Arc<Mutex<String>>,
    asked: Arc<Mutex<Vec<String>>>,
) {
    while let Ok((mut client, _)) = listener.accept().await {
        let mut buffer = [0; 4096];
        let Ok(read @ 1..) = client.read(&mut buffer).await else { continue };
        let line = String::from_utf8_lossy(&buffer[..read]);
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let version = version.lock().unwrap().clone();
        let body = match path.as_str() {
            "/version" => format!(r#"{{"Version":"{version}","ApiVersion":"1.44","MinAPIVersion":"1.24"}}"#),
            _ => "OK".to_owned(),
        };
        asked.lock().unwrap().push(path);
        let head = format!("Server: Docker/{version} (linux)\r\nApi-Version: 1.44\r\nConnection: close");
        let answer = format!("HTTP/1.1 200 OK\r\n{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        client.write_all(answer.as_bytes()).await.unwrap();
    }
}

#[tokio::test]
async fn an_engine_that_was_met_before_is_only_pinged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("engine.sock");
    let (version, asked) = (Arc::new(Mutex::new("25.0.1".to_owned())), Arc::new(Mutex::new(Vec::new())));
    tokio::spawn(changing_engine(UnixListener::bind(&path).unwrap(), version.clone(), asked.clone()));
    let choice = EndpointChoice {
        host_flag: Some(format!("unix://{}", path.display())),
        memory: Some(dir.path().join("state")),
        ..Default::default()
    };
    let connected = async || connect(choice.clone()).await.unwrap().info().clone();
    let met = connected().await;
    assert_eq!(met, connected().await);
    assert_eq!(asked.lock().unwrap().split_off(0), ["/version", "/_ping"]);
    *version.lock().unwrap() = "25.0.2".to_owned();
    assert_eq!(connected().await.version, "25.0.2");
    assert_eq!(asked.lock().unwrap().split_off(0), ["/_ping", "/version"]);
    // What is remembered may be damaged.
    let folder = dir.path().join("state/engines");
    let file = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    std::fs::write(&file, "{\"signature\": 5").unwrap();
    assert_eq!(connected().await.version, "25.0.2");
    assert_eq!(asked.lock().unwrap().split_off(0), ["/version"]);
    // Without a memory it is asked each time.
    let choice = EndpointChoice { memory: None, ..choice.clone() };
    connect(choice).await.unwrap();
    assert_eq!(asked.lock().unwrap().split_off(0), ["/version"]);
}

#[tokio::test]
async fn a_real_engine_says_by_a_ping_that_it_is_the_same() {
    let Some(lab) = Lab::open().await else { return };
    let dir = tempfile::tempdir().unwrap();
    let remembering = EndpointChoice { memory: Some(dir.path().to_owned()), ..choice() };
    for _ in 0..2 {
        assert_eq!(connect(remembering.clone()).await.unwrap().info(), lab.engine.info());
    }
    let remembered = std::fs::read_dir(dir.path().join("engines")).unwrap().count();
    assert_eq!(remembered, usize::from(lab.engine.info().endpoint.starts_with("unix://")));
}

#[tokio::test]
async fn an_engine_that_is_too_old_is_refused_in_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("old.sock");
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 4096];
        let _ = client.read(&mut buffer).await;
        let body = r#"{"Version":"19.03.1","ApiVersion":"1.40","MinAPIVersion":"1.12"}"#;
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        client.write_all(answer.as_bytes()).await.unwrap();
    });
    let host_flag = Some(format!("unix://{}", path.display()));
    let Err(error) = connect(EndpointChoice { host_flag, ..Default::default() }).await else {
        panic!("it connected")
    };
    assert_eq!(error.kind, ErrorKind::TooOld);
    assert_eq!(
        error.source.to_string(),
        "engine 19.03.1 speaks API 1.40, and this program needs 1.41 or newer"
    );
}
