//! The routing walk against Alertmanager's own: generated trees and label sets, asked of the real amtool.
//! Then what the command makes of it.

use std::collections::BTreeSet;

use confidexmon::analysis::routing::{Labels, Tristate, inhibition, walk};
use confidexmon::formats::alertmanager::AlertmanagerFile;
use serde_json::{Value, json};

use crate::differential::{Random, ask, quoted};
use crate::lab::Lab;

const TREES: usize = 50;
const LABEL_SETS: usize = 8;

const LABELS: [&str; 3] = ["severity", "team", "a_b"];
const VALUES: [&str; 6] = ["x", "y", "xy", "a|b", "d\\d", "1"];

/// Matchers as people write them, also those that only the older or only the newer parser takes.
fn matcher(random: &mut Random) -> String {
    let label = random.pick(&LABELS);
    let patterns = [
        "{}=x",
        "{}=\"x\"",
        " {} = \"y\" ",
        "{}!=x",
        "{}=~\"x|y\"",
        "{}=~x.*",
        "{}=~\"(x|y)+\"",
        "{}!~\"x|1\"",
        "{}=~\"\\d\"",
        "{}=~\"\\\\d\"",
        "{}=\"d\\\\d\"",
        "{}=",
        "{}=\"\"",
        "{}!=\"\"",
        "{}=~\".+\"",
        "{}!~\".+\"",
        "{}=~\".*\"",
        "{}=~\"\"",
        "{}=\"a|b\"",
        "{}=~\"a\\\\|b\"",
        "\"{}\"=\"x\"",
        "{{}=\"x\"}",
        "{}!=y, team!=\"y\"",
        "{{}=~\"x|y\", severity!=1,}",
        "{}==x",
        "{}=~^x$",
        "{}=~\"^x|y$\"",
        "{}=~\"(?i)X\"",
    ];
    random.pick(&patterns).replacen("{}", label, 1)
}

fn route(random: &mut Random, depth: usize, names: &mut Vec<String>) -> Value {
    let mut route = json!({});
    // Without a receiver of its own it inherits one.
    if depth == 0 || !random.one_in(5) {
        names.push(format!("r{}", names.len()));
        route["receiver"] = json!(names.last());
    }
    if depth > 0 {
        match random.below(6) {
            0 => route["match"] = json!({random.pick(&LABELS): random.pick(&VALUES)}),
            1 => route["match_re"] = json!({random.pick(&LABELS): "x|y.?"}),
            2 => {}
            _ => {
                let lines: Vec<String> = (0..=random.below(2)).map(|_| matcher(random)).collect();
                route["matchers"] = json!(lines);
            }
        }
        route["continue"] = json!(random.one_in(3));
    }
    let children = if depth < 3 { 3 + random.below(3) - depth } else { 0 };
    let children: Vec<Value> = (0..children).map(|_| self::route(random, depth + 1, names)).collect();
    route["routes"] = json!(children);
    route
}

fn configuration(random: &mut Random) -> String {
    let mut names = Vec::new();
    let root = route(random, 0, &mut names);
    let receivers: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
    json!({"route": root, "receivers": receivers}).to_string()
}

type LabelSet = Vec<(&'static str, &'static str)>;

fn label_set(random: &mut Random) -> LabelSet {
    let kept: Vec<_> = LABELS.into_iter().filter(|_| !random.one_in(3)).collect();
    kept.into_iter().map(|label| (label, random.pick(&VALUES))).collect()
}

