//! `doctor` against real engines and services: the right cause comes first, and a healthy stack is silent.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::faulty::{Answer, Faulty};
use crate::lab::{Lab, Run, docker, eventually, free_port};
use crate::proxy::{Harm, Proxy};

/// All checks of a run, in the order of the topics.
fn checks(run: &Run) -> Vec<Value> {
    let topics = run.json()["topics"].as_array().unwrap().clone();
    topics.iter().flat_map(|topic| topic["checks"].as_array().unwrap().clone()).collect()
}

fn with_verdict(run: &Run, verdict: &str) -> Vec<String> {
    let all = checks(run);
    let found = all.iter().filter(|check| check["verdict"] == verdict);
    found.map(|check| check["id"].as_str().unwrap().to_owned()).collect()
}

/// The engine of Debian has a fault that is always said.
fn unexpected(run: &Run) -> Vec<Value> {
    let mut all = checks(run);
    all.retain(|check| {
        check["verdict"] != "ok" && check["id"] != "engine-version" && check["id"] != "image-age"
    });
    all
}

/// A stack whose backend is at `port`, scraped every second, with a receiver.
pub(crate) fn lab(port: u16, path: &str) -> Option<Lab> {
    let mut lab = Lab::open()?;
    let settings = format!(
        "prometheus: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\ntargets:\n  - job: confidex-backend\n    url: http://host.docker.internal:{port}{path}\n"
    );
    lab.write("config/confidexmon.yml", &settings);
    lab.set("ALERT_WEBHOOK_URL", &format!("http://host.docker.internal:{port}/hook"));
    Some(lab)
}

#[test]
fn a_stack_that_is_down_is_one_problem_and_an_engine_that_is_gone_another() {
    let Some(lab) = Lab::open() else { return };
    let run = lab.run(&["--format", "json", "doctor"]).expect(6);
    assert_eq!(run.json()["success"], false);
    assert_eq!(with_verdict(&run, "problem"), ["stopped"]);
    let first = checks(&run).into_iter().find(|check| check["id"] == "stopped").unwrap();
    assert_eq!(first["fix"], "confidexmon up");
    let run = lab.run(&["--host", "unix:///nowhere/engine.sock", "doctor"]).expect(6);
    assert!(run.stdout.starts_with("✗ engine "), "{}", run.stdout);
    assert!(run.stdout.contains("do this first: sudo systemctl start docker"), "{}", run.stdout);
    let run = lab.run(&["doctor", "--list"]).expect(0);
    assert!(run.stdout.lines().count() > 60, "{}", run.stdout);
    assert!(lab.run(&["doctor", "nothing"]).expect(2).stderr.contains("engine, stack"), "topics are named");
}

#[test]
fn an_engine_that_hangs_and_services_that_hang_are_said_within_ten_seconds() {
    let Some(lab) = Lab::open() else { return };
    let proxy = Proxy::with_fault(Box::new(|_, _| Harm::Hang));
    let began = Instant::now();
    let run = lab.run(&["--host", &proxy.host(), "--format", "json", "doctor"]).expect(6);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(with_verdict(&run, "problem"), ["engine-answers"]);
    lab.run(&["up"]).expect(0);
    for service in ["prometheus", "grafana", "alertmanager"] {
        docker(&["exec", &lab.container(service), "true"]);
        docker(&["pause", &lab.container(service)]);
    }
    let began = Instant::now();
    let run = lab.run(&["--format", "json", "doctor"]).expect(6);
    let took = began.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(with_verdict(&run, "problem"), ["paused", "paused", "paused"], "{}", run.stdout);
    for service in ["prometheus", "grafana", "alertmanager"] {
        docker(&["unpause", &lab.container(service)]);
    }
    // Processes that hang while the engine takes them for running: they accept connections and say nothing.
    let hanging: Vec<String> = ["prometheus", "grafana", "alertmanager"]
        .iter()
        .map(|service| service_process(&lab.inspect(service)["State"]["Pid"].to_string()))
        .collect();
    for pid in &hanging {
        assert!(Command::new("kill").args(["-STOP", pid]).status().unwrap().success());
    }
    let began = Instant::now();
    let run = lab.run(&["--format", "json", "doctor"]);
    let took = began.elapsed();
    for pid in &hanging {
        assert!(Command::new("kill").args(["-CONT", pid]).status().unwrap().success());
    }
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(run.code, 6, "{}", run.stdout);
    assert_eq!(
        with_verdict(&run, "problem"),
        ["not-answering", "not-answering", "not-answering"],
        "{}",
        run.stdout
    );
}

