//! What Grafana shows is proved, and its password is no trap. Grafana is a test double where no registry
//! offers the official image.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::lab::{Lab, docker, get, get_json};

/// What `/api/user` answers to a password.
fn sign_in(lab: &Lab, password: &str) -> String {
    let arguments = ["-s", "-u", &format!("admin:{password}"), &lab.url("grafana", "/api/user")];
    let output = Command::new("curl").args(arguments).stdin(Stdio::null()).output().unwrap();
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    answer["login"].as_str().or(answer["message"].as_str()).unwrap_or_default().to_owned()
}

fn grafana_log(lab: &Lab) -> String {
    let output = docker(&["logs", &lab.container("grafana")]);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// One Grafana alone with Prometheus is enough for most of this.
const GRAFANA: [&str; 3] = ["up", "--without", "alertmanager"];

#[test]
fn a_stack_that_is_whole_shows_every_page_and_logs_no_error() {
    let Some(lab) = Lab::open() else { return };
    let run = lab.run(&["up"]).expect(0);
    assert!(run.stderr.contains("the stack is up and healthy"), "{}", run.stderr);
    // No waiting here: `up` did it.
    let long = confidexmon::render::runbook::uid("AlertmanagerNotificationRequestsFailing");
    for uid in ["confidex-overview", "confidexmon-stack", "runbook-targetdown", &long] {
        let page = get(&lab.url("grafana", &format!("/api/dashboards/uid/{uid}")));
        assert_eq!(page.0, 200, "{uid}: {}", page.1);
        let folder = if uid.starts_with("runbook") { "confidexmon-runbooks" } else { "confidexmon" };
        assert!(page.1.contains(&format!("\"folderUid\": \"{folder}\"")), "{}", page.1);
    }
    let home = get_json(&lab.url("grafana", "/api/dashboards/home"));
    assert_eq!(home["dashboard"]["uid"], "confidex-overview");
    assert_eq!(get(&lab.url("grafana", "/alerting/list")).0, 200);
    let said = grafana_log(&lab);
    let errors: Vec<&str> = said.lines().filter(|line| line.contains("level=error")).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let limits = lab.inspect("grafana")["HostConfig"].clone();
    assert_eq!((limits["Memory"].as_i64(), limits["PidsLimit"].as_i64()), (Some(1 << 30), Some(1024)));
}

/// What was proved of a container and its files is not asked again.
#[test]
fn an_up_with_nothing_to_do_asks_grafana_only_whether_it_answers() {
    let Some(lab) = Lab::open() else { return };
    lab.copy("dashboards");
    // What Grafana has sent, in bytes: the proof of all pages is many times an answer about its health.
    let sent = || {
        let path = "/sys/class/net/eth0/statistics/tx_bytes";
        let output = docker(&["exec", &lab.container("grafana"), "cat", path]);
        String::from_utf8_lossy(&output.stdout).trim().parse::<u64>().unwrap()
    };
    lab.run(&GRAFANA).expect(0);
    let proof = sent();
    lab.run(&GRAFANA).expect(0);
    let asked = sent() - proof;
    assert!(asked * 4 < proof, "{proof} bytes for the proof, {asked} for an `up` with nothing to do");
}

#[test]
fn a_page_that_grafana_refuses_is_named_with_its_words() {
    let Some(lab) = Lab::open() else { return };
    lab.copy("dashboards");
    let long = "x".repeat(41);
    lab.write("dashboards/long.json", &format!(r#"{{"uid": "{long}", "title": "Long"}}"#));
    lab.write("dashboards/twin.json", r#"{"uid": "confidexmon-stack", "title": "Twin"}"#);
    let run = lab.run(&GRAFANA).expect(0);
    let said = |words: &str| assert!(run.stderr.contains(words), "{words}\n{}", run.stderr);
    said("Grafana does not show dashboards/long.json: uid too long, max 40 characters");
    said(
        "Grafana does not show dashboards/twin.json: the same UID is used more than once: confidexmon-stack",
    );
    said("the stack is up, but Grafana does not show everything");
    let again = lab.run(&GRAFANA).expect(0);
    assert!(again.stderr.contains("uid too long, max 40 characters"), "{}", again.stderr);
}

#[test]
fn a_datasource_that_fails_is_a_warning() {
    let Some(lab) = Lab::open() else { return };
    lab.run(&GRAFANA).expect(0);
    docker(&["network", "disconnect", &lab.networks()[0], &lab.container("prometheus")]);
    let run = lab.run(&["reload", "dashboards"]).expect(0);
    assert!(
        run.stderr.contains("Grafana does not show the datasource confidex-prometheus"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_changed_password_is_made_the_one_in_force() {
    let Some(mut lab) = Lab::open() else { return };
    lab.run(&GRAFANA).expect(0);
    let first = lab.inspect("grafana")["State"]["StartedAt"].clone();
    lab.set("GRAFANA_ADMIN_PASSWORD", "second-secret");
    let run = lab.run(&GRAFANA).expect(0);
    assert!(run.stderr.contains("the changed password is in force"), "{}", run.stderr);
    assert_eq!(sign_in(&lab, "second-secret"), "admin");
    assert_eq!(sign_in(&lab, "grafana-secret"), "Invalid username or password");
    assert_eq!(lab.inspect("grafana")["State"]["StartedAt"], first, "no restart was needed");

    // A reload alone does it, too.
    lab.set("GRAFANA_ADMIN_PASSWORD", "third-secret");
    lab.run(&["reload", "dashboards"]).expect(0);
    assert_eq!(sign_in(&lab, "third-secret"), "admin");

    // Somebody changes it in Grafana's pages: the old one is known to nobody here.
    let body = r#"{"oldPassword":"third-secret","newPassword":"in-the-browser"}"#;
    let url = lab.url("grafana", "/api/user/password");
    let output =
        Command::new("curl").args(["-s", "-X", "PUT", "-u", "admin:third-secret", "-d", body, &url]).output();
    assert!(String::from_utf8_lossy(&output.unwrap().stdout).contains("changed"));
    let run = lab.run(&["reload", "dashboards"]).expect(0);
    assert!(!run.stderr.contains("401"), "{}", run.stderr);
    assert_eq!(sign_in(&lab, "third-secret"), "admin");
}

#[test]
fn the_default_password_is_warned_about_only_while_it_is_in_force() {
    let Some(mut lab) = Lab::open() else { return };
    lab.set("GRAFANA_ADMIN_PASSWORD", "");
    assert!(lab.run(&GRAFANA).expect(0).stderr.contains("/ changeme"));
    let body = r#"{"oldPassword":"changeme","newPassword":"in-the-browser"}"#;
    let url = lab.url("grafana", "/api/user/password");
    let output =
        Command::new("curl").args(["-s", "-X", "PUT", "-u", "admin:changeme", "-d", body, &url]).output();
    assert!(String::from_utf8_lossy(&output.unwrap().stdout).contains("changed"));
    let run = lab.run(&GRAFANA).expect(0);
    assert!(!run.stderr.contains("/ changeme"), "{}", run.stderr);
    assert!(run.stderr.contains("was chosen in its pages"), "{}", run.stderr);
    assert_eq!(sign_in(&lab, "in-the-browser"), "admin", "nobody puts the default back");
}
