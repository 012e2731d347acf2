//! The notification templates, rendered by the real amtool with labels that nobody hopes to see.

use serde_json::{Value, json};

use crate::differential::{ask, quoted};
use crate::lab::{Lab, repository};

const LINKS: &str = r#"{{ define "confidexmon.url.grafana" }}http://g.test{{ end }}
{{ define "confidexmon.url.alertmanager" }}http://a.test{{ end }}
{{ define "confidexmon.default_dashboard" }}confidex-overview{{ end }}
{{ define "confidexmon.url.runbook" }}http://g.test/d/runbook-{{ end }}
{{ define "confidexmon.runbook_page" }}{{ . | toLower | urlquery }}{{ end }}
"#;

fn alert(status: &str, labels: &Value, annotations: &Value) -> Value {
    json!({
        "status": status, "labels": labels, "annotations": annotations, "generatorURL": "http://p.test/graph",
        "startsAt": "2026-01-02T03:04:05Z", "endsAt": "2026-01-02T04:04:05Z",
    })
}

/// What the receivers get for a group of these alerts: each template under its name.
fn rendered(status: &str, alerts: &[Value], common: &Value, names: &[&str]) -> Vec<String> {
    let annotations = alerts.first().map_or(json!({}), |alert| alert["annotations"].clone());
    let data = json!({
        "receiver": "critical", "status": status, "alerts": alerts, "groupLabels": common,
        "commonLabels": common, "commonAnnotations": annotations, "externalURL": "http://a.test",
    });
    let templates =
        std::fs::read_to_string(repository().join("config/notifications/confidexmon.tmpl")).unwrap();
    let mut script = String::from("mkdir /tmp/t && cd /tmp/t\n");
    for (file, text) in [("a.tmpl", templates.as_str()), ("b.tmpl", LINKS), ("data.json", &data.to_string())]
    {
        script.push_str(&format!("printf %s {} > {file}\n", quoted(text)));
    }
    for name in names {
        let text = quoted(&format!("{{{{ template \"{name}\" . }}}}"));
        script.push_str(&format!(
            "amtool template render --template.glob='*.tmpl' --template.data=data.json --template.text={text} 2>&1 || echo FAILED\nprintf '\\036'\n"
        ));
    }
    let answer = ask("alertmanager", &script);
    let texts: Vec<String> = answer.split('\u{1e}').map(|text| text.trim().to_owned()).collect();
    texts[..names.len()].to_vec()
}

/// A label comes from whatever is scraped: it must neither call a Slack channel nor forge a link.
#[test]
fn no_label_is_markup_to_slack() {
    if Lab::open().is_none() {
        return;
    }
    let evil = "<!channel> & <http://x.test|y>";
    let labels = json!({"alertname": evil, "severity": evil, "instance": evil, "component": evil, "environment": evil, "job": evil});
    let annotations = json!({"summary": evil, "description": evil, "runbook": evil, "dashboard": evil});
    for status in ["firing", "resolved"] {
        let names = ["confidexmon.slack.title", "confidexmon.slack.text", "confidexmon.slack.headline"];
        for text in rendered(status, &[alert(status, &labels, &annotations)], &labels, &names) {
            assert!(text.contains("&lt;!channel&gt; &amp; &lt;http://x.test|y&gt;"), "{text}");
            assert!(!text.contains("<!channel>") && !text.contains("<http://x.test"), "{text}");
            assert!(!text.contains("FAILED"), "{text}");
        }
    }
}

/// Ten alerts are written out, the others counted; no text is so long that the links are lost.
#[test]
fn a_flood_keeps_its_count_and_its_links() {
    if Lab::open().is_none() {
        return;
    }
    let common = json!({"alertname": "Flood", "severity": "critical", "job": "confidex-backend"});
    let annotations = json!({"summary": "Flood", "description": "ä".repeat(5000), "runbook": "Flood", "dashboard": "confidex-overview"});
    let flood = |status: &str| -> Vec<Value> {
        (0..13)
            .map(|number| {
                let mut labels = common.clone();
                labels["instance"] = json!(format!("backend-{number}:3001"));
                alert(status, &labels, &annotations)
            })
            .collect()
    };
    let names = ["confidexmon.slack.text", "confidexmon.pagerduty.firing", "confidexmon.pagerduty.resolved"];
    let firing = rendered("firing", &flood("firing"), &common, &names);
    assert!(firing[0].contains("… the first 10 of 13 firing alerts"), "{}", firing[0]);
    assert!(firing[0].contains("/#/silences/new?filter="), "{}", firing[0]);
    assert!(firing[1].ends_with("… the first 10 of 13"), "{}", firing[1]);
    assert_eq!(firing[2], "none");
    let resolved = rendered("resolved", &flood("resolved"), &common, &names);
    assert!(resolved[0].contains("… the first 10 of 13 resolved alerts"), "{}", resolved[0]);
    assert_eq!(resolved[1], "none");
    assert!(resolved[2].ends_with("… the first 10 of 13"), "{}", resolved[2]);
    for text in firing.iter().chain(&resolved) {
        assert!(text.chars().count() < 20_000, "{} characters", text.chars().count());
        assert!(!text.contains("FAILED") && !text.contains("<no value>"), "{text}");
    }
    assert_eq!(firing[0].matches("ä…\n").count(), 10, "{}", firing[0]);
}

/// Each headline and first line of a live drill's alert, whichever a phone shows.
#[test]
fn a_live_drill_is_marked_wherever_a_person_looks_first() {
    if Lab::open().is_none() {
        return;
    }
    let labels =
        json!({"alertname": "CrankServiceDown", "severity": "critical", "drill": "TEST-1a2b", "job": "b"});
    let annotations = json!({"summary": "[TEST] Crank is down", "description": "[TEST] It is down."});
    let names =
        ["confidexmon.slack.headline", "confidexmon.slack.title", "confidexmon.pagerduty.description"];
    for text in rendered("firing", &[alert("firing", &labels, &annotations)], &labels, &names) {
        assert!(text.contains("[TEST] [FIRING:1] critical: CrankServiceDown"), "{text}");
    }
    let real = json!({"alertname": "CrankServiceDown", "severity": "critical", "job": "b"});
    for text in rendered("firing", &[alert("firing", &real, &annotations)], &real, &names[..2]) {
        assert!(!text.contains("[TEST]"), "{text}");
    }
}

#[test]
fn two_alerts_of_one_name_show_the_labels_that_tell_them_apart() {
    if Lab::open().is_none() {
        return;
    }
    let common = json!({"alertname": "QueueFull", "severity": "warning", "job": "b"});
    let annotations = json!({"summary": "Queue is full", "description": "Too much."});
    let alerts: Vec<Value> = ["orders", "<fills>"]
        .iter()
        .map(|queue| {
            let mut labels = common.clone();
            labels["queue"] = json!(queue);
            alert("firing", &labels, &annotations)
        })
        .collect();
    let names = ["confidexmon.slack.text", "confidexmon.pagerduty.firing"];
    let texts = rendered("firing", &alerts, &common, &names);
    assert!(texts[0].contains(", queue orders, since"), "{}", texts[0]);
    assert!(texts[0].contains(", queue &lt;fills&gt;, since"), "{}", texts[0]);
    assert!(
        texts[1].contains(", queue orders, since") && texts[1].contains(", queue <fills>, since"),
        "{}",
        texts[1]
    );
}
