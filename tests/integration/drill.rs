//! Drills: from a unit test's series to a message, and through the running stack.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::lab::{Lab, docker, eventually, get_json, repository, runtime};

fn alert<'a>(report: &'a Value, name: &str) -> &'a Value {
    let alerts = report["alerts"].as_array().unwrap();
    alerts
        .iter()
        .find(|alert| alert["alert"] == name)
        .unwrap_or_else(|| panic!("{name} is not in the report"))
}

fn receivers(alert: &Value) -> Vec<&str> {
    let receivers = alert["delivery"]["receivers"].as_array().unwrap();
    receivers.iter().map(|receiver| receiver["name"].as_str().unwrap()).collect()
}

fn nothing_is_left(lab: &Lab) {
    assert!(lab.containers().is_empty(), "{:?}", lab.containers());
    assert!(lab.networks().is_empty(), "{:?}", lab.networks());
    assert!(lab.volumes().is_empty(), "{:?}", lab.volumes());
}

#[test]
fn every_shipped_alert_reaches_a_sink_and_the_page_shows_it() {
    let Some(lab) = Lab::open() else { return };
    let report = lab.run(&["drill", "--format", "json", "--html", "report.html"]).expect(0).json();
    let alerts = report["alerts"].as_array().unwrap();
    assert_eq!(alerts.len(), 49);
    for one in alerts {
        assert_eq!(one["level"], 3, "{one:#}");
        assert_eq!(one["delivery"]["fired"], true);
        let expected: &[&str] = match one["severity"].as_str().unwrap() {
            "critical" => &["critical"],
            "warning" => &["warning"],
            _ => &["watchdog"],
        };
        assert_eq!(receivers(one), expected, "{}", one["alert"]);
        for integration in one["delivery"]["receivers"][0]["integrations"].as_array().unwrap() {
            assert_eq!(integration["delivered"], true);
            assert!(
                integration["message"]["title"].as_str().unwrap().contains(one["alert"].as_str().unwrap())
            );
        }
    }
    let wallet = alert(&report, "CrankWalletLowBalance");
    let text = wallet["delivery"]["receivers"][0]["integrations"][1]["message"]["text"].as_str().unwrap();
    assert!(
        text.contains("holds 0.4550 SOL, less than 0.5 SOL"),
        "the scenario's own value at its own time: {text}"
    );
    assert_eq!(alert(&report, "Watchdog")["delivery"]["receivers"][0]["empty"], true);
    assert!(report["notes"].to_string().contains("today nobody would be notified"), "{}", report["notes"]);
    nothing_is_left(&lab);
    the_page_opens_in_a_browser(&lab);
}

fn the_page_opens_in_a_browser(lab: &Lab) {
    let page = lab.folder.path().join("report.html");
    let picture = lab.folder.path().join("report.png");
    let chromium = |arguments: &[&str]| {
        let mut command = Command::new("chromium");
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1280,1600"]);
        command.args(arguments).arg(format!("file://{}", page.display())).stderr(Stdio::null()).output()
    };
    let Ok(dom) = chromium(&["--dump-dom"]) else {
        eprintln!("not looked at in a browser: chromium is not installed");
        return;
    };
    let dom = String::from_utf8_lossy(&dom.stdout).into_owned();
    assert!(dom.contains("49 of 49 alerts reached level 3"), "{dom}");
    assert!(dom.contains("today nobody would be notified") && !dom.contains("All 49"), "{dom}");
    assert_eq!(dom.matches("<tr id=\"row-").count(), 49);
    assert_eq!(dom.matches("<details id=").count(), 49);
    assert!(dom.contains(">Runbook</a>") && !dom.contains("|Runbook"), "Slack's links are links");
    chromium(&[&format!("--screenshot={}", picture.display())]).unwrap();
    let size = std::fs::metadata(&picture).unwrap().len();
    assert!(size > 30_000, "a page of text is no {size} bytes");
}

