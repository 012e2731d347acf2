//! Healthy means that it works: targets, alerts, drift and who is told, as the running services say them.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use crate::faulty::{Answer, Faulty};
use crate::lab::{Lab, Run, docker, eventually, free_port, get_json};

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
    // Prometheus shows the targets from before a reload for seconds: those are not meant.
    let port = free_port();
    let _backend = Faulty::start(port, Answer::Metrics);
    lab.write("config/confidexmon.yml", &settings(port));
    let url = format!(":{port}/metrics");
    let api = |run: &Run| -> Vec<(String, String)> {
        let targets = run.json()["targets"].as_array().unwrap().clone();
        let api = targets.into_iter().filter(|target| target["job"] == "api");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        api.map(|target| (text(&target["url"]), text(&target["health"]))).collect()
    };
    let shown = api(&lab.run(&[&UP[..], &["--format", "json"]].concat()).expect(0));
    assert!(
        matches!(shown.as_slice(), [(there, health)] if there.ends_with(&url) && health == "up"),
        "{shown:?}"
    );
    // And without waiting the new one is not said to be anything.
    lab.write("config/confidexmon.yml", &settings(free_port()));
    let run = lab.run(&[&UP[..], &["--format", "json", "--no-wait-targets"]].concat()).expect(0);
    let shown = api(&run);
    assert!(
        matches!(shown.as_slice(), [(there, health)] if !there.ends_with(&url) && health == "unknown"),
        "{shown:?}"
    );
}

#[test]
fn ctrl_c_while_the_first_scrapes_are_awaited_is_no_success() {
    let Some(mut lab) = Lab::open() else { return };
    lab.unset("CONFIDEXMON_NO_WAIT_TARGETS");
    lab.write("config/confidexmon.yml", &settings(free_port()));
    let mut up = lab.command(&UP).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let lines = BufReader::new(up.stderr.take().unwrap()).lines().map_while(Result::ok);
    let mut ready = lines.filter(|line| line.contains(" ready"));
    assert!(ready.next().is_some() && ready.next().is_some());
    let pid = up.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(up.wait().unwrap().code(), Some(130));
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

#[test]
fn status_tells_what_is_young_what_is_down_and_where_it_really_is() {
    let Some(mut lab) = Lab::open() else { return };
    lab.run(&["up", "--without", "grafana", "--without", "alertmanager"]).expect(0);
    let name = lab.container("prometheus");
    let prometheus = |lab: &Lab| {
        let status = lab.run(&["status", "--format", "json", "--exit-zero"]).expect(0).json();
        let services = status["services"].as_array().unwrap();
        services.iter().find(|service| service["name"] == "prometheus").cloned().unwrap()
    };
    // Other settings do not move a container.
    let real = lab.ports["prometheus"];
    lab.set("CONFIDEXMON_PORT_PROMETHEUS", "1");
    assert_eq!(prometheus(&lab)["url"], format!("http://localhost:{real}"));
    lab.set("CONFIDEXMON_PORT_PROMETHEUS", &real.to_string());

    assert!(docker(&["stop", &name]).status.success());
    let stopped = prometheus(&lab);
    assert_eq!(stopped["health"], "stopped");
    let finished = docker(&["inspect", "--format", "{{.State.FinishedAt}}", &name]);
    assert_eq!(stopped["stopped_at"], String::from_utf8_lossy(&finished.stdout).trim());
    let text = lab.run(&["status"]).expect(4).stdout;
    assert!(text.contains("down "), "{text}");

    // Started just now and silent: on its way.
    assert!(docker(&["start", &name]).status.success());
    assert!(docker(&["exec", &name, "sh", "-c", "kill -STOP -1"]).status.success());
    let young = prometheus(&lab);
    assert_eq!((&young["state"], &young["health"]), (&json!("running"), &json!("starting")), "{young}");
    assert_eq!(young["stopped_at"], Value::Null);
    assert!(docker(&["exec", &name, "sh", "-c", "kill -CONT -1"]).status.success());
}

#[test]
fn an_alert_is_silenced_by_its_name_and_told_of_again() {
    let Some(lab) = Lab::open() else { return };
    lab.write("config/confidexmon.yml", &settings(free_port()));
    lab.write("rules/api.yml", RULES);
    lab.run(&UP).expect(0);
    let held =
        |lab: &Lab| get_json(&lab.url("alertmanager", "/api/v2/alerts?filter=alertname%3D%22ApiDown%22"));
    eventually("Alertmanager holds it", Duration::from_secs(40), || {
        held(&lab).as_array().is_some_and(|alerts| alerts.len() == 1)
    });
    let slip = lab.run(&["silence", "ApiDwn", "--why", "x"]).expect(2);
    assert!(slip.stderr.contains("did you mean `ApiDown`?"), "{}", slip.stderr);
    assert_eq!(get_json(&lab.url("alertmanager", "/api/v2/silences")), json!([]));
    lab.run(&["silence", "ApiDown", "--for", "2h"]).expect(2);

    let arguments = ["silence", "ApiDown", "job=api", "--for", "2h", "--why", "we move it", "--by", "ada"];
    let made = lab.run(&arguments).expect(0);
    assert!(made.stderr.contains("1 alert that fires is silenced"), "{}", made.stderr);
    let silences = get_json(&lab.url("alertmanager", "/api/v2/silences"));
    let silence = &silences[0];
    assert_eq!((&silence["comment"], &silence["createdBy"]), (&json!("we move it"), &json!("ada")));
    let time = |name: &str| silence[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    // Alertmanager moves the start to the moment at which it heard of it.
    assert!((7190..=7200).contains(&(time("endsAt") - time("startsAt")).get_seconds()), "{silence}");
    eventually("it is suppressed", Duration::from_secs(20), || {
        held(&lab)[0]["status"]["silencedBy"][0] == silence["id"]
    });

    let listed = lab.run(&["silences"]).expect(0).stdout;
    assert!(
        listed.contains("alertname=\"ApiDown\", job=\"api\"") && listed.contains("we move it"),
        "{listed}"
    );
    lab.run(&["silences", "--end", "NoSuchAlert"]).expect(2);
    lab.run(&["silences", "--end", "ApiDown"]).expect(0);
    let after = get_json(&lab.url("alertmanager", "/api/v2/silences"));
    assert_eq!(after[0]["status"]["state"], "expired", "{after}");
    assert_eq!(lab.run(&["silences", "--format", "json"]).expect(0).json(), json!({"silences": []}));
}
