//! Receivers and certificates that the settings name: taken by the real amtool and by what listens at the other end.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::lab::{Lab, docker, eventually, free_port, get_json};

const SETTINGS: &str = "receivers:\n  email_to: oncall@example.com\n  email_from: alerts@example.com\n  \
     email_smarthost: smtp.example.com:587\n  email_username: alerts@example.com\n  telegram_chat_id: -1001\n  \
     incidentio_url: https://api.incident.io/v2/alert_events/alertmanager/x\n  \
     jira_url: https://example.atlassian.net/rest/api/3\n  jira_project: OPS\n  jira_user: a@example.com\n";

const SECRETS: [(&str, &str); 6] = [
    ("EMAIL_PASSWORD", "mail-secret"),
    ("MSTEAMS_WEBHOOK_URL", "https://teams.example.com/hook-secret"),
    ("DISCORD_WEBHOOK_URL", "https://discord.example.com/hook-secret"),
    ("TELEGRAM_BOT_TOKEN", "123456:telegram-secret-telegram-secret"),
    ("INCIDENTIO_TOKEN", "incident-secret"),
    ("JIRA_API_TOKEN", "jira-secret"),
];

fn kinds(receiver: &Value) -> Vec<&str> {
    let integrations = receiver["integrations"].as_array().unwrap();
    integrations.iter().map(|one| one["kind"].as_str().unwrap()).collect()
}

#[test]
fn every_kind_of_receiver_is_valid_and_its_message_arrives() {
    let Some(mut lab) = Lab::open() else { return };
    lab.write("config/confidexmon.yml", SETTINGS);
    for (name, value) in SECRETS {
        lab.set(name, value);
    }
    // The pinned amtool takes it.
    let report = lab.run(&["check", "--require-validators", "--format", "json"]).expect(0);
    assert_eq!(report.json()["validators"], "run");
    assert!(!report.stdout.contains("-secret"), "{}", report.stdout);
    lab.run(&["render", "--output", "out"]).expect(0);
    let text =
        std::fs::read_to_string(lab.folder.path().join("out/alertmanager/etc/alertmanager/alertmanager.yml"));
    let text = text.unwrap();
    assert!(!text.contains("-secret"), "{text}");

    let report = lab
        .run(&["drill", "CrankServiceDown", "OrderCacheDisconnected", "--format", "json"])
        .expect(0)
        .json();
    for alert in report["alerts"].as_array().unwrap() {
        let receiver = &alert["delivery"]["receivers"][0];
        // A webhook stands in for mail and Jira, which cannot be pointed at a sink.
        let mut found = kinds(receiver);
        found.sort_unstable();
        let expected: &[&str] = match receiver["name"].as_str() {
            Some("critical") => &["discord", "incidentio", "msteamsv2", "telegram", "webhook", "webhook"],
            _ => &["discord", "msteamsv2", "telegram", "webhook"],
        };
        assert_eq!(found, expected, "{receiver:#}");
        let name = alert["alert"].as_str().unwrap();
        for one in receiver["integrations"].as_array().unwrap() {
            assert!(one["delivered"] == true && one["problems"].as_array().unwrap().is_empty(), "{one:#}");
            assert!(one["message"]["title"].as_str().unwrap().contains(name), "{one:#}");
        }
    }
    assert_eq!(
        report["notifies"],
        serde_json::json!(["e-mail", "Microsoft Teams", "Discord", "Telegram", "incident.io", "Jira"])
    );
}

#[test]
fn a_receiver_without_what_it_needs_is_refused_with_its_setting() {
    let Some(mut lab) = Lab::open() else { return };
    lab.set("TELEGRAM_BOT_TOKEN", "123456:telegram-secret-telegram-secret");
    lab.write("config/confidexmon.yml", "receivers: {email_to: a@example.com}\n");
    let run = lab.run(&["plan"]).expect(2);
    for setting in ["receivers.email_from", "receivers.email_smarthost", "receivers.telegram_chat_id"] {
        assert!(run.stderr.contains(setting), "{setting}: {}", run.stderr);
    }
    assert!(!run.stderr.contains("telegram-secret"), "{}", run.stderr);
}

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A backend that shows a certificate of its own authority and wants one of Prometheus.
fn backend(folder: &Path, port: u16) -> Process {
    let made = Command::new("openssl")
        .args("req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 30 -subj /CN=company -addext subjectAltName=DNS:host.docker.internal".split(' '))
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::write(folder.join("metrics"), "company_up 1\n").unwrap();
    let listen = format!(
        "s_server -quiet -WWW -key key.pem -cert cert.pem -Verify 1 -verify_return_error -CAfile cert.pem -accept {port}"
    );
    let server = Command::new("openssl")
        .args(listen.split(' '))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    Process(server.unwrap())
}

#[test]
fn a_target_is_believed_by_its_own_authority_and_sees_a_certificate() {
    let Some(lab) = Lab::open() else { return };
    let port = free_port();
    std::fs::create_dir(lab.folder.path().join("certs")).unwrap();
    let _server = backend(&lab.folder.path().join("certs"), port);
    let settings = |tls: &str| {
        format!(
            "prometheus: {{scrape_interval: 1s, scrape_timeout: 1s}}\ntargets:\n  - job: company\n    url: https://host.docker.internal:{port}/metrics\n{tls}"
        )
    };
    let up = ["up", "--without", "grafana", "--without", "alertmanager"];
    let target = || {
        let all = get_json(&lab.url("prometheus", "/api/v1/targets"));
        let active = all["data"]["activeTargets"].as_array().cloned().unwrap_or_default();
        active.into_iter().find(|one| one["labels"]["job"] == "company").unwrap_or_default()
    };
    lab.write("config/confidexmon.yml", &settings(""));
    lab.run(&up).expect(0);
    eventually("the certificate is not believed", Duration::from_secs(30), || {
        target()["lastError"].as_str().is_some_and(|error| error.contains("x509"))
    });
    let all = "    ca_file: certs/cert.pem\n    cert_file: certs/cert.pem\n    key_file: certs/key.pem\n";
    lab.write("config/confidexmon.yml", &settings(all));
    lab.run(&["reload-rules"]).expect(0);
    eventually("it is scraped", Duration::from_secs(30), || target()["health"] == "up");
    let modes = docker(&["exec", &lab.container("prometheus"), "ls", "-l", "/etc/prometheus/secrets"]);
    let modes = String::from_utf8_lossy(&modes.stdout).into_owned();
    let key = modes.lines().find(|line| line.contains("company_key")).unwrap();
    assert!(key.starts_with("-r--------"), "{modes}");

    lab.write("config/confidexmon.yml", &settings("    ca_file: certs/metrics\n"));
    let run = lab.run(&["plan"]).expect(2);
    assert!(run.stderr.contains("certs/metrics") && run.stderr.contains("not PEM"), "{}", run.stderr);
    lab.write("config/confidexmon.yml", &settings("    cert_file: certs/cert.pem\n"));
    assert!(lab.run(&["plan"]).expect(2).stderr.contains("belong together"));
}