const RULES: &str = r#"
groups:
  - name: planted
    interval: 1m
    rules:
      - alert: BigTrouble
        expr: confidex_crank_pending_matches > 10
        for: 5m
        labels: {severity: critical, component: planted}
        annotations: {summary: Big trouble, description: 'It is {{ $value }}.', runbook: BigTrouble, dashboard: confidex-overview}
      - alert: SmallTrouble
        expr: confidex_crank_pending_matches > 1
        for: 5m
        labels: {severity: warning, component: planted}
        annotations: {summary: Small trouble, description: 'It is {{ $value }}.', runbook: SmallTrouble, dashboard: confidex-overview}
      - alert: BrokenTemplate
        expr: confidex_crank_consecutive_errors > 1
        labels: {severity: warning, component: template}
        annotations: {summary: Broken, description: '{{ template "nowhere" . }}', runbook: BrokenTemplate, dashboard: confidex-overview}
      - alert: NoRunbook
        expr: confidex_crank_consecutive_errors > 1
        labels: {severity: warning, component: runbook}
        annotations: {summary: Lost, description: 'Nobody knows what to do.', dashboard: confidex-overview}
      - alert: NobodyExports
        expr: confidex_crank_statuses == 1
        labels: {severity: warning, component: contract}
        annotations: {summary: Never, description: 'It cannot be.', runbook: NobodyExports, dashboard: confidex-overview}
      - alert: Untested
        expr: confidex_crank_status == 7
        labels: {severity: warning, component: untested}
        annotations: {summary: Untested, description: 'Who knows.', runbook: Untested, dashboard: confidex-overview}
"#;

fn case(alert: &str, series: &str, quiet: &str) -> String {
    format!(
        "  - name: {alert} fires\n    interval: 15s\n    input_series:\n      - series: '{series}{{instance=\"a:1\",job=\"confidex-backend\"}}'\n        values: '20x100'\n    promql_expr_test: []\n    alert_rule_test:\n      - {{eval_time: 10m, alertname: {alert}, exp_alerts: [{{exp_labels: {{instance: 'a:1'}}}}]}}\n  - name: {alert} stays quiet\n    interval: 15s\n    input_series:\n      - series: '{series}{{instance=\"a:1\",job=\"confidex-backend\"}}'\n        values: '{quiet}'\n    alert_rule_test:\n      - {{eval_time: 10m, alertname: {alert}}}\n"
    )
}

fn planted(lab: &Lab) {
    lab.write("rules/planted.yml", RULES);
    let cases = [
        case("BigTrouble", "confidex_crank_pending_matches", "1x100"),
        case("SmallTrouble", "confidex_crank_pending_matches", "1x100"),
        case("BrokenTemplate", "confidex_crank_consecutive_errors", "1x100"),
        case("NoRunbook", "confidex_crank_consecutive_errors", "1x100"),
        case("NobodyExports", "confidex_crank_statuses", "0x100").replace("20x100", "1x100"),
    ];
    lab.write(
        "rules/tests/planted.yml",
        &format!("rule_files: [../planted.yml]\ntests:\n{}", cases.concat()),
    );
}

fn step(alert: &Value, level: usize) -> &Value {
    alert["steps"].as_array().unwrap().iter().find(|step| step["level"] == level).unwrap()
}

#[test]
fn what_would_not_reach_a_person_is_told_with_its_reason() {
    let Some(lab) = Lab::open() else { return };
    planted(&lab);
    let run = lab.run(&["drill", "--format", "json"]).expect(6);
    let report = run.json();

    let inhibited = alert(&report, "SmallTrouble");
    assert_eq!(inhibited["delivery"]["inhibited_by"], json!(["BigTrouble"]), "{inhibited:#}");
    assert_eq!(step(inhibited, 3)["detail"], "fired, inhibited by BigTrouble");
    assert_eq!(inhibited["delivery"]["also_fired"], json!(["BigTrouble"]));
    let inhibitor = alert(&report, "BigTrouble");
    assert_eq!(step(inhibitor, 3)["ok"], true, "{inhibitor:#}");

    let broken = alert(&report, "BrokenTemplate");
    assert!(step(broken, 3)["detail"].as_str().unwrap().contains("error expanding template"), "{broken:#}");
    let lost = alert(&report, "NoRunbook");
    assert_eq!(step(lost, 3)["detail"], "the slack message has no link to a runbook", "{lost:#}");

    // It arrives, yet no level can be jumped over.
    let unreal = alert(&report, "NobodyExports");
    assert_eq!((&unreal["level"], &step(unreal, 3)["ok"]), (&json!(0), &json!(true)), "{unreal:#}");
    assert!(step(unreal, 1)["detail"].as_str().unwrap().contains("confidex_crank_statuses"));

    let untested = alert(&report, "Untested");
    assert_eq!((&untested["level"], &untested["delivery"]), (&json!(1), &Value::Null));
    assert!(step(untested, 2)["detail"].as_str().unwrap().contains("no unit test names it"));
    nothing_is_left(&lab);
}

