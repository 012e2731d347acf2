//! Healthy means that it works: targets, alerts, drift and who is told, as the running services say them.

use std::time::Duration;

use serde_json::Value;

use crate::lab::{Lab, docker, eventually, free_port};

/// A backend that nobody listens for, and fast scrapes and evaluations.
fn settings(port: u16) -> String {
    format!(
        "prometheus: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
         targets:\n  - job: api\n    url: http://host.docker.internal:{port}/metrics\n"
    )
}

const RULES: &str = "groups:\n  - name: g\n    rules:\n      - alert: ApiDown\n        expr: up{job=\"api\"} == 0\n        \
     labels: {severity: critical}\n        annotations: {summary: The API is down}\n";

const UP: [&str; 3] = ["up", "--without", "grafana"];

#[test]
fn a_target_that_is_refused_is_said_by_up_with_prometheus_own_words() {
    let Some(mut lab) = Lab::open() else { return };
    lab.unset("CONFIDEXMON_NO_WAIT_TARGETS");
    lab.write("config/confidexmon.yml", &settings(free_port()));
    let run = lab.run(&[&UP[..], &["--format", "json"]].concat()).expect(0);
    assert!(
        run.stderr.contains("the target `api` is down") && run.stderr.contains("refused"),
        "{}",
        run.stderr
    );
    let targets = run.json()["targets"].as_array().unwrap().clone();
    let health = |job: &str| targets.iter().find(|target| target["job"] == job).unwrap()["health"].clone();
    assert_eq!((health("api"), health("prometheus")), ("down".into(), "up".into()), "{targets:#?}");
    // Known already, so nothing is waited for, and it is said again.
    let run = lab.run(&UP).expect(0);
    assert!(
        run.stderr.contains("the target `api` is down")
            && run.stderr.contains("of 3 up")
            && run.stderr.contains("not every target is"),
        "{}",
        run.stderr
    );
}

#[test]
fn status_tells_what_fires_who_is_told_and_what_is_not_in_force() {
    let Some(mut lab) = Lab::open() else { return };
    lab.write("config/confidexmon.yml", &settings(free_port()));
    lab.write("rules/api.yml", RULES);
    lab.run(&UP).expect(0);
    let status = |lab: &Lab| lab.run(&["status", "--exit-zero", "--format", "json"]).expect(0).json();
    let api_down = |status: &Value| {
        let alerts = status["alerts"].as_array().cloned().unwrap_or_default();
        alerts.into_iter().find(|alert| alert["name"] == "ApiDown")
    };
    eventually("Alertmanager holds it", Duration::from_secs(40), || {
        api_down(&status(&lab)).is_some_and(|alert| alert["delivery"] == "active")
    });
    let alert = api_down(&status(&lab)).unwrap();
    assert_eq!((&alert["severity"], &alert["state"]), (&"critical".into(), &"firing".into()));
    let text = lab.run(&["status", "--exit-zero"]).expect(0).stdout;
    assert!(text.contains("1 alert fires (1 critical)") && text.contains("nobody: no receiver"), "{text}");
    let listed = lab.run(&["alerts"]).expect(0).stdout;
    assert!(listed.contains("critical  ApiDown") && listed.contains("The API is down"), "{listed}");
    // A silence made elsewhere, and a rule that was edited and not reloaded.
    let silence =
        ["exec", &lab.container("alertmanager"), "amtool", "--alertmanager.url=http://localhost:9093"];
    let words = ["silence", "add", "alertname=ApiDown", "-c", "maintenance", "-a", "test"];
    assert!(docker(&[&silence[..], &words].concat()).status.success());
    lab.write("rules/api.yml", &RULES.replace("== 0", "< 1"));
    lab.set("SLACK_WEBHOOK_URL", "http://127.0.0.1:9/slack");
    let now = status(&lab);
    assert_eq!(api_down(&now).unwrap()["delivery"], "silenced");
    assert_eq!(now["notifies"], serde_json::json!(["Slack"]));
    assert!(now["drift"].to_string().contains("rules/api.yml changed"), "{}", now["drift"]);
    // A Prometheus that hangs costs a few seconds, and the rest is still said.
    docker(&["pause", &lab.container("prometheus")]);
    let began = std::time::Instant::now();
    let hung = lab.run(&["status", "--format", "json"]).expect(4).json();
    docker(&["unpause", &lab.container("prometheus")]);
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
    assert_eq!((hung["targets"].clone(), hung["services"].as_array().unwrap().len()), (Value::Null, 3));
}

const MUTING: &str = "route:\n  receiver: team\n  group_wait: 1s\n  routes:\n    - receiver: team\n      matchers: ['alertname=\"ApiDown\"']\n      \
     mute_time_intervals: [always]\nreceivers:\n  - name: team\ntime_intervals:\n  - name: always\n    time_intervals:\n      \
     - times: [{start_time: '00:00', end_time: '24:00'}]\n";

/// Alertmanager's plain list of alerts does not tell that a time interval mutes one.
#[test]
fn an_alert_that_a_time_interval_mutes_is_not_said_to_be_sent() {
    let Some(lab) = Lab::open() else { return };
    lab.write("config/confidexmon.yml", &settings(free_port()));
    lab.write("config/templates/alertmanager.yml", MUTING);
    lab.write("rules/api.yml", RULES);
    lab.run(&UP).expect(0);
    let mut last = Value::Null;
    eventually("it is muted", Duration::from_secs(40), || {
        last = lab.run(&["alerts", "--format", "json"]).expect(0).json();
        let alerts = last["alerts"].as_array().cloned().unwrap_or_default();
        alerts.iter().any(|alert| alert["name"] == "ApiDown" && alert["delivery"] == "muted")
    });
    assert!(lab.run(&["alerts"]).expect(0).stdout.contains("muted by a time interval"), "{last:#}");
}
