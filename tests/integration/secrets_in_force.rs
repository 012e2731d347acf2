//! A changed secret is in force without a restart: checked by what the other end receives.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::lab::{Lab, docker, eventually, free_port, get, get_json};

/// A target that keeps what it is sent: `Authorization` as a target, and line and body as a receiver.
fn target(port: u16) -> Arc<Mutex<Vec<String>>> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (kept, listener) = (seen.clone(), TcpListener::bind(("0.0.0.0", port)).unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let _ = stream.set_read_timeout(Some(Duration::from_millis(300)));
            let mut received = Vec::new();
            let mut buffer = [0; 8192];
            // A request without a body ends with its headers; one with a body after the timeout.
            while let Ok(length @ 1..) = stream.read(&mut buffer) {
                received.extend_from_slice(&buffer[..length]);
                if received.starts_with(b"GET ") && received.ends_with(b"\r\n\r\n") {
                    break;
                }
            }
            let request = String::from_utf8_lossy(&received).into_owned();
            let header = request.lines().find_map(|line| line.strip_prefix("Authorization: "));
            kept.lock().unwrap().extend(header.map(str::to_owned));
            if request.starts_with("POST ") {
                kept.lock().unwrap().push(request);
            }
            let answer = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nConnection: close\r\n\r\nup 1\n";
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    seen
}

#[test]
fn a_changed_token_reaches_the_target_within_two_scrapes_and_without_a_restart() {
    let Some(mut lab) = Lab::open() else { return };
    let port = free_port();
    let seen = target(port);
    lab.set("BACKEND_TOKEN", "first-token");
    let settings = format!(
        "prometheus: {{scrape_interval: 1s, scrape_timeout: 1s}}\ntargets:\n  - job: confidex-backend\n    url: http://host.docker.internal:{port}/metrics\n    bearer_token_env: BACKEND_TOKEN\n"
    );
    lab.write("config/confidexmon.yml", &settings);
    lab.run(&["up", "--without", "grafana", "--without", "alertmanager"]).expect(0);
    let arrives = |token: &str| {
        let wanted = format!("Bearer {token}");
        eventually(token, Duration::from_secs(20), || seen.lock().unwrap().last() == Some(&wanted));
    };
    arrives("first-token");
    let started = lab.inspect("prometheus")["State"]["StartedAt"].clone();

    lab.set("BACKEND_TOKEN", "second-token");
    let plan = lab.run(&["plan", "--without", "grafana", "--without", "alertmanager"]).expect(0);
    assert!(plan.stdout.contains("secret secrets/target_confidex-backend changed"), "{}", plan.stdout);
    let run = lab.run(&["reload-rules"]).expect(0);
    assert!(run.stdout.contains("1 secret changed"), "{}", run.stdout);
    seen.lock().unwrap().clear();
    eventually("two scrapes", Duration::from_secs(10), || seen.lock().unwrap().len() >= 2);
    assert_eq!(seen.lock().unwrap()[1], "Bearer second-token");

    lab.set("BACKEND_TOKEN", "third-token");
    lab.run(&["up", "--without", "grafana", "--without", "alertmanager"]).expect(0);
    arrives("third-token");
    assert_eq!(lab.inspect("prometheus")["State"]["StartedAt"], started);
    let listed = crate::lab::docker(&["exec", &lab.container("prometheus"), "ls", "/etc/prometheus/secrets"]);
    assert_eq!(String::from_utf8_lossy(&listed.stdout).lines().count(), 1, "the old ones are gone");
}

/// When the container of each service was started.
fn starts(lab: &Lab, services: &[&str]) -> Vec<Value> {
    services.iter().map(|service| lab.inspect(service)["State"]["StartedAt"].clone()).collect()
}

