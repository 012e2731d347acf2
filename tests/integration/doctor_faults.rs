//! Faults that are planted into real stacks, one after the other: `doctor` names the cause of each first. (The
//! faults of scrape targets stand in `doctor.rs`; what cannot be planted here in `src/doctor/tests.rs`.)

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::doctor::{lab, service_process, tls_server};
use crate::faulty::{Answer, Faulty};
use crate::lab::{Lab, Run, docker, eventually, free_port, get, image};

/// What is wrong, as people read it: the worst first, in the order of the topics. What is said of this
/// machine's engine and of the age of images is the same for every fault.
fn bad(run: &Run) -> Vec<Value> {
    let topics = run.json()["topics"].as_array().unwrap().clone();
    let checks = topics.iter().flat_map(|topic| topic["checks"].as_array().unwrap().clone());
    let mut bad: Vec<Value> = checks
        .filter(|check| check["verdict"] == "problem" || check["verdict"] == "warning")
        .filter(|check| {
            !matches!(
                check["id"].as_str(),
                Some("engine-version" | "image-age" | "engine-memory" | "engine-disk")
            )
        })
        .collect();
    bad.sort_by_key(|check| check["verdict"] != "problem");
    bad
}

/// Asks until the first finding is this one, with these words in its cause, evidence or subject.
fn first(lab: &Lab, topics: &[&str], id: &str, words: &str) {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let began = Instant::now();
        let run = lab.run(&[&["--format", "json", "doctor"], topics].concat());
        let took = began.elapsed();
        assert!(took < Duration::from_secs(30), "{id}: {took:?}");
        let found = bad(&run);
        let text = |check: &Value| format!("{} {} {}", check["what"], check["cause"], check["evidence"]);
        if found.first().is_some_and(|check| check["id"] == id && text(check).contains(words)) {
            assert!(!found[0]["fix"].as_str().unwrap().is_empty(), "{:#?}", found[0]);
            return;
        }
        assert!(Instant::now() < deadline, "wanted `{id}` with `{words}` first; found {found:#?}");
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Nothing of these topics is wrong.
fn well(lab: &Lab, topics: &[&str]) {
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let found = bad(&lab.run(&[&["--format", "json", "doctor"], topics].concat()));
        if found.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "{found:#?}");
        std::thread::sleep(Duration::from_millis(500));
    }
}

