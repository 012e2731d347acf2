//! A changed secret is in force without a restart: checked by what the other end receives.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::lab::{Lab, eventually, free_port};

/// A target that keeps what it is sent in `Authorization`.
fn target(port: u16) -> Arc<Mutex<Vec<String>>> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (kept, listener) = (seen.clone(), TcpListener::bind(("0.0.0.0", port)).unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut buffer = [0; 8192];
            let length = stream.read(&mut buffer).unwrap_or(0);
            let request = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let header = request.lines().find_map(|line| line.strip_prefix("Authorization: "));
            kept.lock().unwrap().extend(header.map(str::to_owned));
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
