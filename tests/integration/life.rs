//! The life of a stack on a real engine: up, nothing to do, status, restart, logs, down.

use std::io::{BufRead, BufReader};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::lab::{Lab, docker, eventually, get, get_json};
use crate::proxy::Proxy;

#[test]
fn a_stack_comes_up_serves_and_goes_leaving_its_data() {
    let Some(lab) = Lab::open() else { return };
    lab.run(&["up", "--with", "redis"]).expect(0);

    assert_eq!(get(&lab.url("prometheus", "/-/ready")).0, 200);
    assert_eq!(get(&lab.url("alertmanager", "/-/ready")).0, 200);
    assert_eq!(get(&lab.url("grafana", "/api/health")).0, 200);
    let rules = lab.loaded_rules();
    for alert in
        ["CrankWalletLowBalance", "CrankServiceDown", "APIHighErrorRate", "ConfidexBackendDown", "Watchdog"]
    {
        assert!(rules.iter().any(|rule| rule == alert), "{alert} is not loaded");
    }
    let overview = lab.url("grafana", "/api/dashboards/uid/confidex-overview");
    eventually("the overview is provisioned", Duration::from_secs(20), || get(&overview).0 == 200);
    let dashboard = get_json(&overview);
    assert_eq!(dashboard["meta"]["provisioned"], true);
    let health = get_json(&lab.url("grafana", "/api/datasources/uid/confidex-prometheus/health"));
    assert_eq!(health["status"], "OK");

    let status = lab.run(&["status", "--format", "json"]).expect(0).json();
    assert_eq!(status["stack"], lab.stack.as_str());
    assert_eq!(status["drift"], serde_json::json!([]), "{status:#}");
    assert_eq!(status["notifies"], serde_json::json!([]));
    assert_eq!(status["last_reload"]["successful"], true);
    let services = status["services"].as_array().unwrap();
    assert_eq!(services.len(), 5);
    for service in services {
        assert_eq!(service["state"], "running", "{service}");
        assert_eq!(service["health"], "healthy", "{service}");
        for field in ["name", "image", "url", "restarts", "started_at"] {
            assert!(service.get(field).is_some_and(|value| !value.is_null()), "{field} of {service}");
        }
    }

    let shown = lab.run(&["down", "--dry-run"]).expect(0).stdout;
    assert_eq!(lab.containers().len(), 5, "a dry run removes nothing");
    for line in [
        "- stop and remove {}-redis",
        "- remove network {}-monitoring",
        "note: the volume {}-grafana-data stays",
    ] {
        assert!(shown.contains(&line.replace("{}", &lab.stack)), "{line} in\n{shown}");
    }
    lab.run(&["down"]).expect(0);
    assert!(lab.containers().is_empty());
    assert!(lab.networks().is_empty());
    assert_eq!(lab.volumes().len(), 9, "data and config volumes stay; the exporter has no data");
    lab.run(&["up", "--without", "grafana"]).expect(0);
    assert_eq!(lab.containers().len(), 2);
    lab.run(&["down", "--volumes"]).expect(0);
    assert!(lab.volumes().is_empty());
    assert!(lab.run(&["down"]).expect(0).stderr.contains("nothing to do"));
    // For scripts: what is not there is not healthy.
    assert!(lab.run(&["status"]).expect(4).stdout.contains("absent"));
    lab.run(&["status", "--exit-zero"]).expect(0);
}