fn must(arguments: &[&str]) -> String {
    let output = docker(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

fn kill(signal: &str, pid: &str) {
    assert!(Command::new("kill").args([signal, pid]).status().unwrap().success());
}

#[test]
fn faults_of_the_stack() {
    let port = free_port();
    let _backend = Faulty::start(port, Answer::Metrics);
    let Some(mut lab) = lab(port, "/metrics") else { return };
    lab.run(&["up", "--with", "redis"]).expect(0);
    let (prometheus, alertmanager, grafana) =
        (lab.container("prometheus"), lab.container("alertmanager"), lab.container("grafana"));
    well(&lab, &["stack"]);

    must(&["pause", &grafana]);
    first(&lab, &[], "paused", "somebody paused it");
    must(&["unpause", &grafana]);

    must(&["update", "--restart", "no", &grafana]);
    first(&lab, &["stack"], "restart-policy", "its policy is `no`");
    must(&["update", "--restart", "always", &grafana]);

    must(&["stop", &alertmanager]);
    first(&lab, &[], "stopped", "somebody stopped it");
    must(&["rm", "-v", &alertmanager]);
    first(&lab, &[], "stopped", "there is no container for alertmanager");
    let holder = TcpListener::bind(("127.0.0.1", lab.ports["alertmanager"])).unwrap();
    first(&lab, &[], "port-taken", &lab.ports["alertmanager"].to_string());
    drop(holder);
    lab.run(&["up", "--with", "redis"]).expect(0);

    // A process that hangs: it takes connections and says nothing.
    let pid = must(&["inspect", "--format", "{{.State.Pid}}", &alertmanager]);
    let service = service_process(&pid);
    kill("-STOP", &service);
    first(&lab, &[], "not-answering", "its process hangs");
    kill("-CONT", &service);

    let network = lab.networks()[0].clone();
    must(&["network", "disconnect", &network, &alertmanager]);
    first(&lab, &[], "not-answering", "its network was taken away");
    must(&["network", "connect", "--alias", "alertmanager", &network, &alertmanager]);
    must(&["restart", "-t", "2", &alertmanager]);

    lab.set("REDIS_PASSWORD", "another one");
    first(&lab, &[], "not-answering", "its password is not the one of the settings");
    lab.set("REDIS_PASSWORD", "redis secret");
    well(&lab, &["stack"]);

    let label = |key: &str, value: &str| format!("io.confidexmon.{key}={value}");
    let left = format!("{}-left", lab.stack);
    let (stack, service, role) =
        (label("stack", &lab.stack), label("service", "redis"), label("role", "service"));
    must(&[
        "create",
        "--name",
        &left,
        "--label",
        &stack,
        "--label",
        &service,
        "--label",
        &role,
        &image("redis"),
    ]);
    first(&lab, &["stack"], "leftovers", &left);
    must(&["rm", "-v", &left]);

    // Engines from 25 on refuse a second network of a name.
    let second = docker(&["network", "create", "--label", &stack, &network]);
    if second.status.success() {
        first(&lab, &["stack"], "networks", "2 networks are called");
        must(&["network", "rm", String::from_utf8_lossy(&second.stdout).trim()]);
    }

    let settings = std::fs::read_to_string(lab.folder.path().join("config/confidexmon.yml")).unwrap();
    lab.write("config/confidexmon.yml", &settings.replace("scrape_interval: 1s", "scrape_interval: 2s"));
    first(&lab, &["stack"], "plan", "prometheus.yml changed");
    lab.write("config/confidexmon.yml", &settings);

    // Its files say something that it refuses.
    let file = format!("{alertmanager}:/etc/alertmanager/alertmanager.yml");
    let kept = lab.folder.path().join("kept.yml").display().to_string();
    must(&["cp", &file, &kept]);
    lab.write("broken.yml", "route: [\n");
    must(&["cp", &lab.folder.path().join("broken.yml").display().to_string(), &file]);
    docker(&["restart", "-t", "2", &alertmanager]);
    first(&lab, &[], "crash-loop", "it refuses its configuration");
    must(&["cp", &kept, &file]);
    docker(&["restart", "-t", "2", &alertmanager]);
    well(&lab, &["stack"]);

    // Below what it uses the limit can only be set while it does not run.
    must(&["stop", "-t", "2", &prometheus]);
    must(&["update", "--memory", "8m", "--memory-swap", "8m", &prometheus]);
    docker(&["start", &prometheus]);
    first(&lab, &[], "out-of-memory", "it needs more memory than it may use");
    docker(&["stop", "-t", "2", &prometheus]);
    must(&["update", "--memory", "2g", "--memory-swap", "2g", &prometheus]);
    must(&["start", &prometheus]);
    well(&lab, &["stack"]);
}

#[test]
fn an_image_that_is_not_the_locked_one() {
    let Some(mut lab) = Lab::open() else { return };
    let tag = format!("confidexmon-it/{}:1", lab.stack);
    must(&["tag", &image("alertmanager"), &tag]);
    lab.set("CONFIDEXMON_IMAGE_ALERTMANAGER", &tag);
    lab.run(&["up"]).expect(0);
    must(&["tag", &image("redis"), &tag]);
    first(&lab, &["stack"], "image-lock", "the tag was pushed or built anew");
    must(&["rmi", &tag]);
}

fn git(folder: &Path, arguments: &[&str]) {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn faults_of_the_secrets() {
    use std::os::unix::fs::PermissionsExt;
    let Some(mut lab) = Lab::open() else { return };
    let env_file = lab.folder.path().join(".env");
    lab.write(".env", "WEB_AUTH_PASSWORD=some-password\n");
    let mode = |mode| std::fs::set_permissions(&env_file, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    first(&lab, &["security"], "env-file", "its mode is 0644");
    mode(0o600);
    git(lab.folder.path(), &["init", "-q"]);
    first(&lab, &["security"], "env-file", "the next `git add .` takes the secrets");
    git(lab.folder.path(), &["add", ".env"]);
    first(&lab, &["security"], "env-file", "the secrets are in the history");
    git(lab.folder.path(), &["rm", "-q", "--cached", ".env"]);
    lab.write(".gitignore", ".env\n");
    well(&lab, &["security"]);
    lab.unset("GRAFANA_ADMIN_PASSWORD");
    first(&lab, &["security"], "passwords", "GRAFANA_ADMIN_PASSWORD is not set");
}

/// Writes a file into a container's volume, past confidexmon.
fn overwrite(lab: &Lab, container: &str, path: &str, text: &str) {
    lab.write("overwritten", text);
    must(&[
        "cp",
        &lab.folder.path().join("overwritten").display().to_string(),
        &format!("{container}:{path}"),
    ]);
}

fn post(url: &str, password: &str) {
    let user = format!("admin:{password}");
    let output = Command::new("curl").args(["-s", "-X", "POST", "-u", &user, url]).output().unwrap();
    assert!(output.status.success(), "{url}");
}

#[test]
fn faults_of_grafana() {
    let port = free_port();
    let _backend = Faulty::start(port, Answer::Metrics);
    let Some(mut lab) = lab(port, "/metrics") else { return };
    lab.write("dashboards/empty.json", r#"{"uid": "empty", "title": "Empty", "panels": [{"id": 1, "title": "Nothing", "type": "timeseries", "targets": [{"refId": "A", "expr": "sum(no_such_metric_total)"}]}]}"#);
    lab.run(&["up"]).expect(0);
    first(&lab, &["grafana"], "grafana-panels", "no_such_metric_total");

    let grafana = lab.container("grafana");
    let sources = "/etc/confidexmon/provisioning/datasources/confidexmon.yml";
    let kept = lab.folder.path().join("kept.yml");
    must(&["cp", &format!("{grafana}:{sources}"), &kept.display().to_string()]);
    let good = std::fs::read_to_string(&kept).unwrap();
    let address = format!("http://{}:9090", lab.container("prometheus"));
    let reload = lab.url("grafana", "/api/admin/provisioning/datasources/reload");
    for (url, words) in [
        ("http://localhost:9090", "`localhost` is Grafana's own container"),
        ("http://no-such-host.invalid:9090", "does not resolve"),
    ] {
        overwrite(&lab, &grafana, sources, &good.replace(&address, url));
        post(&reload, "grafana-secret");
        first(&lab, &["grafana"], "grafana-datasource", words);
    }
    overwrite(&lab, &grafana, sources, &good);
    post(&reload, "grafana-secret");

    let body = r#"{"oldPassword":"grafana-secret","newPassword":"in-the-browser"}"#;
    let url = lab.url("grafana", "/api/user/password");
    Command::new("curl")
        .args(["-s", "-X", "PUT", "-u", "admin:grafana-secret", "-d", body, &url])
        .output()
        .unwrap();
    first(&lab, &["grafana"], "grafana-password", "was changed and not applied");
    lab.unset("GRAFANA_ADMIN_PASSWORD");
    first(&lab, &["grafana"], "grafana-password", "is still in force");
    lab.set("GRAFANA_ADMIN_PASSWORD", "in-the-browser");
    must(&["exec", &grafana, "rm", "/etc/confidexmon/dashboards/empty.json"]);
    post(&lab.url("grafana", "/api/admin/provisioning/dashboards/reload"), "in-the-browser");
    first(&lab, &["grafana"], "grafana-dashboards", "dashboards/empty.json");
}

#[test]
fn dashboards_that_grafana_refuses_and_a_database_that_fails() {
    let port = free_port();
    let _backend = Faulty::start(port, Answer::Metrics);
    let Some(mut lab) = lab(port, "/metrics") else { return };
    lab.write(
        "dashboards/second.json",
        &format!(r#"{{"title": "Second", "uid": "{}", "panels": []}}"#, "x".repeat(41)),
    );
    lab.run(&["up"]).expect(0);
    first(&lab, &["grafana"], "grafana-dashboards", "uid too long");
    std::fs::remove_file(lab.folder.path().join("dashboards/second.json")).unwrap();
    if !image("grafana").contains("double") {
        return;
    }
    // The database's faults are switches of the double.
    let tag = format!("confidexmon-it/{}:2", lab.stack);
    let made = must(&["create", &image("grafana")]);
    must(&["commit", "--change", "ENV GRAFANA_DOUBLE_MODE=database", &made, &tag]);
    must(&["rm", "-v", &made]);
    lab.set("CONFIDEXMON_IMAGE_GRAFANA", &tag);
    lab.run(&["up", "--timeout", "3s"]);
    first(&lab, &["grafana"], "grafana-database", "the database cannot be read");
    must(&["rm", "-f", "-v", &lab.container("grafana")]);
    must(&["rmi", &tag]);
}

/// A stack with one alert that fires, and the answers of its receivers.
fn alerting(port: u16) -> Option<Lab> {
    let lab = lab(port, "/metrics")?;
    let settings = std::fs::read_to_string(lab.folder.path().join("config/confidexmon.yml")).unwrap();
    let receivers = format!(
        "receivers: {{group_wait: 1s, group_interval: 1s, repeat_interval: 1s, pagerduty_url: http://host.docker.internal:{port}/pagerduty}}\n"
    );
    lab.write("config/confidexmon.yml", &format!("{settings}{receivers}"));
    lab.write("rules/a.yml", RULE);
    Some(lab)
}

// What fires before Prometheus has found its Alertmanager is sent again after a minute only.
const RULE: &str = "groups:\n  - name: g\n    rules:\n      - {alert: Watchdog, expr: vector(1), for: 8s, labels: {severity: none}, annotations: {summary: s}}\n      - {alert: Always, expr: vector(1), for: 8s, labels: {severity: critical}, annotations: {summary: s}}\n";

/// The cause that is named for each receiver that fails.
fn causes(lab: &Lab) -> Vec<(String, String)> {
    let found = bad(&lab.run(&["--format", "json", "doctor", "alerts"]));
    let of = |check: &Value| {
        let what = check["what"].as_str()?.strip_prefix("the receiver ")?.to_owned();
        (check["id"] == "notifications").then(|| (what, check["cause"].as_str().unwrap().to_owned()))
    };
    found.iter().filter_map(of).collect()
}

#[test]
fn receivers_that_do_not_take_notifications() {
    let port = free_port();
    let backend = Faulty::start(port, Answer::Metrics);
    let Some(mut lab) = alerting(port) else { return };
    let folder = tempfile::tempdir().unwrap();
    let tls = free_port();
    let _tls = tls_server(folder.path(), tls, false);
    let expired_folder = tempfile::tempdir().unwrap();
    let expired = free_port();
    let _expired = tls_server(expired_folder.path(), expired, true);
    let host = "host.docker.internal";
    let ports: Vec<u16> = (0..6).map(|_| free_port()).collect();
    let answers = [
        ("404 Not Found", "no_service"),
        ("403 Forbidden", "invalid_token"),
        ("429 Too Many Requests", "rate_limited"),
        ("500 Internal Server Error", "oops"),
        ("401 Unauthorized", "who"),
        ("400 Bad Request", "invalid_payload"),
    ];
    let _servers: Vec<Faulty> = ports
        .iter()
        .zip(answers)
        .map(|(port, (status, body))| Faulty::refusing(*port, status, body))
        .collect();
    let at = |index: usize| format!("http://{host}:{}/services/x", ports[index]);
    let refused = format!("http://{host}:{}/services/x", free_port());
    // (Slack, critical Slack, webhook), and the word of the cause that each must be told by.
    let rounds = [
        [
            (at(0), "the webhook is gone"),
            (at(1), "forbids it"),
            ("http://no-such-host.invalid/x".to_owned(), "does not resolve"),
        ],
        [
            (at(2), "limits how much it takes"),
            (format!("https://{host}:{tls}/x"), "authority that Alertmanager does not know"),
            (at(3), "the receiver itself fails"),
        ],
        [
            (refused, "nothing listens"),
            (format!("https://{host}:{expired}/x"), "certificate has expired"),
            (at(4), "refuses the credentials"),
        ],
        [
            (at(5), "refuses the message"),
            (at(0), "the webhook is gone"),
            (format!("http://{host}:{port}/hook"), ""),
        ],
    ];
    let variables = ["SLACK_WEBHOOK_URL", "SLACK_WEBHOOK_CRITICAL", "ALERT_WEBHOOK_URL"];
    // Slack gets no alert without a severity of its own, so the first variable's receiver is the default.
    lab.write(
        "rules/a.yml",
        &format!("{RULE}      - {{alert: Lost, expr: vector(1), for: 8s, annotations: {{summary: s}}}}\n"),
    );
    for round in rounds {
        for (name, (url, _)) in variables.iter().zip(&round) {
            lab.set(name, url);
        }
        lab.run(&["up", "--without", "grafana"]).expect(0);
        let mut wanted: Vec<&str> =
            round.iter().map(|(_, words)| *words).filter(|words| !words.is_empty()).collect();
        wanted.sort_unstable();
        let mut last = Vec::new();
        let deadline = Instant::now() + Duration::from_secs(100);
        loop {
            last.clone_from(&causes(&lab));
            let named = |words: &&str| last.iter().any(|(_, cause)| cause.contains(*words));
            if wanted.iter().all(named) && last.len() == wanted.len() {
                break;
            }
            assert!(Instant::now() < deadline, "wanted {wanted:#?}, found {last:#?}");
            std::thread::sleep(Duration::from_secs(1));
        }
    }
    drop(backend);
}

#[test]
fn faults_on_the_way_of_an_alert() {
    let port = free_port();
    let _backend = Faulty::start(port, Answer::Metrics);
    let Some(mut lab) = alerting(port) else { return };
    lab.run(&["up"]).expect(0);
    let received = lab.url("alertmanager", "/api/v2/alerts");
    eventually("the alert arrives", Duration::from_secs(100), || get(&received).1.contains("Always"));
    well(&lab, &["alerts"]);

    // Alertmanager forgets its alerts when it starts; until Prometheus sends them again nothing is wrong.
    lab.run(&["restart", "alertmanager"]).expect(0);
    let run = lab.run(&["--format", "json", "doctor", "alerts"]);
    assert_eq!((run.code, bad(&run)), (0, Vec::new()));
    eventually("the alert is sent again", Duration::from_secs(100), || get(&received).1.contains("Always"));
    well(&lab, &["alerts"]);

    let silence = r#"{"matchers":[{"name":"alertname","value":"Always","isRegex":false}],"startsAt":"2020-01-01T00:00:00Z","endsAt":"2099-01-01T00:00:00Z","createdBy":"me","comment":"c"}"#;
    let url = lab.url("alertmanager", "/api/v2/silences");
    let output = Command::new("curl")
        .args(["-s", "-H", "Content-Type: application/json", "-d", silence, &url])
        .output()
        .unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    first(&lab, &["alerts"], "hidden", "a critical alert fires, and a silence keeps it");
    let id = lab.url("alertmanager", &format!("/api/v2/silence/{}", answer["silenceID"].as_str().unwrap()));
    Command::new("curl").args(["-s", "-X", "DELETE", &id]).output().unwrap();
    well(&lab, &["alerts"]);

    lab.write("rules/a.yml", &format!("{RULE}      - {{alert: Later, expr: vector(1) > 2, labels: {{severity: warning}}, annotations: {{summary: s}}}}\n"));
    first(&lab, &["alerts"], "rules-loaded", "not reloaded");
    lab.write("rules/a.yml", &format!("{RULE}      - {{alert: Twice, expr: up * on() up, labels: {{severity: warning}}, annotations: {{summary: s}}}}\n"));
    lab.run(&["reload-rules"]).expect(0);
    first(&lab, &["alerts"], "evaluation", "two series match where one is expected");
    lab.write("rules/a.yml", RULE);
    lab.run(&["reload-rules"]).expect(0);
    well(&lab, &["alerts"]);

    // Somebody wrote into the volume, and told Prometheus to read it.
    let prometheus = lab.container("prometheus");
    overwrite(&lab, &prometheus, "/etc/prometheus/rules/a.yml", "groups: [\n");
    Command::new("curl").args(["-s", "-X", "POST", &lab.url("prometheus", "/-/reload")]).output().unwrap();
    first(&lab, &["alerts"], "rules-loaded", "the last reload failed");
    overwrite(&lab, &prometheus, "/etc/prometheus/rules/a.yml", RULE);
    Command::new("curl").args(["-s", "-X", "POST", &lab.url("prometheus", "/-/reload")]).output().unwrap();
    well(&lab, &["alerts"]);

    // An example's value is refused by every command, doctor too.
    lab.set("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXX");
    assert!(lab.run(&["doctor", "alerts"]).expect(2).stderr.contains("SLACK_WEBHOOK_URL"));
    lab.unset("SLACK_WEBHOOK_URL");
    lab.unset("ALERT_WEBHOOK_URL");
    first(&lab, &["alerts"], "receivers", "nobody is notified");
    lab.set("SLACK_WEBHOOK_URL", &format!("http://host.docker.internal:{port}/slack"));
    first(&lab, &["alerts"], "heartbeat", "silence looks like health");
}
