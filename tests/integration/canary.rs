//! A distinct secret in every place that takes one, and a search through all that the program (every command,
//! both formats, `-vv`) and the engine ever print.

use std::collections::BTreeMap;
use std::path::Path;

use crate::faulty::Faulty;
use crate::lab::{Lab, docker, eventually, free_port, get};

/// Where a secret is planted, and its value: a part that must not show anywhere.
const PLANTED: [(&str, &str); 15] = [
    ("GRAFANA_ADMIN_PASSWORD", "grafana-secret"),
    ("REDIS_PASSWORD", "r3dis \"canary\" $1"),
    ("WEB_AUTH_PASSWORD", "w3bauth-canary"),
    ("SLACK_WEBHOOK_URL", "sl4ck-canary"),
    ("SLACK_WEBHOOK_CRITICAL", "slackcr1t-canary"),
    ("PAGERDUTY_SERVICE_KEY", "p4gerduty-canary"),
    ("ALERT_WEBHOOK_URL", "w3bhook-canary"),
    ("EMAIL_PASSWORD", "em4il-canary"),
    ("MSTEAMS_WEBHOOK_URL", "t3ams-canary"),
    ("DISCORD_WEBHOOK_URL", "d1scord-canary"),
    ("TELEGRAM_BOT_TOKEN", "t3legram-canary"),
    ("INCIDENTIO_TOKEN", "1ncident-canary"),
    ("JIRA_API_TOKEN", "j1ra-canary"),
    ("TOKEN", "b3arer-canary"),
    ("PASSWORD", "b4sic-canary"),
];

/// Everything that was printed, by who printed it.
struct Seen(BTreeMap<String, String>);

impl Seen {
    fn add(&mut self, who: impl Into<String>, text: &str) {
        self.0.entry(who.into()).or_default().push_str(text);
    }

    fn run(&mut self, lab: &Lab, arguments: &[&str]) -> i32 {
        let run = lab.run(arguments);
        assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        self.add(arguments.join(" "), &format!("{}{}", run.stdout, run.stderr));
        run.code
    }

    fn folder(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                self.folder(&entry.path());
            } else if let Ok(bytes) = std::fs::read(entry.path()) {
                self.add(entry.path().display().to_string(), &String::from_utf8_lossy(&bytes));
            }
        }
    }

    /// Nothing that was seen holds any of the secrets, in any usual spelling.
    fn assert_clean(&self, secrets: &[String]) {
        use base64::Engine as _;
        let encode = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        let spelled = secrets.iter().flat_map(|secret| {
            let json = serde_json::json!(secret).to_string();
            let users = ["admin", "confidexmon", "someone"].map(|user| encode(&format!("{user}:{secret}")));
            [secret.clone(), json.trim_matches('"').to_owned(), encode(secret)].into_iter().chain(users)
        });
        let spelled: Vec<String> = spelled.collect();
        for (who, text) in &self.0 {
            for secret in &spelled {
                // Alertmanager's own log, which only `confidexmon logs` shows without it.
                if who.starts_with("docker logs") && secret.contains("t3legram") {
                    continue;
                }
                let place = text.find(secret.as_str());
                let around = place.map(|at| text[..at].chars().rev().take(200).collect::<String>());
                let around: Option<String> = around.map(|text| text.chars().rev().collect());
                assert!(place.is_none(), "`{who}` shows {secret}, after: {around:?}");
            }
        }
    }
}