#[test]
fn the_walk_is_that_of_alertmanager() {
    if Lab::open().is_none() {
        return;
    }
    let mut random = Random(20_260_101);
    let mut script = "cd /tmp\n".to_owned();
    let mut expected = Vec::new();
    for tree in 0..TREES {
        let text = configuration(&mut random);
        let file = AlertmanagerFile::read("alertmanager.yml", text.clone());
        assert!(file.problems.is_empty(), "{text}: {:?}", file.problems);
        script += &format!("cat > {tree}.yml <<'END'\n{text}\nEND\n");
        for _ in 0..LABEL_SETS {
            let labels = label_set(&mut random);
            let hits = walk(file.root.as_ref().unwrap(), &Labels::exact(labels.iter().copied()));
            let receivers: Vec<_> = hits.iter().map(|hit| hit.route.sends_to.as_str()).collect();
            expected.push((receivers.join(","), text.clone(), labels.clone()));
            let pairs: Vec<String> = labels
                .iter()
                .map(|(label, value)| quoted(&format!("{label}=\"{}\"", value.replace('\\', "\\\\"))))
                .collect();
            script += &format!(
                "amtool config routes test --config.file={tree}.yml {} 2>error || cat error\necho\n",
                pairs.join(" ")
            );
        }
    }
    let answers = ask("alertmanager", &script);
    // What it has to say about matchers goes to its standard output, too.
    let answers: Vec<&str> =
        answers.lines().filter(|line| !line.is_empty() && !line.starts_with("time=")).collect();
    assert_eq!(answers.len(), expected.len(), "{answers:#?}");
    for (answer, (receivers, text, labels)) in answers.iter().zip(&expected) {
        assert_eq!(answer, receivers, "{labels:?} in {text}");
    }
    let several = expected.iter().filter(|(receivers, ..)| receivers.contains(',')).count();
    let deep = expected.iter().filter(|(receivers, ..)| receivers != "r0").count();
    assert!(
        several > 40 && deep > 200,
        "the cases became dull: {several} with several routes, {deep} below the root"
    );
}

const INHIBITIONS: usize = 100;

/// One inhibition rule of its own for each case, and the labels of its source and target.
fn inhibition_case(random: &mut Random, case: usize) -> (Value, LabelSet, LabelSet) {
    let own = format!("case=\"{case}\"");
    let side = |random: &mut Random| {
        let forms = ["{}=x", "{}=~\"x|y\"", "{}!=x", "{}=\"\"", "{}!=\"\"", "{}=~\".*\""];
        (0..random.below(2))
            .map(|_| random.pick(&forms).replace("{}", random.pick(&LABELS)))
            .collect::<Vec<_>>()
    };
    let equal: Vec<&str> = LABELS.into_iter().filter(|_| random.one_in(3)).collect();
    let (mut source, target) =
        ([vec![own.clone()], side(random)].concat(), [vec![own], side(random)].concat());
    // Without this many alerts are on both sides, and so never inhibited.
    if !random.one_in(3) {
        source.push("who=source".to_owned());
    }
    let rule = json!({
        "source_matchers": source,
        "target_matchers": target,
        "equal": equal,
    });
    let labels = |random: &mut Random| -> LabelSet {
        let kept: Vec<_> = LABELS.into_iter().filter(|_| !random.one_in(3)).collect();
        kept.into_iter().map(|label| (label, random.pick(&["x", "y"]))).collect()
    };
    (rule, labels(random), labels(random))
}

/// The same question to a real Alertmanager: it is given both alerts and says which one is inhibited.
#[test]
fn inhibition_is_that_of_alertmanager() {
    if Lab::open().is_none() {
        return;
    }
    let mut random = Random(20_260_102);
    let cases: Vec<_> = (0..INHIBITIONS).map(|case| inhibition_case(&mut random, case)).collect();
    let rules: Vec<&Value> = cases.iter().map(|(rule, ..)| rule).collect();
    let text =
        json!({"route": {"receiver": "a"}, "receivers": [{"name": "a"}], "inhibit_rules": rules}).to_string();
    let add = |case: usize, who: &str, labels: &LabelSet| {
        let pairs: Vec<String> = labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
        format!("amtool $URL alert add case={case} who={who} {}\n", pairs.join(" "))
    };
    // Of several sources with the same `equal` labels Alertmanager looks at the newest, so that one is last.
    let targets = cases.iter().enumerate().map(|(case, (_, _, target))| add(case, "target", target));
    let sources = cases.iter().enumerate().map(|(case, (_, source, _))| add(case, "source", source));
    let alerts: String = targets.chain(sources).collect();
    let script = format!(
        "cd /tmp\ncat > a.yml <<'END'\n{text}\nEND\nURL=--alertmanager.url=http://127.0.0.1:9093\n\
         alertmanager --config.file=a.yml --storage.path=/tmp/d --cluster.listen-address= \
         --web.listen-address=127.0.0.1:9093 >log 2>&1 &\n\
         for i in $(seq 50); do amtool $URL alert query >/dev/null 2>&1 && break; sleep 0.2; done\n\
         {alerts}sleep 1\namtool $URL alert query --inhibited -o json who=target\n"
    );
    let answer = ask("alertmanager", &script);
    let inhibited: Value = serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"));
    let inhibited: Vec<&str> =
        inhibited.as_array().unwrap().iter().map(|alert| alert["labels"]["case"].as_str().unwrap()).collect();

    let file = AlertmanagerFile::read("a.yml", text);
    assert!(file.problems.is_empty(), "{:?}", file.problems);
    let mut count = 0;
    for (case, (rule, source, target)) in cases.iter().enumerate() {
        let number = case.to_string();
        let labels = |set: &LabelSet, who| {
            Labels::exact(set.iter().copied().chain([("case", number.as_str()), ("who", who)]))
        };
        let (source_labels, target_labels) = (labels(source, "source"), labels(target, "target"));
        let look = |labels| inhibition::project(&file.inhibit_rules[case], labels);
        let ours = inhibition::inhibits(&look(&source_labels), &look(&target_labels)) == Tristate::Always;
        assert_eq!(ours, inhibited.contains(&number.as_str()), "{rule} source {source:?} target {target:?}");
        count += usize::from(ours);
    }
    assert!((15..85).contains(&count), "the cases became dull: {count} inhibited");
}