#[test]
fn changed_receivers_and_a_changed_basic_auth_take_effect_at_once_and_restart_nothing() {
    let Some(lab) = Lab::open() else { return };
    let port = free_port();
    let seen = target(port);
    let settings = format!(
        "prometheus: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
         receivers: {{group_wait: 1s, group_interval: 1s, repeat_interval: 1s, pagerduty_url: http://host.docker.internal:{port}/pagerduty}}\n\
         targets:\n  - job: confidex-backend\n    url: http://host.docker.internal:{port}/metrics\n    basic_auth: {{username: someone, password_env: TARGET_PASSWORD}}\n"
    );
    lab.write("config/confidexmon.yml", &settings);
    // What fires before Prometheus has found its Alertmanager is sent again after a minute only.
    lab.write(
        "rules/a.yml",
        "groups:\n  - name: g\n    rules:\n      - {alert: Always, expr: vector(1), for: 8s, labels: {severity: critical}, annotations: {summary: s}}\n",
    );
    let write_env = |version: &str| {
        let url = format!("http://host.docker.internal:{port}");
        let env = format!(
            "TARGET_PASSWORD={version}-password\nSLACK_WEBHOOK_URL={url}/slack-{version}\nALERT_WEBHOOK_URL={url}/hook-{version}\nPAGERDUTY_SERVICE_KEY=key-{version}\n"
        );
        lab.write(".env", &env);
    };
    let arrives = |version: &str| {
        let basic = base64_of(&format!("someone:{version}-password"));
        let wanted = [
            format!("Basic {basic}"),
            format!("/slack-{version} "),
            format!("/hook-{version} "),
            format!("\"key-{version}\""),
        ];
        for words in wanted {
            eventually(&words, Duration::from_secs(40), || {
                seen.lock().unwrap().iter().any(|one| one.contains(&words))
            });
        }
    };
    let services = ["prometheus", "alertmanager"];
    write_env("first");
    lab.run(&["up", "--without", "grafana"]).expect(0);
    arrives("first");
    let before = starts(&lab, &services);

    write_env("second");
    let plan = lab.run(&["plan", "--without", "grafana"]).expect(0).stdout;
    for name in ["target_confidex-backend", "slack_webhook_url", "webhook_url", "pagerduty_service_key"] {
        assert!(plan.contains(&format!("secret secrets/{name} changed")), "{name}\n{plan}");
    }
    assert!(!plan.contains("second") && !plan.contains("first"), "{plan}");
    lab.run(&["up", "--without", "grafana"]).expect(0);
    arrives("second");

    write_env("third");
    lab.run(&["reload", "rules"]).expect(0);
    lab.run(&["reload", "alertmanager"]).expect(0);
    arrives("third");
    seen.lock().unwrap().clear();
    arrives("third");
    let late: Vec<String> = seen
        .lock()
        .unwrap()
        .iter()
        .filter(|one| one.contains("second") || one.contains("first"))
        .cloned()
        .collect();
    assert!(late.is_empty(), "an old secret is still sent: {late:#?}");
    assert_eq!(starts(&lab, &services), before);
}

fn base64_of(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[test]
fn a_changed_redis_password_is_in_force_without_a_restart() {
    let Some(lab) = Lab::open() else { return };
    let only = ["--with", "redis", "--without", "grafana", "--without", "alertmanager"];
    lab.run(&[&["up"], &only[..]].concat()).expect(0);
    let ask = |password: &str, words: &[&str]| {
        let redis = ["exec", &lab.container("redis"), "redis-cli", "-a", password, "--no-auth-warning"];
        String::from_utf8_lossy(&docker(&[&redis[..], words].concat()).stdout).trim().to_owned()
    };
    assert_eq!(ask("redis secret", &["SET", "kept", "yes"]), "OK");
    let before = starts(&lab, &["redis"]);
    let mut lab = lab;
    lab.set("REDIS_PASSWORD", "näxt \"secret\" $1 \\");
    let ask = |password: &str, words: &[&str]| {
        let redis = ["exec", &lab.container("redis"), "redis-cli", "-a", password, "--no-auth-warning"];
        String::from_utf8_lossy(&docker(&[&redis[..], words].concat()).stdout).trim().to_owned()
    };
    let plan = lab.run(&[&["plan"], &only[..]].concat()).expect(0).stdout;
    assert!(plan.contains("secret secrets/password.conf changed") && plan.contains("and reload"), "{plan}");
    lab.run(&[&["up"], &only[..]].concat()).expect(0);
    assert_eq!(starts(&lab, &["redis"]), before);
    assert_eq!(ask("näxt \"secret\" $1 \\", &["GET", "kept"]), "yes");
    assert!(ask("redis secret", &["GET", "kept"]).contains("NOAUTH"), "the old one is refused");
    // It is also what a start reads.
    docker(&["restart", &lab.container("redis")]);
    eventually("redis is back", Duration::from_secs(20), || {
        ask("näxt \"secret\" $1 \\", &["GET", "kept"]) == "yes"
    });
    assert!(lab.run(&[&["plan"], &only[..]].concat()).expect(0).stdout.contains("nothing to do"));
}

/// Status of a request, with the password before the service or without any.
fn status(url: &str, password: Option<&str>) -> u16 {
    confidexmon::net::http::install_crypto();
    crate::lab::runtime().block_on(async {
        let request = reqwest::Client::new().get(url);
        let request = match password {
            Some(password) => request.basic_auth("confidexmon", Some(password)),
            None => request,
        };
        request.timeout(Duration::from_secs(5)).send().await.map_or(0, |answer| answer.status().as_u16())
    })
}

/// Before a changed password is in force, the services are well, and it is the password that is not.
fn a_password_that_is_not_in_force_is_told_from_a_sick_service(lab: &Lab) {
    let status = lab.run(&["--format", "json", "status", "--exit-zero"]).expect(0).json();
    let health = |name: &str| {
        let mut services = status["services"].as_array().unwrap().iter();
        services.find(|one| one["name"] == name).unwrap()["health"].clone()
    };
    assert_eq!((health("prometheus"), health("alertmanager")), ("unknown".into(), "unknown".into()));
    let said = lab.run(&["status"]).stderr;
    let words = "password of the settings is not the one in force";
    assert!(said.contains(words) && said.contains("confidexmon up"), "{said}");
}

#[test]
fn web_auth_comes_changes_and_goes_on_a_running_stack_that_loses_no_scrape_of_itself() {
    let Some(mut lab) = Lab::open() else { return };
    let services = ["prometheus", "grafana", "alertmanager"];
    let settings = |web_auth: bool| {
        format!(
            "prometheus: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\nsecurity: {{web_auth: {web_auth}}}\n"
        )
    };
    lab.write("config/confidexmon.yml", &settings(false));
    lab.run(&["up"]).expect(0);
    let query = lab.url(
        "prometheus",
        "/api/v1/query?query=count(up{job=~%22prometheus%7Calertmanager%7Cgrafana%22}==1)",
    );
    eventually("the stack is scraped", Duration::from_secs(40), || {
        get_json(&query)["data"]["result"][0]["value"][1] == "3"
    });
    std::thread::sleep(Duration::from_secs(2));
    let before = starts(&lab, &services);
    // Both ends of what is asked about are known, so nothing before the first scrape counts.
    let began = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let lost = |password: Option<&str>| -> Vec<String> {
        std::thread::sleep(Duration::from_secs(3));
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let url = lab.url(
            "prometheus",
            &format!(
                "/api/v1/query?query=up{{job=~%22prometheus%7Calertmanager%7Cgrafana%22}}[{}s]",
                now - began
            ),
        );
        confidexmon::net::http::install_crypto();
        let answer: Value = crate::lab::runtime().block_on(async {
            let request = reqwest::Client::new().get(url).basic_auth("confidexmon", password);
            serde_json::from_str(&request.send().await.unwrap().text().await.unwrap()).unwrap()
        });
        let series = answer["data"]["result"].as_array().unwrap().clone();
        assert_eq!(series.len(), 3, "{answer}");
        let mut found = Vec::new();
        for one in series {
            let values = one["values"].as_array().unwrap();
            assert!(values.len() + 3 >= usize::try_from(now - began).unwrap(), "scrapes are missing: {one}");
            found.extend(
                values.iter().filter(|value| value[1] != "1").map(|_| one["metric"]["job"].to_string()),
            );
        }
        found
    };
    let doors = |lab: &Lab, password: Option<&str>| {
        ["/api/v1/rules", "/api/v2/status"]
            .into_iter()
            .zip(["prometheus", "alertmanager"])
            .map(|(path, service)| status(&lab.url(service, path), password))
            .collect::<Vec<_>>()
    };
    let datasource = lab.url("grafana", "/api/datasources/uid/confidex-prometheus/health");
    assert_eq!(doors(&lab, None), [200, 200]);

    lab.write("config/confidexmon.yml", &settings(true));
    lab.write(".env", "WEB_AUTH_PASSWORD=first-door\n");
    let run = lab.run(&["up"]).expect(0);
    assert!(!run.stderr.contains("warning: Grafana does not show"), "{}", run.stderr);
    assert_eq!((doors(&lab, None), doors(&lab, Some("first-door"))), (vec![401, 401], vec![200, 200]));
    assert_eq!(get(&datasource).0, 200);
    assert_eq!(lost(Some("first-door")), Vec::<String>::new());

    lab.write(".env", "WEB_AUTH_PASSWORD=second-door\n");
    let plan = lab.run(&["plan"]).expect(0).stdout;
    assert!(plan.contains("secret alertmanager/web.yml changed") && !plan.contains("-door"), "{plan}");
    a_password_that_is_not_in_force_is_told_from_a_sick_service(&lab);
    let run = lab.run(&["reload"]).expect(0);
    assert!(!run.stderr.contains("Grafana does not show"), "{}", run.stderr);
    assert_eq!(
        (doors(&lab, Some("first-door")), doors(&lab, Some("second-door"))),
        (vec![401, 401], vec![200, 200])
    );
    assert_eq!(get(&datasource).0, 200);
    lab.write(".env", "WEB_AUTH_PASSWORD=third-door\n");
    lab.run(&["up"]).expect(0);
    assert_eq!(doors(&lab, Some("third-door")), [200, 200]);
    assert!(lab.run(&["plan"]).expect(0).stdout.contains("nothing to do"));

    // A changed password may cost a scrape, since there is only one at a time; what comes after must not.
    std::thread::sleep(Duration::from_secs(3));
    let began = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    lab.write("config/confidexmon.yml", &settings(false));
    lab.run(&["up"]).expect(0);
    assert_eq!(doors(&lab, None), [200, 200]);
    assert_eq!(get(&datasource).0, 200);
    std::thread::sleep(Duration::from_secs(3));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let worst = get_json(&lab.url(
        "prometheus",
        &format!("/api/v1/query?query=min(min_over_time(up{{job=~%22prometheus%7Calertmanager%7Cgrafana%22}}[{}s]))", now - began),
    ));
    assert_eq!(worst["data"]["result"][0]["value"][1], "1", "{worst}");
    assert_eq!(starts(&lab, &services), before, "nothing was restarted");
    lab.unset("WEB_AUTH_PASSWORD");
}

/// What the exporter says of Redis, and what Prometheus has scraped.
fn redis_is_seen(lab: &Lab) -> (bool, Vec<String>) {
    let (_, metrics) = get(&lab.url("redis-exporter", "/metrics"));
    let targets = get_json(&lab.url("prometheus", "/api/v1/targets?state=active"));
    let up = targets["data"]["activeTargets"].as_array().into_iter().flatten();
    let up = up.filter(|target| target["health"] == "up").map(|target| target["labels"]["job"].to_string());
    (metrics.lines().any(|line| line == "redis_up 1"), up.collect())
}

#[test]
fn the_exporter_runs_with_redis_and_learns_its_changed_password() {
    let Some(mut lab) = Lab::open() else { return };
    let only = ["--with", "redis"];
    lab.write("config/confidexmon.yml", "prometheus: {scrape_interval: 1s, scrape_timeout: 1s}\n");
    lab.run(&[&["up"], &only[..]].concat()).expect(0);
    assert!(redis_is_seen(&lab).0);
    eventually("Prometheus scrapes the exporter", Duration::from_secs(20), || {
        redis_is_seen(&lab).1.contains(&"\"redis-exporter\"".to_owned())
    });
    let rules = lab.loaded_rules();
    for alert in ["RedisDown", "RedisMemoryNearLimit", "RedisRejectsConnections"] {
        assert!(rules.iter().any(|rule| rule == alert), "{alert} is not loaded");
    }

    let before = starts(&lab, &["redis", "redis-exporter"]);
    lab.set("REDIS_PASSWORD", "näxt \"secret\" $1 \\");
    lab.run(&[&["up"], &only[..]].concat()).expect(0);
    assert_eq!(starts(&lab, &["redis", "redis-exporter"]), before);
    assert!(redis_is_seen(&lab).0, "the exporter signs in with the changed password");
    lab.set("REDIS_PASSWORD", "a third one");
    lab.run(&["reload"]).expect(0);
    assert_eq!(starts(&lab, &["redis", "redis-exporter"]), before);
    assert!(redis_is_seen(&lab).0);

    // The setting takes its target and its rules away, and `--without` the container; Redis stays.
    let settings = "prometheus: {scrape_interval: 1s, scrape_timeout: 1s}\nredis: {exporter: false}\n";
    lab.write("config/confidexmon.yml", settings);
    let noted = lab.run(&[&["plan"], &only[..]].concat()).expect(0).stdout;
    assert!(noted.contains("--without redis-exporter` removes it"), "{noted}");
    lab.run(&["up", "--with", "redis", "--without", "redis-exporter"]).expect(0);
    assert!(!lab.containers().contains_key(&lab.container("redis-exporter")));
    assert!(lab.containers().contains_key(&lab.container("redis")));
    assert!(!lab.loaded_rules().iter().any(|rule| rule.starts_with("Redis")));
    let is_target =
        || get(&lab.url("prometheus", "/api/v1/targets?state=active")).1.contains("redis-exporter");
    eventually("the target is gone", Duration::from_secs(20), || !is_target());
    // Without Redis there is nothing for it to watch.
    lab.run(&["up", "--with", "redis", "--with", "redis-exporter"]).expect(0);
    eventually("the target is back", Duration::from_secs(20), is_target);
    lab.run(&["up", "--without", "redis"]).expect(0);
    assert_eq!(lab.containers().len(), 3, "{:?}", lab.containers());
}

#[test]
fn an_exporter_is_on_loopback_and_refused_without_its_redis() {
    let Some(mut lab) = Lab::open() else { return };
    let refused = lab.run(&["plan", "--with", "redis-exporter"]);
    assert!(refused.code != 0 && refused.stderr.contains("needs a Redis"), "{}", refused.stderr);
    lab.set("CONFIDEXMON_BIND", "0.0.0.0");
    lab.set("WEB_AUTH_PASSWORD", "some-password");
    lab.write("config/confidexmon.yml", "security: {web_auth: true}\n");
    lab.run(&["up", "--with", "redis", "--without", "grafana", "--without", "alertmanager"]).expect(0);
    let bound = |service: &str, port: &str| {
        lab.inspect(service)["NetworkSettings"]["Ports"][port][0]["HostIp"].as_str().unwrap().to_owned()
    };
    assert_eq!(bound("redis", "6379/tcp"), "0.0.0.0");
    assert_eq!(bound("redis-exporter", "9121/tcp"), "127.0.0.1");
}