#[test]
fn no_secret_is_visible_and_only_loopback_is_published() {
    let Some(mut lab) = Lab::open() else { return };
    let secrets = ["sl4ck-canary", "p4ger-canary", "r3dis-canary", "gr4fana-canary", "t0ken-canary"];
    lab.set("SLACK_WEBHOOK_URL", "https://hooks.example.com/services/sl4ck-canary");
    lab.set("PAGERDUTY_SERVICE_KEY", "p4ger-canary");
    lab.set("REDIS_PASSWORD", "r3dis-canary");
    lab.set("GRAFANA_ADMIN_PASSWORD", "gr4fana-canary");
    lab.set("BACKEND_TOKEN", "t0ken-canary");
    lab.write(
        "config/confidexmon.yml",
        "targets:\n  - job: confidex-backend\n    url: https://backend.example.com/metrics\n    bearer_token_env: BACKEND_TOKEN\n",
    );
    let up = lab.run(&["-vv", "up", "--with", "redis"]).expect(0);
    let mut seen = format!("{}{}", up.stdout, up.stderr);
    for service in crate::lab::SERVICES {
        let inspected = lab.inspect(service);
        for (port, bindings) in inspected["NetworkSettings"]["Ports"].as_object().unwrap() {
            for binding in bindings.as_array().into_iter().flatten() {
                assert_eq!(binding["HostIp"], "127.0.0.1", "{port}");
            }
        }
        let host = &inspected["HostConfig"];
        assert_eq!(host["RestartPolicy"]["Name"], "always");
        assert_eq!(host["ReadonlyRootfs"], true);
        assert_eq!(host["CapDrop"][0], "ALL");
        assert_eq!(host["LogConfig"]["Config"]["max-size"], "10m");
        seen.push_str(&inspected.to_string());
        seen.push_str(&String::from_utf8_lossy(&docker(&["logs", &lab.container(service)]).stdout));
        seen.push_str(&String::from_utf8_lossy(
            &docker(&["top", &lab.container(service), "-o", "pid,args"]).stdout,
        ));
    }
    for command in [
        ["status", "--format=json", "--exit-zero"],
        ["plan", "--format", "json"],
        ["-q", "render", "--output=out"],
    ] {
        let run = lab.run(&command).expect(0);
        seen.push_str(&run.stdout);
        seen.push_str(&run.stderr);
    }
    for file in walk(&lab.folder.path().join("out")) {
        seen.push_str(&std::fs::read_to_string(file).unwrap());
    }
    for secret in secrets {
        assert!(!seen.contains(secret), "{secret} is visible");
    }
    // They did arrive where they belong, as 0400 files of the service's user.
    let found = docker(&[
        "exec",
        &lab.container("alertmanager"),
        "sh",
        "-c",
        "ls -ln /etc/alertmanager/secrets/slack_webhook_url*",
    ]);
    let line = String::from_utf8_lossy(&found.stdout).into_owned();
    assert!(line.starts_with("-r--------") && line.contains("65534"), "{line}");
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() { files.extend(walk(&entry.path())) } else { files.push(entry.path()) }
    }
    files
}

#[test]
fn a_cold_up_takes_at_most_19_engine_calls_and_one_with_nothing_to_do_takes_2() {
    let Some(lab) = Lab::open() else { return };
    let proxy = Proxy::start();
    let host = proxy.host();
    let four = ["--host", &host, "up", "--with", "redis", "--without", "redis-exporter"];
    lab.run(&four).expect(0);
    let calls = proxy.take_calls();
    // A slow start is looked after by asking the engine; that is not part of the work.
    let work: Vec<&String> = calls
        .iter()
        .filter(|call| {
            !call.contains("/json?") && !call.ends_with("/json") || call.contains("/containers/json")
        })
        .collect();
    // One of them asks whose the data volumes are: where no container is left, nothing else tells.
    let asks = work.iter().filter(|call| call.starts_with("GET ") && call.contains("/volumes")).count();
    assert_eq!(asks, 1, "{work:#?}");
    // Three of them give Grafana's new volume its key.
    assert!(work.len() <= 19, "{work:#?}");
    let before = lab.containers();
    lab.run(&four).expect(0);
    let calls = proxy.take_calls();
    assert!(calls.len() <= 2, "{calls:#?}");
    assert!(calls.iter().all(|call| call.starts_with("GET ")), "{calls:#?}");
    assert_eq!(lab.containers(), before);
    // With files to write the tools of their service would be asked about them, in a container of their own.
    let plan = ["--host", &host, "plan", "--with", "redis", "--without", "redis-exporter"];
    lab.run(&plan).expect(0);
    assert!(proxy.take_calls().iter().all(|call| call.starts_with("GET ")));
    // Volumes that stay are not asked for.
    lab.run(&["--host", &host, "down"]).expect(0);
    assert!(!proxy.take_calls().iter().any(|call| call.starts_with("GET ") && call.contains("/volumes")));
}

#[test]
fn plan_changes_nothing_and_says_why() {
    let Some(lab) = Lab::open() else { return };
    let plan = lab.run(&["plan"]).expect(0);
    assert!(
        plan.stdout.contains(&format!("+ create {}: not there", lab.container("prometheus"))),
        "{}",
        plan.stdout
    );
    assert!(lab.containers().is_empty() && lab.networks().is_empty() && lab.volumes().is_empty());
    let json = lab.run(&["up", "--dry-run", "--format", "json"]).expect(0).json();
    assert_eq!(json["changes"], true);
    assert!(lab.containers().is_empty());
}

#[test]
fn only_what_changed_is_touched() {
    let Some(mut lab) = Lab::open() else { return };
    lab.run(&["up"]).expect(0);
    let before = lab.containers();
    lab.set("CONFIDEXMON_LOG_LEVEL", "warn");
    let plan = lab.run(&["plan"]).expect(0).stdout;
    assert!(plan.contains("--log.level=warn"), "the cause names the field: {plan}");
    lab.run(&["up"]).expect(0);
    let after = lab.containers();
    assert!(before.iter().all(|(name, id)| after[name] != *id), "every service's log level changed");

    lab.write("config/confidexmon.yml", "resources:\n  alertmanager:\n    memory: 300MiB\n");
    lab.run(&["up"]).expect(0);
    let last = lab.containers();
    let changed: Vec<&String> =
        after.iter().filter(|(name, id)| last[*name] != **id).map(|(name, _)| name).collect();
    assert_eq!(changed, [&lab.container("alertmanager")]);
    assert_eq!(lab.inspect("alertmanager")["HostConfig"]["Memory"], 300 << 20);
}