#[test]
fn the_matrix_shows_who_is_told() {
    let Some(mut lab) = Lab::open() else { return };
    lab.set("SLACK_WEBHOOK_URL", "https://hooks.slack.test/a");
    lab.set("PAGERDUTY_SERVICE_KEY", "0123456789abcdef0123456789abcdef");
    let table = lab.run(&["check", "--routes"]).expect(0).stdout;
    // On a terminal of that many columns, through `script`, which makes one.
    let narrow = |columns: u16| {
        let binary = env!("CARGO_BIN_EXE_confidexmon");
        let line = format!("script -qec 'stty cols {columns} rows 24; {binary} check --routes' /dev/null");
        let output = lab.shell(&line).env("NO_COLOR", "1").output().unwrap();
        String::from_utf8_lossy(&output.stdout).replace('\r', "")
    };
    for columns in [80, 120] {
        let table = narrow(columns);
        assert!(table.lines().all(|line| line.chars().count() <= usize::from(columns)), "{table}");
        let is_told =
            |line: &str| line.starts_with("CrankWalletLowBalance") && line.contains("critical (pagerduty,");
        assert!(table.lines().any(is_told), "{table}");
    }
    let row =
        |alert: &str| table.lines().find(|line| line.split(' ').next() == Some(alert)).unwrap().to_owned();
    assert!(row("CrankWalletLowBalance").contains("critical (pagerduty, slack)"), "{table}");
    assert!(row("MPCHighTimeoutRate").contains("warning (slack)"), "{table}");
    assert!(row("MPCHighTimeoutRate").contains("ConfidexBackendDown"), "{table}");

    let matrix = lab.run(&["check", "--routes", "--format", "json"]).expect(0).json();
    let alerts = matrix["alerts"].as_array().unwrap();
    let of = |name: &str| alerts.iter().find(|row| row["alert"] == name).unwrap().clone();
    let low = of("CrankWalletLowBalance");
    assert_eq!(low["severity"], "critical");
    assert_eq!(low["routes"][0]["integrations"], json!(["pagerduty", "slack"]));
    assert_eq!(low["routes"][0]["group_wait"], "10s");
    assert_eq!(low["routes"][0]["certain"], true);
    assert_eq!(of("RPCFailover")["routes"][0]["receiver"], "warning");
    assert_eq!(of("Watchdog")["silenced_by"], json!([]));
}

/// What promtool and amtool both accept, and would not work.
const RULES: &str = r#"groups:
  - name: g
    rules:
      - alert: SettlementFailureRate
        expr: rate(confidex_crank_match_attempts_total{status="failed"}[5m]) / rate(confidex_crank_match_attempts_total[5m]) > 0.1
        for: 5m
        labels: {severity: warning}
        annotations: {summary: '{{ $value | printf "%.2f" }}%', description: d, runbook: RPCFailover}
      - alert: HighMemory
        expr: confidex_nodejs_heap_used_bytes > 1e9
        for: 5m
        labels: {severity: warning}
        annotations: {summary: s, description: d, runbook: RPCFailover}
      - alert: CrankWalletLowBalance
        expr: confidex_wallet_balance_sol{wallet="crank"} < 0.5
        for: 5m
        labels: {severity: critical}
        annotations: {summary: s, description: d, runbook: RPCFailover}
      - alert: BackendDown
        expr: up{job="confidex-backend"} == 0 or absent(up{job="confidex-backend"})
        for: 1m
        labels: {severity: critical}
        annotations: {summary: s, description: d, runbook: RPCFailover}
      - alert: ApiErrors
        expr: sum(rate(confidex_http_requests_total{status=~"5.."}[5m])) > 1
        for: 1m
        labels: {severity: warning}
        annotations: {summary: s, description: d, runbook: RPCFailover}
