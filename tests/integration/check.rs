//! `check` and `test-rules`, with the real promtool and amtool of the images.

use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use crate::lab::{Lab, eventually, free_port};

/// A rule file that nobody has anything against, on its own.
const FINE: &str = "groups:
  - name: mine
    rules:
      - alert: WalletLow
        expr: confidex_wallet_balance_sol{wallet=\"crank\"} < 0.1
        for: 5m
        labels: {severity: warning, component: wallet}
        annotations:
          summary: The crank wallet is nearly empty
          description: It holds {{ $value }} SOL
          runbook_url: https://wiki.confidex.dev/wallet
";

fn findings(report: &Value) -> Vec<(String, String, u64)> {
    let list = report["findings"].as_array().unwrap();
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    list.iter().map(|f| (text(f, "id"), text(f, "file"), f["line"].as_u64().unwrap())).collect()
}

#[test]
fn the_shipped_content_is_clean() {
    let Some(lab) = Lab::open() else { return };
    let run = lab.run(&["check", "--format", "json"]).expect(0);
    let report = run.json();
    assert_eq!(findings(&report), []);
    assert_eq!(report["validators"], "run");
    assert!(report["summary"]["alerts"].as_u64().unwrap() >= 8);
    // Nobody is notified without a receiver: that is said, and is no finding.
    assert!(report["notes"][0].as_str().unwrap().contains("nobody is notified"), "{report}");
    assert!(run.stderr.contains("nobody is notified"), "{}", run.stderr);
    assert!(lab.containers().is_empty());
}

/// Two backends are two targets of one job, which Prometheus's `job_name` alone cannot say.
#[test]
fn two_backends_of_one_job_are_watched_by_the_shipped_alerts() {
    let Some(mut lab) = Lab::open() else { return };
    let targets = "targets:
  - job: confidex-backend
    url: http://backend-1.test:3001/metrics
  - job: confidex-backend
    url: https://backend-2.test/metrics
    bearer_token_env: SECOND
";
    lab.write("config/confidexmon.yml", targets);
    lab.set("SECOND", "t0ken");
    let report = lab.run(&["check", "--format", "json"]).expect(0).json();
    assert_eq!(findings(&report), []);
    assert_eq!(report["validators"], "run");
    lab.run(&["render", "--output", "rendered"]).expect(0);
    let output = lab.shell("cat rendered/prometheus/etc/prometheus/prometheus.yml").output().unwrap();
    let rendered = String::from_utf8(output.stdout).unwrap();
    let config: Value = serde_yaml::from_str(&rendered).unwrap();
    let jobs = config["scrape_configs"].as_array().unwrap();
    assert_eq!(
        (&jobs[0]["job_name"], &jobs[1]["job_name"]),
        (&"confidex-backend".into(), &"confidex-backend-2".into())
    );
    assert_eq!(jobs[1]["static_configs"][0]["labels"]["job"], "confidex-backend", "{rendered}");
}

#[test]
fn without_an_engine_the_lints_still_run_and_the_validators_are_missed() {
    let Some(lab) = Lab::open() else { return };
    let run = lab.run(&["check", "--format", "json", "--host", "unix:///nonexistent.sock"]).expect(0);
    let report = run.json();
    assert!(report["validators"].as_str().unwrap().starts_with("not run: "), "{report}");
    assert!(run.stderr.contains("promtool, amtool) were not run"), "{}", run.stderr);
}

#[test]
fn what_promtool_refuses_is_put_at_the_users_line_and_said_once() {
    let Some(lab) = Lab::open() else { return };
    lab.write(
        "rules/broken.yml",
        "groups:\n  - name: g\n    rules:\n      - alert: A\n        expr: sum(up\n        foo: 1\n",
    );
    lab.write("rules/fine.yml", FINE);
    lab.write(
        "rules/more.yml",
        "groups:\n  - name: g\n    rules:\n      - alert: B\n        expr: |\n          up\n            == == 0\n      - alert: C\n        expr: up == 0\n        annotations: {summary: '{{ nofunc }}'}\n",
    );
    let report = lab.run(&["check", "--format", "json"]).expect(6).json();
    let of = |file: &str| -> Vec<(String, u64)> {
        let all = findings(&report).into_iter().filter(|(id, name, _)| {
            name == file
                && matches!(id.as_str(), "promtool" | "not-linted" | "unreadable-rules" | "template-error")
        });
        all.map(|(id, _, line)| (id, line)).collect()
    };
    // promtool says nothing about the expression before the unknown field is gone; neither do we.
    let known = [("not-linted".to_owned(), 5), ("promtool".to_owned(), 6)];
    assert_eq!(of("rules/broken.yml"), known, "{report}");
    assert_eq!(
        of("rules/more.yml"),
        [("promtool".to_owned(), 7), ("template-error".to_owned(), 10)],
        "{report}"
    );
    assert_eq!(of("rules/fine.yml"), []);
    // What is built in is no measure: neither its dashboards and routes nor its backend's metrics.
    assert!(findings(&report).iter().all(|(_, file, _)| !file.starts_with("<embedded>")), "{report}");
}

#[test]
fn what_amtool_refuses_is_put_at_the_templates_line() {
    let Some(lab) = Lab::open() else { return };
    lab.write(
        "config/templates/alertmanager.yml",
        "route:\n  receiver: 'people'\n  colour: red\nreceivers:\n  - name: ${{ \"people\" }}\n",
    );
    let report = lab.run(&["check", "--format", "json"]).expect(6).json();
    let bugs: Vec<_> = findings(&report).into_iter().filter(|(id, _, _)| id == "amtool").collect();
    assert_eq!(bugs, [("amtool".to_owned(), "config/templates/alertmanager.yml".to_owned(), 3)], "{report}");
}

#[test]
fn an_ignore_comment_silences_and_infos_do_not_fail() {
    let Some(lab) = Lab::open() else { return };
    let none = ["--host", "unix:///nonexistent.sock"];
    let with = |arguments: &[&'static str]| [&["check", "mine.yml"], arguments, &none].concat();
    lab.write("mine.yml", FINE);
    lab.run(&with(&[])).expect(0);
    lab.write("mine.yml", &FINE.replace("for: 5m", "for: 0m"));
    let text = lab.run(&with(&[])).expect(6).stdout;
    assert!(text.contains("zero-for") && text.contains("mine.yml:6:"), "{text}");
    lab.write("mine.yml", &FINE.replace("for: 5m", "for: 0m # confidexmon: ignore zero-for it is a test"));
    lab.run(&with(&[])).expect(0);
    // Newer syntax than our parser's: told, and no failure.
    lab.write("mine.yml", &FINE.replace("} < 0.1", "}[5m*2] < 0.1"));
    let report = lab.run(&with(&["--format", "json"])).expect(0).json();
    assert_eq!(report["findings"][0]["id"], "not-linted", "{report}");
    assert_eq!(report["findings"][0]["severity"], "info");
}

#[test]
fn every_report_format_tells_the_same() {
    let Some(lab) = Lab::open() else { return };
    lab.write("mine.yml", &FINE.replace("for: 5m", "for: 0m"));
    let run = |format: &str| {
        lab.run(&["check", "mine.yml", "--report", format, "--host", "unix:///nonexistent.sock"]).expect(6)
    };
    let github = run("github").stdout;
    assert!(github.starts_with("::warning file=mine.yml,line=6,col=14,title=zero-for::"), "{github}");
    let sarif = run("sarif").json();
    assert_eq!(sarif["version"], "2.1.0");
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 1);
    let place = &results[0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "mine.yml");
    assert_eq!(place["region"]["startLine"], 6);
    let rules = sarif["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    let index = usize::try_from(results[0]["ruleIndex"].as_u64().unwrap()).unwrap();
    assert_eq!(rules[index]["id"], results[0]["ruleId"]);
    let keys: Vec<String> = run("json").json()["findings"][0].as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["id", "severity", "file", "line", "column", "message", "alert", "fix"]);
}

#[test]
fn a_wrong_path_and_wrong_settings_are_no_findings_of_rules() {
    let Some(lab) = Lab::open() else { return };
    lab.run(&["check", "nowhere.yml"]).expect(2);
    lab.write("config/confidexmon.yml", "stak: x\n");
    let report = lab.run(&["check", "--format", "json"]).expect(2).json();
    assert_eq!(report["findings"][0]["id"], "settings", "{report}");
    assert_eq!(report["findings"][0]["line"], 1);
}

/// The five mistakes that promtool and amtool have nothing against.
#[test]
fn five_mistakes_that_the_official_validators_pass_are_all_found() {
    let Some(lab) = Lab::open() else { return };
    let rules = "groups:
  - name: five
    rules:
      - alert: CallbacksFail
        expr: rate(confidex_mpc_callbacks_total{status=\"failed\"}[5m]) / rate(confidex_mpc_callbacks_total[5m]) > 0.05
        for: 5m
        labels: {severity: critical}
        annotations: {summary: Callbacks fail, runbook_url: 'https://wiki.confidex.dev/a'}
      - alert: ErrorShare
        expr: sum(rate(confidex_http_requests_total{status=~\"5..\"}[5m])) / sum(rate(confidex_http_requests_total[5m])) > 0.01
        for: 5m
        labels: {severity: warning}
        annotations: {summary: '{{ $value }}% of requests fail', runbook_url: 'https://wiki.confidex.dev/b'}
      - alert: HeapHigh
        expr: confidex_nodejs_heap_used_bytes > 1e9
        for: 5m
        labels: {severity: warning}
        annotations: {summary: The heap is large, runbook_url: 'https://wiki.confidex.dev/c'}
";
    let routes = "route:
  receiver: people
  routes:
    - receiver: pager
      matchers: ['severity=\"critical\"']
    - receiver: wallet
      matchers: ['alertname=\"CallbacksFail\"']
inhibit_rules:
  - source_matchers: ['alertname=\"HeapHigh\"']
    target_matchers: ['alertname=\"ErrorShare\"']
    equal: [instance]
receivers:
  - name: people
    webhook_configs: [{url: 'http://people.test/'}]
  - name: pager
    webhook_configs: [{url: 'http://pager.test/'}]
  - name: wallet
    webhook_configs: [{url: 'http://wallet.test/'}]
";
    lab.write("five.yml", rules);
    lab.write("alertmanager.yml", routes);
    let report = lab.run(&["check", "five.yml", "alertmanager.yml", "--format", "json"]).expect(6).json();
    let found = findings(&report);
    assert_eq!(report["validators"], "run");
    assert!(!found.iter().any(|(id, _, _)| id == "promtool" || id == "amtool"), "{report}");
    for (id, file, line) in [
        ("ratio-without-sum", "five.yml", 5),
        ("percent-of-ratio", "five.yml", 13),
        ("unknown-metric", "five.yml", 15),
        ("shadowed-route", "alertmanager.yml", 6),
        ("inhibit-missing-label", "alertmanager.yml", 11),
    ] {
        assert!(found.contains(&(id.to_owned(), file.to_owned(), line)), "{id} is missing in {found:#?}");
    }
}

const RULE_TEST: &str = "rule_files: [../mine.yml]
evaluation_interval: 1m
tests:
  - name: a low wallet
    interval: 1m
    input_series:
      - series: 'confidex_wallet_balance_sol{wallet=\"crank\"}'
        values: '0.05x10'
    alert_rule_test:
      - eval_time: 1m
        alertname: WalletLow
      - eval_time: 8m
        alertname: WalletLow
        exp_alerts:
          - exp_labels: {severity: warning, component: wallet, wallet: crank}
            exp_annotations:
              summary: The crank wallet is nearly empty
              description: It holds 0.05 SOL
              runbook_url: https://wiki.confidex.dev/wallet
";

#[test]
fn rule_tests_pass_fail_and_cannot_be_run() {
    let Some(lab) = Lab::open() else { return };
    lab.write("rules/mine.yml", FINE);
    lab.write("rules/tests/mine.yml", RULE_TEST);
    let run = lab.run(&["test-rules", "--coverage"]).expect(0);
    assert!(run.stdout.contains("all passed: 1 scenario in 1 test file"), "{}", run.stdout);

    lab.write("rules/tests/mine.yml", &RULE_TEST.replace("holds 0.05 SOL", "holds 0.06 SOL"));
    let report = lab.run(&["test-rules", "--format", "json"]).expect(6).json();
    let scenario = &report["files"][0]["scenarios"][0];
    assert_eq!((&report["passed"], &scenario["line"]), (&false.into(), &4.into()), "{report}");
    assert_eq!(scenario["failures"][0]["alert"], "WalletLow");
    let text = lab.run(&["test-rules"]).expect(6).stdout;
    assert!(
        text.contains("rules/tests/mine.yml:13") && text.contains("is:       It holds 0.05 SOL"),
        "{text}"
    );

    lab.write("rules/tests/mine.yml", &RULE_TEST.replace("../mine.yml", "../gone.yml"));
    let text = lab.run(&["test-rules"]).expect(6).stdout;
    assert!(text.contains("rules/gone.yml, which is not there"), "{text}");

    lab.write("rules/tests/mine.yml", &RULE_TEST.replace("tests:", "testz:"));
    let text = lab.run(&["test-rules"]).expect(6).stdout;
    assert!(text.contains("field testz not found"), "{text}");
    assert!(lab.containers().is_empty());
}

#[test]
fn coverage_lists_every_gap() {
    let Some(lab) = Lab::open() else { return };
    lab.write("rules/mine.yml", FINE);
    lab.write(
        "rules/tests/mine.yml",
        &RULE_TEST.replace("alertname: WalletLow\n      - eval", "alertname: WalletLoww\n      - eval"),
    );
    let run = lab.run(&["test-rules", "--coverage", "--format", "json"]).expect(6);
    let coverage = run.json()["coverage"].clone();
    assert_eq!(coverage["without_firing_test"].as_array().unwrap().len(), 0, "{coverage}");
    assert_eq!(coverage["without_quiet_test"][0]["alert"], "WalletLow");
    assert_eq!(coverage["unknown_alerts"][0]["alert"], "WalletLoww");
    assert_eq!(coverage["unknown_alerts"][0]["line"], 11);
    // The typo is a finding of `check` as well.
    let report = lab.run(&["check", "rules/tests/mine.yml", "--format", "json"]).expect(6).json();
    assert_eq!(findings(&report), [("test-without-alert".to_owned(), "rules/tests/mine.yml".to_owned(), 11)]);
}

#[test]
fn the_shipped_rule_tests_pass_and_cover_every_alert() {
    let Some(lab) = Lab::open() else { return };
    let report = lab.run(&["test-rules", "--coverage", "--format", "json"]).expect(0).json();
    assert!(report["summary"]["scenarios"].as_u64().unwrap() > 50, "{}", report["summary"]);
    assert_eq!(report["coverage"]["unknown_alerts"], serde_json::json!([]));
}

/// A demo backend that containers can reach; ends with the test.
struct Backend(std::process::Child);

impl Backend {
    fn start(lab: &Lab, port: u16) -> Self {
        let listen = format!("0.0.0.0:{port}");
        Self(
            lab.command(&["demo-backend", "--speed", "20", "--listen", &listen])
                .stderr(Stdio::null())
                .spawn()
                .unwrap(),
        )
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn live_asks_the_backend_and_every_panel() {
    let Some(lab) = Lab::open() else { return };
    let port = free_port();
    let url = format!("http://host.docker.internal:{port}/metrics");
    lab.write("config/confidexmon.yml", &format!("prometheus: {{scrape_interval: 1s, scrape_timeout: 1s}}\ntargets:\n  - job: confidex-backend\n    url: {url}\n"));
    let backend = Backend::start(&lab, port);
    lab.run(&["up"]).expect(0);
    // Rates need two samples; then every shipped panel shows something, or says what it shows instead.
    let mut last = String::new();
    eventually("every panel shows something", Duration::from_secs(150), || {
        let run = lab.run(&["check", "--live", "--format", "json"]);
        last = run.stdout;
        run.code == 0
    });
    assert!(last.contains("\"findings\""), "{last}");

    let dashboard = r#"{"uid": "x", "title": "X", "schemaVersion": 39, "time": {"from": "now-5m", "to": "now"}, "panels": [
  {"id": 1, "type": "stat", "title": "Broken", "datasource": {"type": "prometheus", "uid": "confidex-prometheus"}, "targets": [{"refId": "A", "expr": "sum(up"}]},
  {"id": 2, "type": "stat", "title": "Empty", "datasource": {"type": "prometheus", "uid": "confidex-prometheus"}, "targets": [{"refId": "A", "expr": "no_such_thing"}]},
  {"id": 3, "type": "stat", "title": "Nothing", "datasource": {"type": "prometheus", "uid": "confidex-prometheus"}, "targets": [{"refId": "A", "expr": "up * 0 / 0"}]},
  {"id": 4, "type": "stat", "title": "Fine", "datasource": {"type": "prometheus", "uid": "confidex-prometheus"}, "targets": [{"refId": "A", "expr": "up"}]}
]}"#;
    lab.write("own.json", dashboard);
    let report = lab.run(&["check", "--live", "own.json", "--format", "json"]).expect(6).json();
    let asked = |id: &str| matches!(id, "panel-error" | "panel-empty" | "panel-nan");
    let panels: Vec<_> = findings(&report).into_iter().filter(|(id, _, _)| asked(id)).collect();
    let wanted = [("panel-error", 2), ("panel-empty", 3), ("panel-nan", 4)];
    assert_eq!(panels, wanted.map(|(id, line)| (id.to_owned(), "own.json".to_owned(), line)), "{report}");

    // Only what the backend exports now counts: a saved contract that lacks a metric does not matter.
    lab.write("config/backend.prom", "# TYPE confidex_other gauge\nconfidex_other 1\n");
    lab.write("mine.yml", FINE);
    let ids = |arguments: &[&str]| {
        let report = lab.run(arguments).json();
        findings(&report).into_iter().map(|(id, _, _)| id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&["check", "mine.yml", "--format", "json"]), ["unknown-metric"]);
    assert_eq!(ids(&["check", "mine.yml", "--live", "--format", "json"]), Vec::<String>::new());
    drop(backend);
    assert_eq!(
        ids(&["check", "mine.yml", "--live", "--format", "json"]),
        ["live-unreachable", "unknown-metric"]
    );
}

#[test]
fn files_are_named_from_the_working_directory_in_every_format() {
    let Some(lab) = Lab::open() else { return };
    let broken = FINE.replace("confidex_", "confidex_no_such_");
    assert_ne!(broken, FINE);
    lab.write("team one/rules/a.yml", &broken);
    let file = "team one/rules/a.yml";
    let run = |arguments: &[&str]| lab.run(&[&["--project-dir", "team one", "check"], arguments].concat());
    let report = run(&["--format", "json"]).expect(6).json();
    assert!(findings(&report).iter().all(|(_, found, _)| found == file), "{report:#}");
    let sarif = run(&["--report", "sarif"]).expect(6).json();
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "team%20one/rules/a.yml");
    assert!(run(&["--report", "github"]).expect(6).stdout.contains(&format!("file={file},")));
    let full = lab.folder.path().canonicalize().unwrap().join("team one");
    for arguments in [["--project-dir", full.to_str().unwrap(), "check"], ["check", "team one", "--quiet"]] {
        let text = lab.run(&arguments).expect(6).stdout;
        assert!(text.contains(&format!("--> {file}:")), "{text}");
    }
    // A path on the command line selects files of the project, however it is written.
    for path in ["team one/rules", "team one/rules/../rules/a.yml"] {
        let report = run(&[path, "--format", "json"]).expect(6).json();
        assert!(findings(&report).iter().all(|(_, found, _)| found == file), "{path}: {report:#}");
    }
}

#[test]
fn a_stack_that_has_just_started_is_given_time_before_its_panels_are_checked() {
    let Some(lab) = Lab::open() else { return };
    let port = free_port();
    lab.write(
        "config/confidexmon.yml",
        &format!("prometheus: {{scrape_interval: 2s, scrape_timeout: 1s, evaluation_interval: 2s}}\ntargets:\n  - job: confidex-backend\n    url: http://host.docker.internal:{port}/metrics\n"),
    );
    let _backend = Backend::start(&lab, port);
    lab.run(&["up"]).expect(0);
    let query = |expr: &str| {
        format!(
            r#"{{"id": 1, "type": "stat", "title": "{expr}", "datasource": {{"type": "prometheus", "uid": "confidex-prometheus"}}, "targets": [{{"refId": "A", "expr": "{expr}"}}]}}"#
        )
    };
    let rate = query("rate(prometheus_http_requests_total[$__rate_interval])");
    let dashboard = |panels: &str| {
        format!(
            r#"{{"uid": "x", "title": "X", "schemaVersion": 39, "time": {{"from": "now-5m", "to": "now"}}, "panels": [{panels}]}}"#
        )
    };
    lab.write("young.json", &dashboard(&rate));
    let run = lab.run(&["check", "--live", "young.json", "--format", "json"]);
    assert!(!run.stdout.contains("panel-empty"), "{}\n{}", run.stdout, run.stderr);
    assert!(run.stderr.contains("scraped too few times"), "{}", run.stderr);
    // What is empty for another reason is said, and at once.
    lab.write("young.json", &dashboard(&query("no_such_thing")));
    let run = lab.run(&["check", "--live", "young.json", "--format", "json"]).expect(6);
    assert!(run.stdout.contains("panel-empty") && !run.stderr.contains("scraped"), "{}", run.stderr);
}

#[test]
fn a_pipeline_without_secrets_checks_everything_else() {
    let Some(mut lab) = Lab::open() else { return };
    lab.unset("GRAFANA_ADMIN_PASSWORD");
    lab.unset("REDIS_PASSWORD");
    lab.write(
        "config/confidexmon.yml",
        "redis: {enabled: true}\nsecurity: {web_auth: true}\ntargets:\n  - job: confidex-backend\n    url: https://api.example.com/metrics\n    bearer_token_env: BACKEND_TOKEN\n",
    );
    let refused = lab.run(&["check", "--format", "json"]).expect(2).json();
    assert!(refused.to_string().contains("BACKEND_TOKEN"), "{refused}");
    let report = lab.run(&["check", "--no-secrets", "--format", "json"]).expect(0);
    let report = report.json();
    assert_eq!(report["validators"], "run", "{report}");
    // The routes are those of a stack with receivers.
    let routes = lab.run(&["check", "--no-secrets", "--routes", "--format", "json"]).expect(0).json();
    let integrations =
        routes["alerts"].as_array().unwrap().iter().map(|alert| &alert["routes"][0]["integrations"]);
    assert!(
        integrations.into_iter().any(|kinds| kinds.as_array().is_some_and(|kinds| kinds.len() == 2)),
        "{routes}"
    );
}

#[test]
fn nothing_is_pulled_unasked_and_what_was_not_validated_can_fail() {
    let Some(mut lab) = Lab::open() else { return };
    lab.set("CONFIDEXMON_IMAGE_PROMETHEUS", "127.0.0.1:9/nowhere/prometheus:v0");
    let run = lab.run(&["check"]).expect(0);
    assert!(
        run.stderr.contains("the engine has no image 127.0.0.1:9/nowhere/prometheus:v0; `--pull`"),
        "{}",
        run.stderr
    );
    let run = lab.run(&["check", "--require-validators"]).expect(1);
    assert!(run.stderr.contains("the official validators were not run"), "{}", run.stderr);
    // Asked to, it tries: the engine's own words come back.
    let run = lab.run(&["check", "--pull", "--require-validators"]).expect(1);
    assert!(!run.stderr.contains("`--pull` fetches it"), "{}", run.stderr);
}

/// Each of another kind: a threshold, a share of two rates, a quantile, an absence.
const UNTESTED: &str = r#"
groups:
  - name: g
    rules:
      - alert: QueueLong
        expr: shop_queue_length{queue="orders"} > 50
        for: 5m
        labels: {severity: warning}
        annotations: {summary: 'The queue holds {{ $value }}', description: 'On "{{ $labels.instance }}".'}
      - alert: ManyErrors
        expr: sum by (job) (rate(shop_requests_total{status=~"5.."}[5m])) / sum by (job) (rate(shop_requests_total[5m])) > 0.05
        for: 10m
        labels: {severity: critical}
      - alert: Slow
        expr: histogram_quantile(0.95, sum by (le, job) (rate(shop_duration_seconds_bucket[5m]))) > 2
        labels: {severity: warning}
      - alert: Gone
        expr: absent(up{job="shop"})
        for: 5m
        labels: {severity: critical}
"#;

#[test]
fn a_generated_test_fires_and_passes() {
    let Some(lab) = Lab::open() else { return };
    lab.write("rules/shop.yml", UNTESTED);
    for alert in ["QueueLong", "ManyErrors", "Slow", "Gone"] {
        let text = lab.run(&["-q", "generate", "test", alert]).expect(0).stdout;
        assert!(text.contains("exp_labels"), "{text}");
        lab.write(&format!("rules/tests/{alert}.yml"), &text);
    }
    // The official tool's own verdict, and what the coverage makes of it.
    let report = lab.run(&["test-rules", "--format", "json"]).expect(0).json();
    assert!(!report.to_string().contains("\"passed\":false"), "{report}");
    let coverage = lab.run(&["test-rules", "--coverage"]);
    assert!(!coverage.stdout.contains("no firing"), "{}", coverage.stdout);
    assert!(lab.run(&["generate", "test", "QueueLng"]).expect(2).stderr.contains("`QueueLong`"));
}