/// The service's process: the first of a container is the engine's own, which waits for it.
pub(crate) fn service_process(pid: &str) -> String {
    let children = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    children.split_whitespace().next().unwrap_or(pid).to_owned()
}

#[test]
fn a_healthy_stack_is_silent_and_quick() {
    let port = free_port();
    let backend = Faulty::start(port, Answer::Metrics);
    let Some(mut lab) = lab(port, "/metrics") else { return };
    lab.run(&["up"]).expect(0);
    silent(&lab, &[]);
    lab.run(&["up", "--with", "redis"]).expect(0);
    silent(&lab, &[]);
    let settings = std::fs::read_to_string(lab.folder.path().join("config/confidexmon.yml")).unwrap();
    lab.write("config/confidexmon.yml", &format!("{settings}security: {{web_auth: true}}\n"));
    lab.set("WEB_AUTH_PASSWORD", "some-password");
    lab.run(&["up", "--with", "redis"]).expect(0);
    silent(&lab, &[]);
    // An engine that is spoken to over TCP: its machine is not looked at, and that is said, not warned about.
    let remote = remote_engine();
    silent(&lab, &["--host", &remote]);
    let text = lab.run(&["--host", &remote, "doctor"]).stdout;
    assert!(text.contains("the engine runs on another machine"), "{text}");
    let began = Instant::now();
    lab.run(&["doctor"]);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    drop(backend);
}

/// The engine's socket behind a TCP port.
fn remote_engine() -> String {
    use std::io::copy;
    use std::net::{Shutdown, TcpListener};
    use std::os::unix::net::UnixStream;
    let host = std::env::var("DOCKER_HOST").unwrap_or_default();
    let socket = host.strip_prefix("unix://").unwrap_or("/var/run/docker.sock").to_owned();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = format!("tcp://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(engine) = UnixStream::connect(&socket) else { continue };
            let (mut from, mut to) = (client.try_clone().unwrap(), engine.try_clone().unwrap());
            std::thread::spawn(move || {
                let _ = copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Write);
            });
            let (mut from, mut to) = (engine, client);
            std::thread::spawn(move || {
                let _ = copy(&mut from, &mut to);
                let _ = to.shutdown(Shutdown::Write);
            });
        }
    });
    address
}

/// Waits until nothing is wrong; what could not be looked at on another machine is no fault.
fn silent(lab: &Lab, global: &[&str]) {
    let deadline = Instant::now() + Duration::from_mins(2);
    let topics =
        ["--format", "json", "doctor", "engine", "stack", "targets", "alerts", "storage", "security"];
    loop {
        let run = lab.run(&[global, &topics[..]].concat());
        let mut found = unexpected(&run);
        found.retain(|check| global.is_empty() || check["verdict"] != "could-not-look");
        if run.code == 0 && found.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "{global:?}: {found:#?}");
        std::thread::sleep(Duration::from_secs(1));
    }
}

/// Debian's place for the library that shows a program another time.
fn libfaketime() -> Option<String> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.flatten();
    let places = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    Some(places.into_iter().find(|place| place.is_file())?.display().to_string())
}