#[test]
fn logs_are_merged_in_time_order_and_followed_across_a_recreation() {
    let Some(lab) = Lab::open() else { return };
    lab.run(&["up", "--without", "grafana"]).expect(0);
    let logs = lab.run(&["logs", "--format", "json"]).expect(0).stdout;
    let times: Vec<String> = logs
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["time"].as_str().unwrap().to_owned()
        })
        .collect();
    assert!(times.len() > 5 && times.is_sorted(), "{times:?}");

    let mut follow = lab.command(&["logs", "-f", "--format", "json", "alertmanager"]);
    let mut child =
        follow.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let seen = Arc::new(Mutex::new(String::new()));
    let (pipe, sink) = (child.stdout.take().unwrap(), seen.clone());
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            sink.lock().unwrap().push_str(&format!("{line}\n"));
        }
    });
    // What a removed container wrote is gone with it, so each of its lives is seen before the next.
    let follow_start = |number: usize| {
        eventually(&format!("start number {number} is followed"), Duration::from_secs(30), || {
            seen.lock().unwrap().matches("TLS is disabled").count() == number
        });
    };
    follow_start(1);
    docker(&["restart", &lab.container("alertmanager")]);
    follow_start(2);
    docker(&["rm", "-f", "-v", &lab.container("alertmanager")]);
    lab.run(&["up", "--without", "grafana"]).expect(0);
    follow_start(3);
    let newest = || {
        let newest = docker(&["logs", "--tail", "1", &lab.container("alertmanager")]);
        let text = String::from_utf8_lossy(&[newest.stdout, newest.stderr].concat()).trim().to_owned();
        serde_json::to_string(&text).unwrap().trim_matches('"').to_owned()
    };
    eventually("the newest line is followed", Duration::from_secs(10), || {
        seen.lock().unwrap().lines().last().unwrap().contains(&newest())
    });
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap();
    let text = seen.lock().unwrap().clone();
    let lines: Vec<&str> = text.lines().collect();
    let mut unique = lines.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), lines.len(), "a line was repeated");
    let starts = lines.iter().filter(|line| line.contains("Starting Alertmanager")).count();
    assert_eq!(starts, 3, "first start, restart, recreation:\n{text}");
}

#[test]
fn restart_restarts_the_named_service_only() {
    let Some(lab) = Lab::open() else { return };
    lab.run(&["up"]).expect(0);
    let started = |service: &str| lab.inspect(service)["State"]["StartedAt"].clone();
    let (prometheus, grafana) = (started("prometheus"), started("grafana"));
    lab.run(&["restart", "grafana"]).expect(0);
    assert_eq!(started("prometheus"), prometheus);
    assert_ne!(started("grafana"), grafana);
    assert_eq!(get(&lab.url("grafana", "/api/health")).0, 200);
}

#[test]
fn a_stopped_container_is_started_again_and_a_removed_network_comes_back() {
    let Some(lab) = Lab::open() else { return };
    lab.run(&["up", "--without", "grafana"]).expect(0);
    docker(&["stop", &lab.container("alertmanager")]);
    lab.run(&["up", "--without", "grafana"]).expect(0);
    assert_eq!(get(&lab.url("alertmanager", "/-/ready")).0, 200);
    for service in ["prometheus", "alertmanager"] {
        docker(&["stop", &lab.container(service)]);
        docker(&[
            "network",
            "disconnect",
            "-f",
            &format!("{}-monitoring", lab.stack),
            &lab.container(service),
        ]);
    }
    docker(&["network", "rm", &format!("{}-monitoring", lab.stack)]);
    lab.run(&["up", "--without", "grafana"]).expect(0);
    assert_eq!(get(&lab.url("prometheus", "/-/ready")).0, 200);
    assert_eq!(lab.networks().len(), 1);
}

#[test]
fn logs_of_what_is_not_there_say_so() {
    let Some(lab) = Lab::open() else { return };
    let run = lab.run(&["logs"]).expect(0);
    assert!(
        run.stderr.contains("has no containers") && run.stderr.contains("confidexmon up"),
        "{}",
        run.stderr
    );
    lab.run(&["up", "--without", "grafana"]).expect(0);
    assert_eq!(lab.run(&["logs", "--tail", "1"]).expect(0).stderr, "");
    let run = lab.run(&["logs", "grafana", "--format", "json"]).expect(0);
    assert!(
        run.stderr.contains(r#"{"event":"warning","text":"there is no container of grafana"#),
        "{}",
        run.stderr
    );
}
