//! `doctor --fix`: what it says it does is looked at in the engine, in the services and in the files.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;

use crate::lab::{Lab, docker, eventually, get, image};

fn git(lab: &Lab, arguments: &[&str]) {
    let output = Command::new("git").arg("-C").arg(lab.folder.path()).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Ids of what is not well, the worst first.
fn found(lab: &Lab) -> Vec<String> {
    let run = lab.run(&["--format", "json", "doctor"]);
    let topics = run.json()["topics"].as_array().unwrap().clone();
    let checks = topics.iter().flat_map(|topic| topic["checks"].as_array().unwrap().clone());
    let bad = checks.filter(|check| check["verdict"] == "problem" || check["verdict"] == "warning");
    bad.map(|check| check["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_safe_is_done_and_nothing_without_a_yes() {
    let Some(lab) = Lab::open() else { return };
    git(&lab, &["init", "-q"]);
    lab.write(".env", "SLACK_CHANNEL=#none\n");
    let env_file = lab.folder.path().join(".env");
    std::fs::set_permissions(&env_file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let rule = |name: &str| {
        format!(
            "groups:\n  - name: g\n    rules:\n      - {{alert: {name}, expr: vector(1) > 2, labels: {{severity: warning}}, annotations: {{summary: s}}}}\n"
        )
    };
    lab.write("rules/a.yml", &rule("First"));
    lab.run(&["up"]).expect(0);

    let (prometheus, alertmanager) = (lab.container("prometheus"), lab.container("alertmanager"));
    docker(&["update", "--restart", "no", &alertmanager]);
    docker(&["pause", &prometheus]);
    let left = format!("{}-left", lab.stack);
    let label = |key: &str, value: &str| format!("io.confidexmon.{key}={value}");
    let created = docker(&[
        "create",
        "--name",
        &left,
        "--label",
        &label("stack", &lab.stack),
        "--label",
        &label("service", "redis"),
        "--label",
        &label("role", "service"),
        &image("redis"),
    ]);
    assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
    let foreign = format!("{}-foreign", lab.stack);
    docker(&["create", "--name", &foreign, "--label", &label("stack", "another"), &image("redis")]);
    let network = lab.networks()[0].clone();
    let spare = docker(&["network", "create", "--label", &label("stack", &lab.stack), &network]);
    let body = r#"{"oldPassword":"grafana-secret","newPassword":"in-the-browser"}"#;
    let url = lab.url("grafana", "/api/user/password");
    Command::new("curl")
        .args(["-s", "-X", "PUT", "-u", "admin:grafana-secret", "-d", body, &url])
        .output()
        .unwrap();
    lab.write("rules/a.yml", &rule("Second"));

    let all = found(&lab);
    for id in ["paused", "restart-policy", "leftovers", "env-file", "grafana-password"] {
        assert!(all.contains(&id.to_owned()), "{id} is not in {all:?}");
    }
    // There is nobody to ask, so nothing is touched.
    let run = lab.run(&["doctor", "--fix"]).expect(2);
    assert!(
        run.stderr.contains("add --yes") && run.stderr.contains("let the paused container"),
        "{}",
        run.stderr
    );
    assert_eq!(lab.inspect("prometheus")["State"]["Status"], "paused");

    let run = lab.run(&["--format", "json", "doctor", "--fix", "--yes"]);
    let fixed = run.json()["fixed"].as_array().cloned().unwrap_or_default();
    assert!(fixed.len() >= 6, "{fixed:?}\n{}", run.stderr);
    assert_eq!(lab.inspect("prometheus")["State"]["Status"], "running");
    assert_eq!(lab.inspect("alertmanager")["HostConfig"]["RestartPolicy"]["Name"], "always");
    let there = |name: &str| docker(&["inspect", name]).status.success();
    assert!(!there(&left) && there(&foreign), "only what carries our label goes");
    docker(&["rm", "-v", &foreign]);
    if spare.status.success() {
        assert_eq!(lab.networks().iter().filter(|name| **name == network).count(), 1);
    }
    assert_eq!(std::fs::metadata(&env_file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_to_string(lab.folder.path().join(".gitignore")).unwrap(), ".env\n");
    assert_eq!(get(&lab.url("grafana", "/api/user")).0, 200, "the password of the settings signs in");
    // A Prometheus that was paused could not be asked for its rules before.
    lab.run(&["doctor", "--fix", "--yes"]);
    assert_eq!(lab.loaded_rules(), ["Second"]);
    let all = found(&lab);
    for id in
        ["paused", "restart-policy", "leftovers", "env-file", "grafana-password", "rules-loaded", "networks"]
    {
        assert!(!all.contains(&id.to_owned()), "{id} is still in {all:?}");
    }
    let run = lab.run(&["doctor", "--fix"]);
    assert!(run.stderr.contains("nothing of this is mended"), "{}", run.stderr);
}

#[test]
fn a_support_archive_is_written_for_its_owner_even_without_an_engine() {
    let Some(mut lab) = Lab::open() else { return };
    lab.set("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T1/B2/canary-in-the-url");
    lab.run(&["--host", "unix:///nowhere/engine.sock", "doctor", "--bundle", "support.tar.zst"]).expect(6);
    let path = lab.folder.path().join("support.tar.zst");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let bytes = zstd::decode_all(std::fs::File::open(&path).unwrap()).unwrap();
    let mut names = Vec::new();
    let mut archive = tar::Archive::new(bytes.as_slice());
    for entry in archive.entries().unwrap() {
        names.push(entry.unwrap().path().unwrap().display().to_string());
    }
    for name in [
        "doctor.txt",
        "doctor.json",
        "facts.json",
        "versions.json",
        "rendered/prometheus/etc/prometheus/prometheus.yml",
    ] {
        assert!(names.contains(&format!("support/{name}")), "{names:?}");
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert!(!text.contains("canary-in-the-url") && text.contains("cannot reach the engine"), "{text}");
    eventually("nothing is left beside it", Duration::from_secs(1), || {
        std::fs::read_dir(lab.folder.path())
            .unwrap()
            .flatten()
            .all(|entry| !entry.file_name().to_string_lossy().starts_with(".tmp"))
    });
}