"#;

const ROUTING: &str = r"route:
  receiver: team
  routes:
    - matchers: ['severity=critical']
      receiver: pager
    - matchers: ['alertname=CrankWalletLowBalance']
      receiver: pager
      group_wait: 0s
inhibit_rules:
  - source_matchers: ['alertname=BackendDown']
    target_matchers: ['alertname!=BackendDown']
    equal: [instance]
receivers:
  - name: team
    webhook_configs: [{url: 'http://team.test/'}]
  - name: pager
    webhook_configs: [{url: 'http://pager.test/'}]
";

#[test]
fn what_the_official_tools_accept_is_found() {
    let Some(lab) = Lab::open() else { return };
    lab.write("mine/rules.yml", RULES);
    lab.write("mine/alertmanager.yml", ROUTING);
    let report = lab.run(&["check", "--format", "json", "mine"]).expect(6).json();
    assert_eq!(report["validators"], "run", "{report:#}");
    let mut found: Vec<(String, String, u64)> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| {
            let text = |key: &str| finding[key].as_str().unwrap().to_owned();
            (text("id"), text("file"), finding["line"].as_u64().unwrap())
        })
        .collect();
    found.sort();
    let expected = [
        ("inhibit-missing-label", "mine/alertmanager.yml", 12),
        ("percent-of-ratio", "mine/rules.yml", 8),
        ("ratio-without-sum", "mine/rules.yml", 5),
        ("shadowed-route", "mine/alertmanager.yml", 6),
        ("unknown-metric", "mine/rules.yml", 10),
    ];
    let expected = expected.map(|(id, file, line)| (id.to_owned(), file.to_owned(), line));
    assert_eq!(found, expected, "{report:#}");
}

/// A template of the user's own is checked as it is rendered, and found at its own lines.
#[test]
fn a_users_template_is_checked_at_its_own_lines() {
    let Some(mut lab) = Lab::open() else { return };
    lab.set("SLACK_WEBHOOK_URL", "https://hooks.slack.test/a");
    let template = "# Ours.\nroute:\n  receiver: ${{ stack }}\n{% if alertmanager.slack %}\n  routes:\n    - receiver: slack\n      matchers: ['severity=~\".+\"']\n    - receiver: ${{ stack }}\n      matchers: ['severity=\"critical\"']\n{% endif %}\nreceivers:\n  - name: ${{ stack }}\n    webhook_configs: [{url: 'http://a.test/'}]\n  - name: slack\n    slack_configs:\n      - api_url_file: ${{ alertmanager.slack.api_url_file }}\n        title: '{{ template \"confidexmon.titel\" . }}'\n";
    lab.write("config/templates/alertmanager.yml", template);
    let report = lab.run(&["check", "--format", "json"]).expect(6).json();
    let found: Vec<(&str, &str, u64)> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (f["id"].as_str().unwrap(), f["file"].as_str().unwrap(), f["line"].as_u64().unwrap()))
        .collect();
    let file = "config/templates/alertmanager.yml";
    assert_eq!(found, [("shadowed-route", file, 8), ("undefined-template", file, 17)], "{report:#}");
}