/// Alertmanager reports neither of these when it loads its configuration.
#[test]
fn a_template_that_is_missing_is_seen_in_what_arrives() {
    let Some(lab) = Lab::open() else { return };
    let shipped =
        std::fs::read_to_string(repository().join("config/notifications/confidexmon.tmpl")).unwrap();
    let broken = shipped
        .replace("define \"confidexmon.slack.title\"", "define \"renamed.title\"")
        .replace("define \"confidexmon.pagerduty.description\"", "define \"renamed.description\"");
    lab.write("config/notifications/confidexmon.tmpl", &broken);
    let report = lab
        .run(&["drill", "--format", "json", "OrderCacheDisconnected", "CrankServiceDown"])
        .expect(6)
        .json();
    let blank = alert(&report, "OrderCacheDisconnected");
    assert_eq!(step(blank, 3)["detail"], "the title of the slack message is blank", "{blank:#}");
    let lost = alert(&report, "CrankServiceDown");
    let why = step(lost, 3)["detail"].as_str().unwrap();
    assert!(
        why.starts_with("fired, but nothing arrived from pagerduty of `critical`: Alertmanager gave up"),
        "{lost:#}"
    );
}

#[test]
fn rules_of_one_name_are_drilled_each_by_its_own_labels() {
    let Some(lab) = Lab::open() else { return };
    let rule = |threshold: usize, severity: &str| {
        format!(
            "      - alert: Queue\n        expr: confidex_crank_pending_matches > {threshold}\n        labels: {{severity: {severity}, component: queue}}\n        annotations: {{summary: Queue, description: 'It is {{{{ $value }}}}.', runbook: Queue, dashboard: confidex-overview}}\n"
        )
    };
    lab.write(
        "rules/queue.yml",
        &format!("groups:\n  - name: queue\n    rules:\n{}{}", rule(1, "warning"), rule(10, "critical")),
    );
    let fires = |value: usize, labels: &str| {
        format!(
            "  - name: at {value}\n    interval: 15s\n    input_series:\n      - {{series: 'confidex_crank_pending_matches{{instance=\"a:1\",job=\"confidex-backend\"}}', values: '{value}x40'}}\n    alert_rule_test:\n      - eval_time: 5m\n        alertname: Queue\n        exp_alerts:\n{labels}"
        )
    };
    let expected = |severity: &str, value: usize| {
        format!(
            "          - exp_labels: {{instance: 'a:1', job: confidex-backend, severity: {severity}, component: queue}}\n            exp_annotations: {{summary: Queue, description: 'It is {value}.', runbook: Queue, dashboard: confidex-overview}}\n"
        )
    };
    let tests = [
        fires(20, &format!("{}{}", expected("warning", 20), expected("critical", 20))),
        fires(2, &expected("warning", 2)),
        fires(0, "          []\n"),
    ];
    lab.write("rules/tests/queue.yml", &format!("rule_files: [../queue.yml]\ntests:\n{}", tests.concat()));
    let report = lab.run(&["drill", "--format", "json"]).expect(0).json();
    let told: Vec<(&str, Vec<&str>)> = report["alerts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["severity"].as_str().unwrap(), receivers(one)))
        .collect();
    assert_eq!(told, [("warning", vec!["warning"]), ("critical", vec!["critical"])], "{report:#}");
    let elsewhere = report["alerts"][0]["delivery"]["inhibited_elsewhere"].as_str().unwrap();
    assert_eq!(elsewhere, "in the scenario `at 20` by Queue");
}

/// Half an hour of a recorded series, in a drill that takes seconds.
#[test]
fn an_alert_over_a_range_of_a_recorded_series_fires() {
    let Some(lab) = Lab::open() else { return };
    lab.write(
        "rules/recorded.yml",
        "groups:\n  - name: recorded\n    rules:\n      - record: job:confidex_crank_pending_matches:sum\n        expr: sum by (job, instance) (confidex_crank_pending_matches)\n        labels: {team: crank}\n      - alert: LongQueue\n        expr: avg_over_time(job:confidex_crank_pending_matches:sum{team=\"crank\"}[30m] offset 5m) > 1.5\n        for: 5m\n        labels: {severity: warning, component: queue}\n        annotations: {summary: Queue, description: 'It is {{ $value }}.', runbook: Queue, dashboard: confidex-overview}\n",
    );
    let series = "confidex_crank_pending_matches{instance=\"a:1\",job=\"confidex-backend\"}";
    let quiet = "      - eval_time: 40m\n        alertname: LongQueue\n        exp_alerts: []\n";
    let fires = "      - eval_time: 40m\n        alertname: LongQueue\n        exp_alerts:\n          - exp_labels: {instance: 'a:1', job: confidex-backend, severity: warning, component: queue, team: crank}\n            exp_annotations: {summary: Queue, description: 'It is 2.', runbook: Queue, dashboard: confidex-overview}\n";
    let test = |name: &str, values: &str, expected: &str| {
        format!(
            "  - name: {name}\n    interval: 30s\n    input_series:\n      - {{series: '{series}', values: '{values}'}}\n    alert_rule_test:\n{expected}"
        )
    };
    let tests = format!(
        "rule_files: [../recorded.yml]\nevaluation_interval: 30s\ntests:\n{}{}",
        test("fires", "2x100", fires),
        test("quiet", "1x100", quiet)
    );
    lab.write("rules/tests/recorded.yml", &tests);
    let report = lab.run(&["drill", "--format", "json"]).expect(0).json();
    let annotations = &alert(&report, "LongQueue")["delivery"]["annotations"];
    assert_eq!(annotations["description"], "It is 2.");
}

/// Alertmanager reads a detail of `PagerDuty`'s event again as YAML: as a list, this summary would arrive as
/// `["prod"]` and the rest of the text nowhere.
#[test]
fn a_summary_that_looks_like_yaml_arrives_at_pagerduty_as_it_is() {
    let Some(lab) = Lab::open() else { return };
    planted(&lab);
    let rules = RULES.replace("summary: Big trouble", "summary: '[prod] {big: trouble}'");
    lab.write("rules/planted.yml", &rules);
    let report = lab.run(&["drill", "--format", "json", "BigTrouble"]).json();
    let integrations = alert(&report, "BigTrouble")["delivery"]["receivers"][0]["integrations"].clone();
    let pagerduty = integrations.as_array().unwrap().iter().find(|one| one["kind"] == "pagerduty");
    let text = pagerduty.unwrap()["message"]["text"].as_str().unwrap().to_owned();
    assert!(text.starts_with("• [prod] {big: trouble}"), "{integrations:#}");
    assert!(text.contains("It is 20."), "{text}");
}

#[test]
fn a_file_that_promtool_refuses_costs_only_its_own_alerts() {
    let Some(lab) = Lab::open() else { return };
    planted(&lab);
    lab.write(
        "rules/broken.yml",
        "groups:\n  - name: broken\n    rules:\n      - alert: Unreadable\n        expr: up == == 0\n",
    );
    let report = lab.run(&["drill", "--format", "json", "Unreadable", "BigTrouble"]).expect(6).json();
    assert_eq!(alert(&report, "Unreadable")["level"], Value::Null);
    assert!(step(alert(&report, "Unreadable"), 0)["detail"].as_str().unwrap().contains("parse error"));
    assert_eq!(step(alert(&report, "BigTrouble"), 3)["ok"], true);
}

#[test]
fn an_alert_that_does_not_exist_is_named_with_the_nearest() {
    let Some(lab) = Lab::open() else { return };
    let run = lab.run(&["drill", "CrankServiceDwn"]).expect(2);
    assert!(run.stderr.contains("did you mean `CrankServiceDown`?"), "{}", run.stderr);
    assert!(lab.run(&["drill", "--live", "--yes"]).expect(2).stderr.contains("one alert, by name"));
    assert!(lab.run(&["drill", "--live", "CrankServiceDown"]).expect(2).stderr.contains("--yes"));
    let run = lab.run(&["drill", "--live", "--yes", "CrankServiceDown"]).expect(1);
    assert!(
        run.stderr.contains("does not answer") && run.stderr.contains("confidexmon up"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_drill_that_is_interrupted_leaves_nothing() {
    let Some(lab) = Lab::open() else { return };
    let child = lab
        .command(&["drill", "CrankServiceDown"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    eventually("its containers run", Duration::from_mins(1), || {
        lab.containers().keys().any(|name| name.contains("-alertmanager-"))
    });
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    nothing_is_left(&lab);
}

#[test]
fn leftovers_of_a_killed_drill_disturb_nothing_and_are_swept() {
    let Some(lab) = Lab::open() else { return };
    let begin = || {
        let mut command = lab.command(&["drill", "CrankServiceDown"]);
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    };
    let leave = || {
        let mut child = begin();
        eventually("its containers run", Duration::from_mins(1), || {
            lab.containers().keys().any(|name| name.contains("-alertmanager-"))
        });
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!lab.containers().is_empty());
    };
    leave();
    // Said at once, with a remedy that works, and not of a drill that runs.
    let leftovers = || {
        let topics = lab.run(&["--format", "json", "doctor", "stack"]).json()["topics"].clone();
        let checks = topics[0]["checks"].as_array().unwrap().clone();
        let named = checks.into_iter().filter(|check| check["id"] == "leftovers");
        named.map(|check| format!("{} {}", check["what"], check["evidence"])).collect::<Vec<_>>()
    };
    assert!(
        leftovers().iter().any(|said| said.contains("-drill-") && said.contains("no drill runs")),
        "{:?}",
        leftovers()
    );
    lab.run(&["doctor", "stack", "--fix", "--yes"]);
    assert!(lab.containers().is_empty(), "{:?}", lab.containers());
    let mut child = begin();
    eventually("its containers run", Duration::from_mins(1), || !lab.containers().is_empty());
    let said = leftovers();
    assert!(child.try_wait().unwrap().is_none(), "it ended before doctor looked");
    assert!(said.iter().all(|said| !said.contains("-drill-")), "{said:?}");
    child.kill().unwrap();
    child.wait().unwrap();
    leave();
    let status = lab.run(&["status", "--exit-zero", "--format", "json"]).expect(0).json();
    assert_eq!(status["services"].as_array().unwrap().len(), 3);
    lab.run(&["up", "--without", "grafana"]).expect(0);
    assert!(lab.run(&["plan", "--without", "grafana"]).expect(0).stdout.contains("nothing to do"));
    let old = lab.containers();
    lab.run(&["drill", "CrankServiceDown"]).expect(0);
    assert_eq!(lab.containers().len(), 2, "the next drill swept {old:?}");
    leave();
    lab.run(&["down", "--volumes"]).expect(0);
    nothing_is_left(&lab);
}

/// A webhook that keeps what is posted to it, where containers can reach it.
struct Webhook {
    url: String,
    bodies: Arc<Mutex<Vec<Value>>>,
}

impl Webhook {
    fn open() -> Self {
        let subnet = docker(&["network", "inspect", "bridge", "-f", "{{(index .IPAM.Config 0).Subnet}}"]);
        let subnet = String::from_utf8_lossy(&subnet.stdout).trim().to_owned();
        // The engine takes the first address of the bridge for itself.
        let gateway = format!("{}.1", subnet.rsplit_once('.').unwrap().0);
        let listener = TcpListener::bind((gateway.as_str(), 0)).unwrap();
        let url = format!("http://host.docker.internal:{}/", listener.local_addr().unwrap().port());
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let kept = bodies.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = keep(stream, &kept);
            }
        });
        Self { url, bodies }
    }

    /// The stack's own alerts arrive too.
    fn about(&self, alert: &str, status: &str) -> Vec<Value> {
        let bodies = self.bodies.lock().unwrap();
        let ours = |body: &&Value| body["status"] == status && body["commonLabels"]["alertname"] == alert;
        bodies.iter().filter(ours).cloned().collect()
    }
}

fn keep(mut stream: std::net::TcpStream, bodies: &Mutex<Vec<Value>>) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let (mut request, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut chunk)?;
        request.extend_from_slice(&chunk[..count]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .lines()
            .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok());
        if count == 0 || body.len() >= length.unwrap_or(0) {
            bodies.lock().unwrap().push(serde_json::from_str(body).unwrap_or(Value::Null));
            return stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    }
}

#[test]
fn live_goes_through_the_running_stack_and_is_taken_back() {
    let Some(mut lab) = Lab::open() else { return };
    let webhook = Webhook::open();
    lab.set("ALERT_WEBHOOK_URL", &webhook.url);
    lab.write("config/confidexmon.yml", "receivers:\n  group_wait: 1s\n  group_interval: 2s\n");
    // The webhook gets every alert, and a receiver's counters do not tell whose message it was: without the
    // stack's own rules there is no Watchdog, whose message may come at any moment of the first minute.
    lab.copy("rules");
    for path in ["stack.yml", "tests/stack.yml", "tests/stack-alertmanager.yml", "tests/stack-prometheus.yml"]
    {
        std::fs::remove_file(lab.folder.path().join("rules").join(path)).unwrap();
    }
    lab.run(&["up", "--without", "grafana"]).expect(0);

    let report =
        lab.run(&["drill", "OrderCacheDisconnected", "--live", "--yes", "--format", "json"]).expect(0).json();
    let told = alert(&report, "OrderCacheDisconnected");
    assert_eq!(told["level"], 4, "{told:#}");
    let live = &told["live"];
    assert_eq!(live["receivers"][0]["name"], "webhook");
    assert_eq!(
        (&live["receivers"][0]["delivered"], &live["resolved"]),
        (&json!(1), &json!(true)),
        "{live:#}"
    );
    let nonce = live["nonce"].as_str().unwrap();
    let firing = webhook.about("OrderCacheDisconnected", "firing");
    assert_eq!(firing.len(), 1, "the scratch drill reaches no real receiver: {firing:#?}");
    assert_eq!(firing[0]["commonLabels"]["drill"], nonce);
    let summary = firing[0]["commonAnnotations"]["summary"].as_str().unwrap();
    assert!(summary.starts_with("[TEST] Order cache"), "{summary}");
    assert_eq!(get_json(&lab.url("alertmanager", "/api/v2/alerts?filter=drill%3D~%22.%2B%22")), json!([]));
    eventually("the end is told too", Duration::from_secs(20), || {
        !webhook.about("OrderCacheDisconnected", "resolved").is_empty()
    });

    silence(&lab, "OrderCacheDisconnected");
    let report =
        lab.run(&["drill", "OrderCacheDisconnected", "--live", "--yes", "--format", "json"]).expect(6).json();
    let silenced = alert(&report, "OrderCacheDisconnected");
    assert_eq!(silenced["level"], 3);
    assert!(
        step(silenced, 4)["detail"].as_str().unwrap().contains("silenced by the silence"),
        "{silenced:#}"
    );
    assert_eq!(webhook.about("OrderCacheDisconnected", "firing").len(), 1);
    assert_eq!(get_json(&lab.url("alertmanager", "/api/v2/alerts?filter=drill%3D~%22.%2B%22")), json!([]));
}

#[test]
fn live_names_every_receiver_that_fails_with_its_reason_and_does_not_wait_for_them() {
    let Some(mut lab) = Lab::open() else { return };
    lab.set("SLACK_WEBHOOK_CRITICAL", "https://nope.invalid/x");
    lab.set("PAGERDUTY_SERVICE_KEY", "abc");
    // Alertmanager logs the address of a request that failed, and its token stands in that.
    lab.set("TELEGRAM_BOT_TOKEN", "1234:canary-of-telegram");
    lab.write(
        "config/confidexmon.yml",
        "receivers:\n  group_wait: 1s\n  telegram_chat_id: 42\n  pagerduty_url: http://host.docker.internal:9/v2/enqueue\n",
    );
    lab.run(&["up", "--without", "grafana"]).expect(0);
    let began = std::time::Instant::now();
    let run = lab.run(&["drill", "CrankServiceDown", "--live", "--yes", "--format", "json"]).expect(6);
    assert!(began.elapsed() < Duration::from_secs(90), "it waited for the timeout: {:?}", began.elapsed());
    let report = run.json();
    let told = alert(&report, "CrankServiceDown");
    let why = step(told, 4)["detail"].as_str().unwrap();
    for words in
        ["slack of `", "does not resolve", "pagerduty of `", "nothing listens at the receiver's address"]
    {
        assert!(why.contains(words), "{words}: {why}");
    }
    assert!(!why.contains("group interval"), "{why}");
    assert!(why.contains("telegram of `"), "{why}");
    assert!(
        !run.stdout.contains("canary-of") && !run.stderr.contains("canary-of"),
        "{}{}",
        run.stdout,
        run.stderr
    );
    let receivers = told["live"]["receivers"].as_array().unwrap();
    assert!(
        receivers.iter().all(|one| one["delivered"] == 0 && one["failed_requests"].as_u64() > Some(3)),
        "{told:#}"
    );
    assert!(run.stderr.contains("(group_wait)") && run.stderr.contains("attempts failed)"), "{}", run.stderr);
    assert!(run.stderr.contains("doctor alerts"), "{}", run.stderr);
}

#[test]
fn live_says_when_nobody_would_be_told() {
    let Some(lab) = Lab::open() else { return };
    lab.run(&["up", "--without", "grafana"]).expect(0);
    let report =
        lab.run(&["drill", "OrderCacheDisconnected", "--live", "--yes", "--format", "json"]).expect(6).json();
    let untold = alert(&report, "OrderCacheDisconnected");
    assert_eq!(untold["level"], 3);
    assert!(step(untold, 4)["detail"].as_str().unwrap().contains("nobody is told"), "{untold:#}");
}

#[test]
fn live_names_the_time_interval_that_mutes_it_and_the_drill_does_not_depend_on_the_hour() {
    let Some(mut lab) = Lab::open() else { return };
    lab.set("ALERT_WEBHOOK_URL", "http://127.0.0.1:9/");
    lab.write(
        "config/templates/alertmanager.yml",
        "templates:\n{% for file in alertmanager.template_files %}\n  - ${{ file }}\n{% endfor %}\nroute:\n  receiver: webhook\n  group_wait: 1s\n  routes:\n    - matchers: ['alertname=\"OrderCacheDisconnected\"']\n      mute_time_intervals: [always]\ntime_intervals:\n  - name: always\n    time_intervals:\n      - times: [{start_time: '00:00', end_time: '24:00'}]\nreceivers:\n  - name: webhook\n    webhook_configs:\n      - url_file: ${{ alertmanager.webhook.url_file }}\n",
    );
    lab.run(&["up", "--without", "grafana"]).expect(0);
    let report =
        lab.run(&["drill", "OrderCacheDisconnected", "--live", "--yes", "--format", "json"]).expect(6).json();
    let muted = alert(&report, "OrderCacheDisconnected");
    assert_eq!(step(muted, 3)["ok"], true, "{muted:#}");
    assert!(report["notes"].to_string().contains("the time interval `always` of a route"));
    let why = step(muted, 4)["detail"].as_str().unwrap();
    assert!(why.contains("muted by the time interval always"), "{muted:#}");
}

fn silence(lab: &Lab, alert: &str) {
    let now = jiff::Timestamp::now();
    let body = json!({
        "matchers": [{"name": "alertname", "value": alert, "isRegex": false, "isEqual": true}],
        "startsAt": now.to_string(),
        "endsAt": (now + jiff::SignedDuration::from_mins(10)).to_string(),
        "createdBy": "test", "comment": "test",
    });
    let url = lab.url("alertmanager", "/api/v2/silences");
    let status = runtime()
        .block_on(async { reqwest::Client::new().post(url).json(&body).send().await.unwrap().status() });
    assert!(status.is_success(), "{status}");
}