/// The engine and Prometheus keep their clocks; this program is shown another one.
#[test]
fn a_clock_that_is_off_is_told_with_its_side() {
    let Some(library) = libfaketime() else {
        eprintln!("skipped: libfaketime is not there (`scripts/test` installs it)");
        return;
    };
    let Some(lab) = lab(free_port(), "/metrics") else { return };
    lab.run(&["up", "--without", "grafana", "--without", "alertmanager"]).expect(0);
    let clock = |shift: &str| {
        let mut command = lab.command(&["--format", "json", "doctor", "engine"]);
        if !shift.is_empty() {
            command
                .env("LD_PRELOAD", &library)
                .env("FAKETIME", shift)
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        let output = command.output().unwrap();
        let all: Value = serde_json::from_slice(&output.stdout).unwrap();
        let checks = all["topics"][0]["checks"].as_array().unwrap().clone();
        let of_clock = checks.into_iter().filter(|check| check["id"] == "engine-clock");
        of_clock
            .map(|check| {
                (
                    check["verdict"].as_str().unwrap().to_owned(),
                    check["evidence"].as_str().unwrap().to_owned(),
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(clock("").iter().map(|(verdict, _)| verdict.as_str()).collect::<Vec<_>>(), ["ok"]);
    for (shift, verdict, side) in
        [("+10m", "problem", "behind"), ("-10m", "problem", "ahead of"), ("+20s", "warning", "behind")]
    {
        let found = clock(shift);
        assert_eq!(found.len(), 2, "{found:?}");
        for (who, (said, evidence)) in ["the engine", "Prometheus"].iter().zip(&found) {
            assert_eq!(said, verdict, "{shift}: {found:?}");
            assert!(evidence.contains(who) && evidence.contains(side), "{shift}: {evidence}");
        }
    }
}

#[test]
fn a_target_of_which_nothing_listens_is_told_from_one_that_listens_on_loopback_only() {
    let port = free_port();
    let Some(lab) = lab(port, "/metrics") else { return };
    lab.run(&["up", "--without", "grafana"]).expect(0);
    let first = |wanted: &str| {
        let mut last = String::new();
        eventually(wanted, Duration::from_secs(30), || {
            let run = lab.run(&["--format", "json", "doctor", "targets"]);
            last = with_verdict(&run, "problem").first().cloned().unwrap_or_default();
            last == wanted
        });
    };
    first("nothing-listens");
    let listener = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    first("loopback-only");
    let run = lab.run(&["doctor", "targets", "-v"]).expect(6);
    assert!(
        run.stdout.contains(&format!("(pid {}) listens on 127.0.0.1 only", std::process::id())),
        "{}",
        run.stdout
    );
    drop(listener);
}

/// Answers on two ports, one of them by TLS, with what is wrong for a scrape.
const INSIDE: &str = r#"
import http.server, ssl, threading
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        login = self.path.startswith("/login")
        if not login and not self.path.startswith("/broken"):
            self.send_response(302)
            self.send_header("Location", "/login")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if login else "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(b"<form><input type=\"password\"></form>" if login else b"good 1\nbad{label=\"x} 1\n")
def serve(port, wrapped):
    server = http.server.ThreadingHTTPServer(("", port), Answers)
    if wrapped:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain("/c/cert.pem", "/c/key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.serve_forever()
threading.Thread(target=serve, args=(8443, True)).start()
serve(8000, False)
"#;

/// A container beside the stack; gone with the test.
struct Beside(String);

impl Drop for Beside {
    fn drop(&mut self) {
        docker(&["rm", "-f", "-v", &self.0]);
    }
}

/// From this machine none of their names resolves, so all that is known is what Prometheus's network shows.
#[test]
fn what_only_containers_can_reach_is_asked_from_their_network() {
    let Some(lab) = Lab::open() else { return };
    let folder = tempfile::tempdir().unwrap();
    drop(tls_server(folder.path(), free_port(), false));
    for file in ["key.pem", "cert.pem"] {
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o644);
        std::fs::set_permissions(folder.path().join(file), open).unwrap();
    }
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open).unwrap();
    let name = format!("{}-beside", lab.stack);
    let interval = "prometheus: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}";
    lab.write(
        "config/confidexmon.yml",
        &format!(
            "{interval}\ntargets:\n  - {{job: login, url: 'http://{name}:8000/metrics'}}\n  - {{job: broken, url: 'http://{name}:8000/broken?a=1'}}\n  - {{job: tls, url: 'http://{name}:8443/broken'}}\n"
        ),
    );
    lab.run(&["up", "--without", "grafana", "--without", "alertmanager"]).expect(0);
    let mount = format!("{}:/c:ro", folder.path().display());
    let network = format!("{}-monitoring", lab.stack);
    let image = crate::lab::image("grafana");
    let words = [
        "run",
        "-d",
        "--name",
        &name,
        "--network",
        &network,
        "-v",
        &mount,
        "--entrypoint",
        "/usr/bin/python3",
        &image,
        "-c",
        INSIDE,
    ];
    let output = docker(&words);
    let _beside = Beside(name.clone());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let wanted =
        BTreeMap::from([("broken", "parse-error"), ("login", "login-redirect"), ("tls", "http-on-https")]);
    let mut last = Vec::new();
    let deadline = Instant::now() + Duration::from_secs(40);
    loop {
        let run = lab.run(&["--format", "json", "doctor", "targets"]);
        last.clear();
        last.extend(
            checks(&run)
                .into_iter()
                .filter(|check| check["what"].as_str().unwrap().starts_with("the target ")),
        );
        let found: BTreeMap<&str, &str> = last
            .iter()
            .map(|check| {
                (check["what"].as_str().unwrap().split(' ').nth(2).unwrap(), check["id"].as_str().unwrap())
            })
            .collect();
        if found == wanted {
            break;
        }
        assert!(Instant::now() < deadline, "{last:#?}");
        std::thread::sleep(Duration::from_millis(500));
    }
    let broken = last.iter().find(|check| check["id"] == "parse-error").unwrap();
    assert!(broken["evidence"].as_str().unwrap().contains("line 2 is `bad{label="), "{broken:#}");
}

/// One planted fault: the URL of the target, and the diagnosis that must name it.
struct Planted {
    job: &'static str,
    url: String,
    more: &'static str,
    expected: &'static str,
}

/// Ends with the test.
pub(crate) struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{arguments}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A TLS server with a self-signed certificate, which may have expired.
pub(crate) fn tls_server(folder: &Path, port: u16, expired: bool) -> Process {
    openssl(
        folder,
        "req -newkey rsa:2048 -nodes -keyout key.pem -out req.pem -subj /CN=host.docker.internal",
    );
    std::fs::write(folder.join("index.txt"), "").unwrap();
    let config = "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nnew_certs_dir=.\nrand_serial=yes\ndefault_md=sha256\npolicy=p\nx509_extensions=e\n[p]\ncommonName=supplied\n[e]\nsubjectAltName=DNS:host.docker.internal\n";
    std::fs::write(folder.join("ca.conf"), config).unwrap();
    let end = if expired { "20210101000000Z" } else { "20490101000000Z" };
    openssl(
        folder,
        &format!(
            "ca -batch -config ca.conf -selfsign -keyfile key.pem -in req.pem -out cert.pem -startdate 20200101000000Z -enddate {end}"
        ),
    );
    let arguments =
        ["s_server", "-quiet", "-www", "-key", "key.pem", "-cert", "cert.pem", "-accept", &port.to_string()];
    let server = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Process(server.unwrap())
}

/// A rule of the firewall for one port; gone with the test.
struct Rule(Vec<String>);

impl Rule {
    fn plant(port: u16, verdict: &str) -> Option<Self> {
        let rule = format!("INPUT -i br-+ -p tcp --dport {port} -j {verdict}");
        let rule: Vec<String> = rule.split(' ').map(str::to_owned).collect();
        let planted = Command::new("iptables").args(["-w", "5", "-I"]).args(&rule).status();
        planted.is_ok_and(|status| status.success()).then_some(Self(rule))
    }
}

impl Drop for Rule {
    fn drop(&mut self) {
        let _ = Command::new("iptables").args(["-w", "5", "-D"]).args(&self.0).status();
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of faults")]
fn the_cause_of_each_failing_target_is_named() {
    let Some(mut lab) = Lab::open() else { return };
    let plain = "Content-Type: text/plain; version=0.0.4\r\n";
    let raw = |status, headers, body: &str| Answer::Raw(status, headers, body.to_owned());
    let servers: Vec<(&'static str, Answer, &'static str)> = vec![
        ("well", Answer::Metrics, ""),
        ("path", raw("404 Not Found", plain, "404 page not found"), "wrong-path"),
        ("login", raw("302 Found", "Location: /login?next=/metrics\r\n", ""), "login-redirect"),
        ("unauthorized", raw("401 Unauthorized", plain, ""), "credentials"),
        ("forbidden", raw("403 Forbidden", plain, ""), "credentials"),
        (
            "html",
            raw("200 OK", "Content-Type: text/html\r\n", "<html><body>Welcome</body></html>"),
            "content-type",
        ),
        ("json", raw("200 OK", "Content-Type: application/x-unknown\r\n", "{}"), "parse-error"),
        ("broken", raw("200 OK", plain, "good 1\nbad{label=\"x} 1\n"), "parse-error"),
        ("slow", Answer::Slow(Duration::from_secs(20)), "too-slow"),
        ("close", Answer::Close, "connection-dropped"),
        ("error", raw("500 Internal Server Error", plain, "collector failed"), "server-error"),
        ("proxy", raw("502 Bad Gateway", plain, "bad gateway"), "server-error"),
        ("limited", raw("429 Too Many Requests", plain, ""), "server-error"),
    ];
    let mut running = Vec::new();
    let mut planted = Vec::new();
    let mut plant = |job, url: String, expected| planted.push(Planted { job, url, more: "", expected });
    let at = |port: u16| format!("http://host.docker.internal:{port}/metrics");
    for (job, answer, expected) in servers {
        let port = free_port();
        running.push(Faulty::start(port, answer));
        plant(job, at(port), expected);
    }
    plant("refused", at(free_port()), "nothing-listens");
    plant("name", "http://no-such-host.invalid:9100/metrics".to_owned(), "name-not-found");
    plant("container", "http://nosuchcontainer:9100/metrics".to_owned(), "name-not-found");
    let port = free_port();
    let _loopback = std::net::TcpListener::bind(("127.0.0.1", port)).unwrap();
    plant("loopback", at(port), "loopback-only");
    // The settings mean this machine by it, so it is another fault than `localhost` in a container.
    plant("inside", format!("http://localhost:{port}/metrics"), "loopback-only");
    let plain_port = free_port();
    running.push(Faulty::start(plain_port, Answer::Metrics));
    plant("plain", format!("https://host.docker.internal:{plain_port}/metrics"), "https-on-http");
    let (self_signed, expired) = (free_port(), free_port());
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let _tls =
        [tls_server(folders[0].path(), self_signed, false), tls_server(folders[1].path(), expired, true)];
    plant("authority", format!("https://host.docker.internal:{self_signed}/metrics"), "tls-authority");
    plant("expired", format!("https://host.docker.internal:{expired}/metrics"), "tls-expired");
    plant("tls", at(self_signed), "http-on-https");
    let mut rules = Vec::new();
    for (job, verdict) in [("dropped", "DROP"), ("rejected", "REJECT")] {
        let port = free_port();
        running.push(Faulty::start(port, Answer::Metrics));
        if let Some(rule) = Rule::plant(port, verdict) {
            rules.push(rule);
            plant(job, at(port), "firewall");
        }
    }
    planted
        .iter_mut()
        .filter(|one| one.job == "unauthorized")
        .for_each(|one| one.more = "    bearer_token_env: TOKEN\n");
    lab.set("TOKEN", "a-token-that-is-refused");
    let targets: String = planted
        .iter()
        .map(|one| format!("  - job: {}\n    url: {}\n{}", one.job, one.url, one.more))
        .collect();
    let interval = "prometheus: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}";
    lab.write("config/confidexmon.yml", &format!("{interval}\ntargets:\n{targets}"));
    lab.run(&["up", "--without", "grafana"]).expect(0);
    let wanted: BTreeMap<&str, &str> =
        planted.iter().filter(|one| !one.expected.is_empty()).map(|one| (one.job, one.expected)).collect();
    let found = |run: &Run| -> BTreeMap<String, (String, Value)> {
        let down = checks(run).into_iter().filter(|check| {
            check["what"].as_str().unwrap().starts_with("the target ") && check["id"] != "service-down"
        });
        down.map(|check| {
            let job = check["what"].as_str().unwrap().split(' ').nth(2).unwrap().to_owned();
            (job, (check["id"].as_str().unwrap().to_owned(), check))
        })
        .collect()
    };
    let mut last = BTreeMap::new();
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let began = Instant::now();
        let run = lab.run(&["--format", "json", "doctor", "targets"]);
        assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
        last.clone_from(&found(&run));
        let ids: BTreeMap<&str, &str> =
            last.iter().map(|(job, (id, _))| (job.as_str(), id.as_str())).collect();
        if ids == wanted {
            break;
        }
        let wrong = last.iter().filter(|(job, (id, _))| wanted.get(job.as_str()) != Some(&id.as_str()));
        let missing: Vec<_> = wanted.keys().filter(|job| !last.contains_key(**job)).collect();
        assert!(Instant::now() < deadline, "{:#?}\nmissing: {missing:?}", wrong.collect::<Vec<_>>());
        std::thread::sleep(Duration::from_secs(1));
    }
    assert!(
        last["broken"].1["evidence"].as_str().unwrap().contains("line 2 is `bad{label="),
        "{:#?}",
        last["broken"]
    );
    assert!(last["unauthorized"].1["cause"].as_str().unwrap().contains("refuses the credentials"));
    assert!(last["forbidden"].1["cause"].as_str().unwrap().contains("the settings name none"));
    assert!(!format!("{last:?}").contains("a-token-that-is-refused"));
    running[0].now(Answer::Close);
}