/// Labels that both lack are equal to Alertmanager. A critical alert of the user's that keeps none must
/// not silence every warning that keeps none either.
#[test]
fn alerts_without_labels_do_not_silence_each_other() {
    let Some(mut lab) = Lab::open() else { return };
    lab.set("SLACK_WEBHOOK_URL", "https://hooks.slack.test/a");
    let rule = |name: &str, severity: &str, labels: &str| {
        format!(
            "      - alert: {name}\n        expr: sum(confidex_crank_pending_matches) > 10\n        for: 5m\n        labels: {{severity: {severity}{labels}}}\n"
        )
    };
    let rules: String = [
        rule("BareCritical", "critical", ""),
        rule("BareWarning", "warning", ""),
        rule("QueueCritical", "critical", ", component: queue"),
        rule("QueueWarning", "warning", ", component: queue"),
    ]
    .concat();
    lab.write("rules/ours.yml", &format!("groups:\n  - name: g\n    rules:\n{rules}"));
    let matrix = lab.run(&["check", "--routes", "--format", "json"]).expect(0).json();
    let silencers = |name: &str| {
        let rows = matrix["alerts"].as_array().unwrap();
        let row = rows.iter().find(|row| row["alert"] == name).unwrap();
        let silencers = row["silenced_by"].as_array().unwrap().iter();
        silencers.map(|silencer| silencer["alerts"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(silencers("BareWarning"), [] as [Value; 0], "{matrix:#}");
    assert_eq!(silencers("QueueWarning"), [json!(["QueueCritical"])], "{matrix:#}");
}

/// What every text of a receiver becomes, by the pinned amtool and by our own reading, which says the same
/// without an engine.
#[test]
fn faulty_texts_of_messages_are_found_with_and_without_an_engine() {
    let Some(lab) = Lab::open() else { return };
    lab.write(
        "am.yml",
        r#"route: {receiver: a, group_by: [severity]}
templates: ["/etc/alertmanager/templates/*.tmpl"]
receivers:
  - name: a
    slack_configs:
      - api_url_file: /etc/alertmanager/secrets/slack
        channel: '#x'
        title: '{{ template "my.title" }}'
        text: '{{ .Annotations.summary }}'
        pretext: '{{ range .Alerts }}{{ template "my.title" . }}{{ end }}'
        fallback: '{{ template "my.text" . }}'
        footer: '{{ .CommonLabels.alertname | toUpper | humanise }}'
    pagerduty_configs:
      - routing_key_file: /etc/alertmanager/secrets/pd
        details:
          one: '{{ .CommonAnnotations.summary) }}'
          two: '{{ range .Alerts }}{{ .Labels.instance }}'
          three: '{{ .Alerts.Firing.Labels.instance }}'
          four: '{{ (index .Alerts 0).Labels.instance }}'
          five: '{{ .GroupLabels.SortedPairs.Values | join ", " }}'
"#,
    );
    lab.write(
        "my.tmpl",
        r#"{{ define "my.title" }}[{{ .Status | toUpper }}:{{ .Alerts.Firing | len }}] {{ .CommonLabels.alertname }}{{ end }}
{{ define "my.text" }}{{ if eq (len .Alerts.Firing) 1 }}{{ range .Alerts.Firing }}{{ .Annotations.description }}{{ end }}{{ end }}{{ end }}
"#,
    );
    // Lines of title, text, pretext, footer, one, two, three; and of the fallback, which is blank at times.
    let faulty = [8, 9, 10, 12, 16, 17, 18];
    let lines = |arguments: &[&str], ids: &[&str]| -> BTreeSet<u64> {
        let report = lab.run(arguments).expect(6).json();
        let found = report["findings"].as_array().unwrap().iter();
        let ours = found.filter(|one| ids.contains(&one["id"].as_str().unwrap()));
        ours.map(|one| one["line"].as_u64().unwrap()).collect()
    };
    let with = ["check", "am.yml", "my.tmpl", "--format", "json"];
    let without = ["check", "am.yml", "my.tmpl", "--format", "json", "--host", "unix:///nonexistent.sock"];
    for arguments in [&with[..], &without[..]] {
        assert_eq!(lines(arguments, &["message-error", "amtool"]), faulty.into(), "{arguments:?}");
        assert_eq!(lines(arguments, &["blank-message"]), [11].into(), "{arguments:?}");
    }
}

/// The texts that come with the program say something, as amtool renders them for every kind of notification.
#[test]
fn the_shipped_messages_are_whole_by_amtool() {
    let Some(mut lab) = Lab::open() else { return };
    lab.set("SLACK_WEBHOOK_URL", "https://hooks.slack.test/a");
    lab.set("PAGERDUTY_SERVICE_KEY", "0123456789abcdef0123456789abcdef");
    lab.run(&["check"]).expect(0);
}

/// With rules of one's own nothing is held against the backend that is built in; its own metrics are a command
/// away.
#[test]
fn what_is_built_in_does_not_measure_what_the_user_brings() {
    let Some(lab) = Lab::open() else { return };
    let rules = r"groups:
  - name: shop
    rules:
      - alert: QueueDeep
        expr: shop_queue_depth > 5
        for: 5m
        labels: {severity: warning}
        annotations: {summary: The queue is deep, description: Look at it}
";
    lab.write("rules/shop.yml", rules);
    lab.write("dashboards/shop.json", r#"{"title": "Shop", "uid": "shop", "panels": [{"type": "stat", "title": "Queue", "fieldConfig": {"defaults": {"unit": "short"}}, "targets": [{"expr": "shop_queue_dept"}]}]}"#);
    let check = lab.run(&["check"]);
    for id in ["unknown-metric", "panel-metric", "unknown-job", "inhibit-without-alert", "near-miss-matcher"]
    {
        assert!(!check.stdout.contains(id), "{id}: {}", check.stdout);
    }
    assert_eq!(check.stderr.matches("check --save-contract").count(), 1, "{}", check.stderr);

    // A backend that answers.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 1024]);
            let body = "# TYPE shop_queue_depth gauge\nshop_queue_depth{queue=\"a\"} 3\n";
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all((head + body).as_bytes());
        }
    });
    lab.write(
        "config/confidexmon.yml",
        &format!("targets:\n  - job: shop\n    url: http://127.0.0.1:{port}/metrics\n"),
    );
    let check = lab.run(&["check", "--save-contract"]);
    assert!(check.stderr.contains("kept 1 metric of `shop`"), "{}", check.stderr);
    let kept = std::fs::read_to_string(lab.folder.path().join("config/backend.prom")).unwrap();
    assert!(kept.contains("shop_queue_depth{queue=\"a\"} 3"), "{kept}");
    assert!(
        check.stdout.contains("panel-metric") && check.stdout.contains("`shop_queue_depth`"),
        "{}",
        check.stdout
    );
    assert!(!check.stderr.contains("checked by their form"), "{}", check.stderr);
}

/// A rule beside those that `init` has written is one more for the same backend.
#[test]
fn a_rule_added_to_the_shipped_ones_is_measured_by_the_shipped_contract() {
    let Some(lab) = Lab::open() else { return };
    let folder = lab.folder.path().to_str().unwrap();
    lab.run(&["init", folder, "--force"]).expect(0);
    lab.write(
        "rules/more.yml",
        "groups:\n  - name: more\n    rules:\n      - alert: Nothing\n        expr: nosuch_metric > 5\n        for: 5m\n",
    );
    let check = lab.run(&["check"]);
    assert!(
        check.stdout.contains("unknown-metric") && check.stdout.contains("nosuch_metric"),
        "{}",
        check.stdout
    );
    assert!(!check.stderr.contains("checked by their form"), "{}", check.stderr);

    // Without the rules for it, the contract that lies there is somebody else's.
    for file in ["rules/confidex.yml", "dashboards/confidex-overview.json"] {
        std::fs::remove_file(lab.folder.path().join(file)).unwrap();
    }
    let check = lab.run(&["check"]);
    assert!(!check.stdout.contains("unknown-metric"), "{}", check.stdout);
    assert!(check.stderr.contains("those of the built-in backend, not of yours"), "{}", check.stderr);
}

/// A project without a rule: its dashboards are looked at all the same.
#[test]
fn no_rules_do_not_switch_the_lints_of_dashboards_off() {
    let Some(lab) = Lab::open() else { return };
    lab.write("rules/README.md", "none yet\n");
    lab.write("dashboards/shop.json", r#"{"title": "Shop", "uid": "shop", "panels": [{"type": "stat", "title": "A", "datasource": {"uid": "nowhere"}, "gridPos": {"x": 20, "y": 0, "w": 8, "h": 4}, "fieldConfig": {"defaults": {"unit": "short"}}, "targets": [{"expr": "sum(rate(a{b=\"c\"}[5m])) by (le"}]}]}"#);
    lab.write("dashboards/list.json", "[1]");
    let check = lab.run(&["check"]);
    for id in ["panel-datasource", "panel-layout", "unreadable-dashboard"] {
        assert!(check.stdout.contains(id), "{id}: {}", check.stdout);
    }
}