fn value(name: &str, secret: &str, port: u16) -> String {
    match name {
        _ if name.contains("_WEBHOOK") => {
            format!("http://host.docker.internal:{port}/services/{secret}")
        }
        _ => secret.to_owned(),
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of commands")]
fn no_secret_shows_in_anything_that_the_program_or_the_engine_prints() {
    let Some(mut lab) = Lab::open() else { return };
    let port = free_port();
    // Receivers that fail are the ones that are spoken of.
    let _receiver = Faulty::refusing(port, "403 Forbidden", "invalid_token");
    for (name, secret) in PLANTED {
        lab.set(name, &value(name, secret, port));
    }
    lab.write(
        "config/confidexmon.yml",
        &format!(
            "prometheus: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}\n\
             receivers: {{group_wait: 1s, pagerduty_url: http://host.docker.internal:{port}/pagerduty, email_to: you@example.com, email_from: me@example.com, email_smarthost: 'host.docker.internal:{port}', email_username: me@example.com, telegram_chat_id: 1, incidentio_url: http://host.docker.internal:{port}/incident, jira_url: http://host.docker.internal:{port}/jira, jira_project: OPS, jira_user: me@example.com}}\n\
             security: {{web_auth: true}}\nredis: {{enabled: true}}\n\
             targets:\n  - {{job: token, url: 'http://host.docker.internal:{port}/a', bearer_token_env: TOKEN}}\n  - {{job: basic, url: 'http://host.docker.internal:{port}/b', basic_auth: {{username: someone, password_env: PASSWORD}}}}\n"
        ),
    );
    lab.write(
        "rules/a.yml",
        "groups:\n  - name: g\n    rules:\n      - {alert: Always, expr: vector(1), for: 8s, labels: {severity: critical}, annotations: {summary: s}}\n",
    );
    let mut secrets: Vec<String> = PLANTED.iter().map(|(_, secret)| (*secret).to_owned()).collect();
    let mut seen = Seen(BTreeMap::new());
    assert_eq!(seen.run(&lab, &["-vv", "up"]), 0, "{:#?}", seen.0);
    // Alertmanager complains of every receiver in its log.
    eventually("a notification has failed", std::time::Duration::from_mins(1), || {
        let log = docker(&["logs", &lab.container("alertmanager")]);
        String::from_utf8_lossy(&log.stderr).contains("Notify ")
            || String::from_utf8_lossy(&log.stdout).contains("Notify ")
    });

    // A rotation shows both the old values and the new ones nowhere.
    for (name, secret) in PLANTED {
        let next = format!("{secret}-2");
        lab.set(name, &value(name, &next, port));
        secrets.push(next);
    }
    for format in ["human", "json"] {
        let mut run = |words: &[&str]| seen.run(&lab, &[&["-vv", "--format", format], words].concat());
        run(&["plan"]);
        run(&["up", "--dry-run"]);
        run(&["up"]);
        run(&["reload"]);
        run(&["reload-rules"]);
        run(&["status"]);
        run(&["alerts"]);
        run(&["ls"]);
        run(&["check"]);
        run(&["check", "--live"]);
        run(&["check", "--routes"]);
        run(&["test-rules"]);
        run(&["logs", "--tail", "400"]);
        run(&["doctor"]);
        run(&["doctor", "--list"]);
        run(&["doctor", "--fix", "--yes"]);
        run(&["doctor", "--bundle", &format!("support-{format}.tar")]);
        run(&["render", "--output", &format!("rendered-{format}")]);
        run(&["restart", "alertmanager"]);
        run(&["drill", "Always"]);
        run(&["update", "--check"]);
        run(&["backup-grafana", "--output", "backups"]);
        run(&["backups", "--output", "backups"]);
        run(&["open", "grafana", "--print"]);
        run(&["rollback", "prometheus"]);
        run(&["--host", "unix:///nowhere/engine.sock", "up"]);
    }
    for name in ["support-human.tar", "support-json.tar"] {
        let text = std::fs::read(lab.folder.path().join(name)).unwrap();
        let text = String::from_utf8_lossy(&text).into_owned();
        for part in ["doctor.json", "plan.txt", "versions.json", "inspect/", "logs/", "rendered/prometheus/"]
        {
            assert!(text.contains(part), "{name} has no {part}");
        }
        assert!(text.contains("<redacted>"), "{name}");
        seen.add(name, &text);
    }
    seen.folder(&lab.folder.path().join("state"));
    seen.folder(&lab.folder.path().join("rendered-human"));
    seen.folder(&lab.folder.path().join("rendered-json"));
    // What the engine shows: containers, their environment, arguments and logs, labels of everything.
    for service in crate::lab::SERVICES {
        let name = lab.container(service);
        for command in [
            &["inspect", &name][..],
            &["logs", &name],
            &["top", &name, "-o", "pid,args"],
            &["exec", &name, "sh", "-c", "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null"],
        ] {
            let output = docker(command);
            let text = format!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
            seen.add(format!("docker {}", command.join(" ")), &text);
        }
    }
    for volume in lab.volumes() {
        seen.add(
            "docker volume inspect",
            &String::from_utf8_lossy(&docker(&["volume", "inspect", &volume]).stdout),
        );
    }
    for network in lab.networks() {
        seen.add(
            "docker network inspect",
            &String::from_utf8_lossy(&docker(&["network", "inspect", &network]).stdout),
        );
    }
    let metrics = get(&lab.url("grafana", "/metrics"));
    seen.add("metrics", &metrics.1);
    assert_eq!(seen.run(&lab, &["-vv", "down"]), 0);
    seen.assert_clean(&secrets);
    assert!(seen.0.len() > 60, "{}", seen.0.len());
}

/// A process that is killed with a core dump writes none: its memory holds the secrets.
#[test]
fn the_program_leaves_no_core_dump() {
    let Some(lab) = Lab::open() else { return };
    let script = format!(
        "ulimit -c unlimited 2>/dev/null || true; {} logs --follow >/dev/null 2>&1 & pid=$!; sleep 0.5; grep 'Max core file size' /proc/$pid/limits || true; kill $pid 2>/dev/null || true",
        env!("CARGO_BIN_EXE_confidexmon")
    );
    lab.run(&["up", "--without", "grafana", "--without", "alertmanager"]).expect(0);
    let output = lab.shell(&script).output().unwrap();
    let limits = String::from_utf8_lossy(&output.stdout).into_owned();
    let words: Vec<&str> = limits.split_whitespace().collect();
    assert_eq!(words.get(4..6), Some(&["0", "0"][..]), "{limits}{}", String::from_utf8_lossy(&output.stderr));
}
