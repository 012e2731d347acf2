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

/// `check`, `up --dry-run`, `up` and `reload` ask one function: what one of them refuses the others name too.
#[test]
fn what_is_no_dashboard_is_told_by_every_command() {
    let Some(lab) = Lab::open() else { return };
    lab.copy("dashboards");
    lab.run(&GRAFANA).expect(0);
    let broken = [
        ("list.json", "[1,2]", "not an object"),
        ("cut.json", "{", "ends before its JSON does"),
        ("envelope.json", r#"{"meta": {}, "dashboard": {"title": "x"}}"#, "below `dashboard`"),
        ("untitled.json", r#"{"uid": "q", "panels": []}"#, "no title"),
        ("odd.json", r#"{"title": "Odd", "uid": "a b/c"}"#, "other characters"),
        ("types.json", r#"{"title": "Types", "panels": {"a": 1}}"#, "`panels` is an object"),
    ];
    for (name, text, words) in broken {
        let path = format!("dashboards/{name}");
        lab.write(&path, text);
        let check = lab.run(&["check", "dashboards"]).expect(6);
        assert!(check.stdout.contains(words) && check.stdout.contains(&path), "{}", check.stdout);
        let plan = lab.run(&["up", "--without", "alertmanager", "--dry-run"]).expect(6);
        assert!(plan.stderr.contains(words) && plan.stderr.contains(&path), "{}", plan.stderr);
        let reload = lab.run(&["reload", "dashboards"]);
        assert_ne!(reload.code, 0, "{name}: {}", reload.stderr);
        assert!(reload.stderr.contains(words) && reload.stderr.contains(&path), "{}", reload.stderr);
        let run = lab.run(&GRAFANA);
        assert!(run.code != 0, "a running Grafana keeps what it shows: {}", run.stderr);
        assert!(run.stderr.contains(words) && run.stderr.contains(&path), "{}", run.stderr);
        std::fs::remove_file(lab.folder.path().join(&path)).unwrap();
    }
    assert_eq!(get(&lab.url("grafana", "/api/dashboards/uid/q")).0, 404);
}

/// As it is downloaded: what an import by hand would ask for is filled in, and the file stays.
#[test]
fn a_dashboard_of_the_community_works_as_it_is() {
    let Some(lab) = Lab::open() else { return };
    lab.copy("dashboards");
    let file = r#"{"__inputs": [{"name": "DS_PROMETHEUS", "type": "datasource", "pluginId": "prometheus"},
        {"name": "VAR_METRIC", "type": "constant", "value": "up"}],
      "id": 1860, "uid": "shop", "title": "Shop",
      "panels": [{"type": "stat", "title": "Up", "datasource": {"type": "prometheus", "uid": "${DS_PROMETHEUS}"}, "targets": [{"expr": "sum(${VAR_METRIC})"}]},
        {"type": "stat", "title": "Old", "datasource": "Prometheus", "targets": [{"expr": "up"}]}, {"type": "stat", "title": "None", "datasource": null, "targets": [{"expr": "up"}]}]}"#;
    lab.write("dashboards/shop.json", file);
    lab.write("dashboards/Without a uid.json", r#"{"title": "Without", "uid": null, "panels": []}"#);
    lab.run(&GRAFANA).expect(0);
    let page = get_json(&lab.url("grafana", "/api/dashboards/uid/shop"))["dashboard"].clone();
    let panels = page["panels"].as_array().unwrap();
    for panel in panels {
        assert_eq!(panel["datasource"]["uid"], "confidex-prometheus", "{panel}");
    }
    assert_eq!(panels[0]["targets"][0]["expr"], "sum(up)");
    let uid = confidexmon::model::uid_of_file("Without a uid.json");
    assert_eq!(get(&lab.url("grafana", &format!("/api/dashboards/uid/{uid}"))).0, 200);
    assert_eq!(
        std::fs::read_to_string(lab.folder.path().join("dashboards/shop.json")).unwrap(),
        file,
        "the user's file stays as it is"
    );
    let told = lab.run(&["check", "dashboards/shop.json"]);
    assert!(!told.stdout.contains("panel-datasource"), "{}", told.stdout);
    let render = lab.run(&["render", "--output", "out"]).expect(0);
    assert!(
        render.stderr.contains("shop.json for Grafana: DS_PROMETHEUS is `confidex-prometheus`"),
        "{}",
        render.stderr
    );
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
    assert!(run.stderr.contains("is still in force"), "{}", run.stderr);
    assert_eq!(sign_in(&lab, "in-the-browser"), "admin", "nobody puts the default back");
}

/// Every command says the same of a password that was taken out of `.env`, and it is what Grafana does.
#[test]
fn a_password_that_was_taken_out_of_the_settings_stays_in_force_and_that_is_said() {
    let Some(mut lab) = Lab::open() else { return };
    lab.write("dashboards/own.json", r#"{"uid": "own", "title": "Own", "panels": [{"id": 1, "title": "Up", "type": "timeseries", "targets": [{"refId": "A", "expr": "up"}]}]}"#);
    lab.run(&GRAFANA).expect(0);
    lab.set("GRAFANA_ADMIN_PASSWORD", "");
    let run = lab.run(&GRAFANA).expect(0);
    assert_eq!(sign_in(&lab, "grafana-secret"), "admin");
    assert_eq!(sign_in(&lab, "changeme"), "Invalid username or password");
    assert!(
        run.stderr.contains("was set before, in .env or in Grafana's pages, is still in force"),
        "{}",
        run.stderr
    );
    assert!(!run.stderr.contains("healthy") && !run.stderr.contains("/ changeme"), "{}", run.stderr);

    // (What the topic of Grafana says is in `doctor_faults.rs`: five wrong passwords lock a login.)
    let topics = lab.run(&["--format", "json", "doctor", "security"]).json()["topics"].clone();
    let checks = topics[0]["checks"].as_array().unwrap();
    let passwords = checks.iter().find(|check| check["id"] == "passwords").unwrap();
    assert_eq!(passwords["verdict"], "ok", "{checks:#?}");
    assert!(passwords["evidence"].as_str().unwrap().contains("set before is in force"), "{checks:#?}");

    let run = lab.run(&["check", "--live", "dashboards"]);
    assert!(
        run.stdout.contains("is still in force") && run.stdout.contains("GRAFANA_ADMIN_PASSWORD"),
        "{}{}",
        run.stdout,
        run.stderr
    );
    assert!(!run.stdout.contains("up` starts the stack"), "{}", run.stdout);

    lab.set("GRAFANA_ADMIN_PASSWORD", "grafana-secret");
    assert!(lab.run(&GRAFANA).expect(0).stderr.contains("healthy"));
    assert_eq!(sign_in(&lab, "grafana-secret"), "admin");
}
