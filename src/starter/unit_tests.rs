//! The unit tests of the rules: each alert fires once and stays quiet once.

use crate::starter::Backend;
use crate::starter::draft::{AlertDraft, Series};
use crate::starter::yaml::{annotations, quoted};

/// The instance of every input series.
const INSTANCE: &str = "backend:8080";

/// A test file in promtool's format.
pub(super) fn text(backend: &Backend, drafts: &[AlertDraft]) -> String {
    let name = &backend.name;
    let mut text = format!(
        "# Scenarios for rules/{name}.yml, in promtool's format: run them with `confidexmon test-rules`.\n\
         rule_files:\n  - ../{name}.yml\nevaluation_interval: 15s\n\ntests:\n"
    );
    for draft in drafts {
        text.push_str(&fires(backend, draft));
        text.push_str(&quiet(backend, draft));
    }
    text
}

fn head(backend: &Backend, name: &str, series: &[Series]) -> String {
    let mut text = format!("  - name: {}\n    interval: 15s\n    input_series:\n", quoted(name));
    for one in series {
        let comma = if one.labels.is_empty() { "" } else { "," };
        let series =
            format!("{}{{instance=\"{INSTANCE}\",job=\"{}\"{comma}{}}}", one.metric, backend.job, one.labels);
        text.push_str(&format!(
            "      - series: {}\n        values: {}\n",
            quoted(&series),
            quoted(&one.values)
        ));
    }
    text
}

fn fires(backend: &Backend, draft: &AlertDraft) -> String {
    let mut text = head(backend, &format!("{} fires", draft.name), &draft.fires);
    text.push_str(&format!(
        "    alert_rule_test:\n      - eval_time: {}\n        alertname: {}\n        exp_alerts:\n          - exp_labels:\n",
        draft.fires_at, draft.name
    ));
    let labels = [
        ("component", draft.component),
        ("instance", INSTANCE),
        ("job", &backend.job),
        ("severity", draft.severity),
    ];
    for (name, value) in labels {
        text.push_str(&format!("              {name}: {}\n", quoted(value)));
    }
    text.push_str("            exp_annotations:\n");
    for (name, value) in annotations(backend, draft, &draft.value_shown) {
        let value = value
            .replace("{{ with $labels.instance }}", "")
            .replace("{{ . }}", INSTANCE)
            .replace("{{ $labels.instance }}", INSTANCE);
        text.push_str(&format!("              {name}: {}\n", quoted(&without_else(&value))));
    }
    text.push('\n');
    text
}

/// What a template prints when its `with` holds.
fn without_else(text: &str) -> String {
    let Some((before, rest)) = text.split_once("{{ else }}") else { return text.to_owned() };
    let after = rest.split_once("{{ end }}").map_or("", |(_, after)| after);
    format!("{before}{after}")
}

fn quiet(backend: &Backend, draft: &AlertDraft) -> String {
    let mut text = head(backend, &format!("{} stays quiet", draft.name), &draft.quiet);
    text.push_str(&format!(
        "    alert_rule_test:\n      - eval_time: {}\n        alertname: {}\n        exp_alerts: []\n\n",
        draft.fires_at, draft.name
    ));
    text
}
