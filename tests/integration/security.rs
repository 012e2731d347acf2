//! Basic auth before Prometheus and Alertmanager, and a Prometheus whose lifecycle API is off.

use std::time::Duration;

use crate::lab::{Lab, docker, get, runtime};

/// Status of a request with these credentials.
fn with_password(url: &str, password: &str, method: reqwest::Method) -> u16 {
    runtime().block_on(async {
        let request = reqwest::Client::new().request(method, url).basic_auth("confidexmon", Some(password));
        request.timeout(Duration::from_secs(5)).send().await.map_or(0, |answer| answer.status().as_u16())
    })
}

fn add_rule(lab: &Lab, name: &str) {
    let rule =
        format!("groups:\n  - name: g\n    rules:\n      - alert: {name}\n        expr: vector(1) > 2\n");
    lab.write("rules/a.yml", &rule);
}

#[test]
fn web_auth_closes_prometheus_and_alertmanager_and_the_stack_still_works() {
    let Some(mut lab) = Lab::open() else { return };
    lab.set("WEB_AUTH_PASSWORD", "web \"canary\" $1");
    lab.write("config/confidexmon.yml", "security:\n  web_auth: true\n");
    add_rule(&lab, "First");
    lab.run(&["up"]).expect(0);
    confidexmon::net::http::install_crypto();
    for (service, path) in [("prometheus", "/api/v1/rules"), ("alertmanager", "/api/v2/status")] {
        let url = lab.url(service, path);
        let status = |password: &str| with_password(&url, password, reqwest::Method::GET);
        assert_eq!((status("guess"), status("web \"canary\" $1")), (401, 200), "{service}");
    }
    let health = lab.url("grafana", "/api/datasources/uid/confidex-prometheus/health");
    assert_eq!(get(&health).0, 200, "{}", get(&health).1);
    // Prometheus scrapes itself and Alertmanager, and sends alerts there, through the same door.
    add_rule(&lab, "Second");
    let run = lab.run(&["reload-rules"]).expect(0);
    assert!(run.stdout.contains("+ Second"), "{}", run.stdout);
    assert!(lab.run(&["plan"]).expect(0).stdout.contains("nothing to do"));
    for service in ["prometheus", "alertmanager", "grafana"] {
        let text = docker(&["inspect", &lab.container(service)]).stdout;
        assert!(!String::from_utf8_lossy(&text).contains("canary"), "{service}");
    }
}

#[test]
fn without_the_lifecycle_api_a_reload_goes_by_signal() {
    let Some(lab) = Lab::open() else { return };
    lab.write("config/confidexmon.yml", "security:\n  lifecycle_api: false\n");
    add_rule(&lab, "First");
    lab.run(&["up", "--without", "grafana"]).expect(0);
    confidexmon::net::http::install_crypto();
    assert_eq!(with_password(&lab.url("prometheus", "/-/reload"), "", reqwest::Method::POST), 403);
    add_rule(&lab, "Second");
    lab.run(&["reload-rules"]).expect(0);
    assert_eq!(lab.loaded_rules(), ["Second"]);
    let policy = lab.inspect("prometheus")["HostConfig"]["RestartPolicy"]["Name"].clone();
    assert_eq!(policy, "always");
}
