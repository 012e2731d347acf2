//! A stack of its own for a test: unique name, free ports, a project folder, and everything removed
//! at the end. What a test believes it reads from the engine and over HTTP, not from the tool.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Services with their variable names, in the order of their ports.
pub(crate) const SERVICES: [&str; 5] = ["prometheus", "grafana", "alertmanager", "redis", "redis-exporter"];

pub(crate) struct Lab {
    pub(crate) stack: String,
    pub(crate) ports: BTreeMap<&'static str, u16>,
    pub(crate) folder: tempfile::TempDir,
    variables: BTreeMap<String, String>,
}

/// What a run of the tool ended with.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in:\n{}", self.stdout))
    }

    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
        }
    }
}

/// A test that needs what is not here fails, unless `CONFIDEXMON_TEST_ENGINE=skip` says that it may pass.
pub(crate) fn skip(missing: &str) {
    let may = std::env::var("CONFIDEXMON_TEST_ENGINE").is_ok_and(|value| value == "skip");
    assert!(may, "{missing}; `scripts/test` provides it, CONFIDEXMON_TEST_ENGINE=skip lets such tests pass");
    eprintln!("skipped: {missing}");
}

impl Lab {
    /// `None` when there is no engine or no image and the run may skip what needs them.
    pub(crate) fn open() -> Option<Self> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let images = SERVICES.iter().all(|service| std::env::var(image_variable(service)).is_ok());
        if !images || !docker(&["version", "--format", "{{.Server.Version}}"]).status.success() {
            skip("no engine, or CONFIDEXMON_IMAGE_* is not set");
            return None;
        }
        let stack = format!("it{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = tempfile::tempdir().unwrap();
        let ports: BTreeMap<&'static str, u16> =
            SERVICES.iter().map(|service| (*service, free_port())).collect();
        let mut variables = BTreeMap::from([
            ("CONFIDEXMON_STACK".to_owned(), stack.clone()),
            ("CONFIDEXMON_STATE_DIR".to_owned(), folder.path().join("state").display().to_string()),
            // The first scrape takes up to 15 s; tests about targets take this away.
            ("CONFIDEXMON_NO_WAIT_TARGETS".to_owned(), "1".to_owned()),
            ("REDIS_PASSWORD".to_owned(), "redis secret".to_owned()),
            ("GRAFANA_ADMIN_PASSWORD".to_owned(), "grafana-secret".to_owned()),
        ]);
        for (service, port) in &ports {
            variables.insert(
                format!("CONFIDEXMON_PORT_{}", service.to_uppercase().replace('-', "_")),
                port.to_string(),
            );
        }
        Some(Self { stack, ports, folder, variables })
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn unset(&mut self, name: &str) {
        self.variables.remove(name);
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_confidexmon"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null()).envs(&self.variables);
        command
    }

    /// A shell in the project folder with the lab's variables.
    pub(crate) fn shell(&self, line: &str) -> Command {
        let mut command = Command::new("bash");
        command
            .args(["-euc", line])
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .envs(&self.variables);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        let run = Run::of(&self.command(arguments).output().unwrap());
        crate::output_schema::check_run(arguments, &run.stdout, &run.stderr);
        run
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Copies a folder of this repository into the project.
    pub(crate) fn copy(&self, folder: &str) {
        let status =
            Command::new("cp").arg("-r").arg(repository().join(folder)).arg(self.folder.path()).status();
        assert!(status.unwrap().success());
    }

    pub(crate) fn url(&self, service: &str, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.ports[service])
    }

    pub(crate) fn container(&self, service: &str) -> String {
        format!("{}-{service}", self.stack)
    }

    /// Name → id of the stack's containers, as the engine tells.
    pub(crate) fn containers(&self) -> BTreeMap<String, String> {
        let filter = format!("label=io.confidexmon.stack={}", self.stack);
        let output =
            docker(&["ps", "-a", "--no-trunc", "--filter", &filter, "--format", "{{.Names}} {{.ID}}"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(name, id)| (name.to_owned(), id.to_owned()))
            .collect()
    }

    pub(crate) fn volumes(&self) -> Vec<String> {
        lines(&["volume", "ls", "-q", "--filter", &format!("label=io.confidexmon.stack={}", self.stack)])
    }

    pub(crate) fn networks(&self) -> Vec<String> {
        lines(&[
            "network",
            "ls",
            "--filter",
            &format!("label=io.confidexmon.stack={}", self.stack),
            "--format",
            "{{.Name}}",
        ])
    }

    pub(crate) fn inspect(&self, service: &str) -> Value {
        let output = docker(&["inspect", &self.container(service)]);
        let list: Value = serde_json::from_slice(&output.stdout).unwrap();
        list[0].clone()
    }

    /// Names of the rules that the running Prometheus holds.
    pub(crate) fn loaded_rules(&self) -> Vec<String> {
        let answer = get_json(&self.url("prometheus", "/api/v1/rules"));
        let groups = answer["data"]["groups"].as_array().unwrap().clone();
        let rules = groups.iter().flat_map(|group| group["rules"].as_array().unwrap().clone());
        rules.map(|rule| rule["name"].as_str().unwrap().to_owned()).collect()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for name in self.containers().keys() {
                let output = docker(&["logs", "--tail", "15", name]);
                eprintln!(
                    "--- log of {name}\n{}{}",
                    String::from_utf8_lossy(&output.stdout),
                    String::from_utf8_lossy(&output.stderr)
                );
            }
            if std::env::var_os("CONFIDEXMON_KEEP_FAILED").is_some() {
                eprintln!("kept: stack {} and {}", self.stack, self.folder.path().display());
                return;
            }
        }
        let containers = self.containers();
        if !containers.is_empty() {
            let ids: Vec<&str> = containers.values().map(String::as_str).collect();
            docker(&[&["rm", "-f", "-v"], ids.as_slice()].concat());
        }
        for network in self.networks() {
            docker(&["network", "rm", &network]);
        }
        for volume in self.volumes() {
            docker(&["volume", "rm", &volume]);
        }
    }
}

fn image_variable(service: &str) -> String {
    format!("CONFIDEXMON_IMAGE_{}", service.to_uppercase().replace('-', "_"))
}

pub(crate) fn image(service: &str) -> String {
    std::env::var(image_variable(service)).unwrap()
}

pub(crate) fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The docker client's answer. A container goes with the nameless volumes that its image asked for: the
/// engine keeps them otherwise, and nobody would know whose they are.
pub(crate) fn docker(arguments: &[&str]) -> Output {
    assert!(
        arguments.first() != Some(&"rm") || arguments.contains(&"-v"),
        "{arguments:?} leaves volumes behind"
    );
    Command::new("docker").args(arguments).stdin(Stdio::null()).output().expect("the docker client is needed")
}

fn lines(arguments: &[&str]) -> Vec<String> {
    String::from_utf8_lossy(&docker(arguments).stdout).lines().map(str::to_owned).collect()
}

/// A port that no other test of this run gets, below those that the kernel gives to outgoing connections.
pub(crate) fn free_port() -> u16 {
    const FIRST: u16 = 20_000;
    const COUNT: u16 = 3_000;
    // What looks for the next free port above one of these must not meet another test's.
    const APART: u16 = 4;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Runs at the same time begin at different places.
    let begin = u16::try_from(std::process::id() * 97 % u32::from(COUNT)).unwrap();
    loop {
        let offset = (begin + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT) % COUNT * APART;
        if TcpListener::bind(("127.0.0.1", FIRST + offset)).is_ok() {
            return FIRST + offset;
        }
    }
}

/// Status and body of a GET, with the administrator's credentials where Grafana wants them.
pub(crate) fn get(url: &str) -> (u16, String) {
    confidexmon::net::http::install_crypto();
    runtime().block_on(async {
        let request = reqwest::Client::new().get(url).basic_auth("admin", Some("grafana-secret"));
        match request.timeout(Duration::from_secs(5)).send().await {
            Ok(response) => (response.status().as_u16(), response.text().await.unwrap_or_default()),
            Err(_) => (0, String::new()),
        }
    })
}

pub(crate) fn get_json(url: &str) -> Value {
    let (status, body) = get(url);
    assert_eq!(status, 200, "{url}: {body}");
    serde_json::from_str(&body).unwrap()
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// Waits for something that takes its time; fails with `what` after `limit`.
pub(crate) fn eventually(what: &str, limit: Duration, mut check: impl FnMut() -> bool) {
    let deadline = Instant::now() + limit;
    while !check() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
