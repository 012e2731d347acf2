//! Where settings come from, and that no text can break them.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::model::{Diagnostic, ServiceKind, Severity};
use crate::render::ProjectFiles;
use crate::services::render_stack;

fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn resolved(file: &str, dotenv: &str, variables: &[(&str, &str)]) -> (Option<Settings>, Vec<Diagnostic>) {
    let environment = environment(variables);
    resolve(&Sources {
        settings_file: Some(("config/confidexmon.yml", file)),
        dotenv: Some((".env", dotenv)),
        environment: &environment,
        flags: &FlagOverrides::default(),
    })
}

fn settings(file: &str, dotenv: &str, variables: &[(&str, &str)]) -> Settings {
    let (settings, problems) = resolved(file, dotenv, variables);
    settings.unwrap_or_else(|| panic!("{problems:#?}"))
}

/// Line, column and text of every error.
fn errors(file: &str, dotenv: &str) -> Vec<(usize, usize, String)> {
    let problems = resolved(file, dotenv, &[]).1.into_iter();
    problems
        .filter(|problem| problem.severity == Severity::Bug)
        .map(|problem| {
            let place = problem.place;
            (place.line, place.column, problem.message)
        })
        .collect()
}

#[test]
fn the_environment_wins_over_dotenv_and_dotenv_over_the_file() {
    let file = "ports:\n  prometheus: 1001\n  grafana: 1002\n  alertmanager: 1003\n";
    let dotenv = "CONFIDEXMON_PORT_GRAFANA=2002\nCONFIDEXMON_PORT_ALERTMANAGER=2003\n";
    let found = settings(file, dotenv, &[("CONFIDEXMON_PORT_ALERTMANAGER", "3003")]);
    let ports = [ServiceKind::Prometheus, ServiceKind::Grafana, ServiceKind::Alertmanager];
    assert_eq!(ports.map(|service| found.port(service)), [1001, 2002, 3003]);
}

#[test]
fn what_nobody_sees_in_a_secret_is_refused_at_its_place() {
    let dotenv =
        "# receivers\nSLACK_WEBHOOK_URL='https://hooks.slack.test/a\tb'\nPAGERDUTY_SERVICE_KEY=abc\u{1}def\n";
    let said = errors("", dotenv);
    assert!(
        said.iter().any(|(line, column, text)| (*line, *column) == (2, 46) && text.contains("a tab")),
        "{said:?}"
    );
    assert!(
        said.iter().any(|(line, column, text)| (*line, *column) == (3, 26) && text.contains("U+0001")),
        "{said:?}"
    );
    assert!(said.iter().all(|(.., text)| !text.contains("hooks.slack")), "{said:?}");
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let found = settings("", "SLACK_WEBHOOK_URL=''\n", &[("PAGERDUTY_SERVICE_KEY", "")]);
    assert!(!found.receivers.notifies_somebody());
    assert!(found.grafana.password_is_default);
}

#[test]
fn a_production_backend_is_taken_apart() {
    let file = "targets:\n  - job: api\n    url: https://api.example.com/internal/metrics\n    interval: 30s\n    bearer_token_env: API_TOKEN\n    labels: {team: core}\n";
    let found = settings(file, "API_TOKEN='t0ken'\n", &[]);
    let target = &found.targets[0];
    assert_eq!((target.scheme.as_str(), target.address.as_str()), ("https", "api.example.com:443"));
    assert_eq!((target.path.as_str(), target.labels["team"].as_str()), ("/internal/metrics", "core"));
    assert_eq!(target.auth, TargetAuth::Bearer(crate::model::Secret::new("t0ken")));
}

#[test]
fn several_targets_may_share_a_job_but_not_the_series() {
    let file =
        |second: &str| format!("targets:\n  - {{job: api, url: https://a.test/metrics}}\n  - {second}\n");
    let told = |second: &str| {
        let (_, problems) = resolved(&file(second), "GRAFANA_ADMIN_PASSWORD=long-enough\n", &[]);
        problems.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>()
    };
    assert_eq!(told("{job: api, url: https://b.test/metrics}"), [] as [&str; 0]);
    assert_eq!(told("{job: other, url: https://a.test/metrics}"), [] as [&str; 0]);
    assert_eq!(
        told("{job: api, url: https://a.test:443/other}"),
        ["the job `api` has the target `a.test:443` twice"]
    );
    assert_eq!(
        told("{job: grafana, url: https://b.test/metrics}"),
        ["the job `grafana` is one of the stack's own"]
    );
}

/// The users' own documentation says that the backend is at `localhost:3001`.
#[test]
fn this_machine_is_reached_from_a_container_and_said_with_its_place() {
    let file = "targets:\n  - job: api\n    url: http://localhost:3001/metrics\n  - job: b\n    url: http://10.0.0.1/\n";
    let dotenv = "GRAFANA_ADMIN_PASSWORD=long-enough\nALERT_WEBHOOK_URL=http://127.0.0.1:5001/secret\n";
    let (found, problems) = resolved(file, dotenv, &[]);
    let found = found.unwrap();
    let addresses: Vec<&str> = found.targets.iter().map(|target| target.address.as_str()).collect();
    assert_eq!(addresses, ["host.docker.internal:3001", "10.0.0.1:80"]);
    let webhook = found.receivers.webhook_url.unwrap();
    assert_eq!(webhook.reveal(), "http://host.docker.internal:5001/secret");
    let said: Vec<(usize, Severity)> =
        problems.iter().map(|problem| (problem.place.line, problem.severity)).collect();
    // The first one: a receiver is set, and links lead to this machine.
    assert_eq!(
        said,
        [(0, Severity::Warning), (2, Severity::Warning), (3, Severity::Warning)],
        "{problems:#?}"
    );
    assert!(problems.iter().all(|problem| !problem.message.contains("secret")), "{problems:#?}");
}

#[test]
fn each_mistake_is_told_with_its_place() {
    let table = [
        ("bind: [1]\n", 1, 7, "`bind`"),
        ("ports:\n  grafana: -1\n", 2, 12, "`ports.grafana`"),
        ("ports: 9090\n", 1, 8, "`ports`"),
        ("targets:\n  - job: a\n", 2, 5, "`url`"),
        ("targets: []\nlog_level: loud\n", 2, 12, "`log_level`"),
        ("receivers:\n  group_wait: 30 seconds\n", 2, 15, "`receivers.group_wait`"),
        ("resources:\n  grafana:\n    memory: lots\n", 3, 13, "`resources.grafana.memory`"),
        ("stack: a\nstack: b\n", 2, 1, "stack"),
        ("stack: 'a\n", 1, 8, ""),
        ("targets:\n  - job: a\n    url: http://x/\n    bearer_token_env: NOT_SET\n", 4, 23, "NOT_SET"),
        ("links:\n  grafana: ftp://x\n", 2, 12, "`links.grafana`"),
        ("security:\n  web_auth: true\n", 2, 13, "WEB_AUTH_PASSWORD"),
        ("redis:\n  enabled: true\n", 2, 12, "REDIS_PASSWORD"),
        ("images:\n  redis: 'has space'\n", 2, 10, "`images.redis`"),
    ];
    let mut wrong = Vec::new();
    for (file, line, column, part) in table {
        let found = errors(file, "");
        let hit = found.iter().any(|(l, c, text)| (*l, *c) == (line, column) && text.contains(part));
        if !hit {
            wrong.push(format!("{file:?} wanted {line}:{column} {part}, found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn links_of_messages_must_lead_somewhere_else_than_to_this_machine() {
    let told = |file: &str, dotenv: &str| {
        let problems = resolved(file, dotenv, &[]).1;
        problems.into_iter().find(|problem| problem.message.contains("links in messages")).map(|one| one.fix)
    };
    let slack = "SLACK_WEBHOOK_URL=https://hooks.slack.com/services/T/B/x\n";
    assert_eq!(told("", ""), None, "nobody gets a message");
    let fix = told("links: {grafana: 'https://g.example.com'}\n", slack).flatten().unwrap();
    assert!(fix.contains("links.prometheus") && !fix.contains("links.grafana"), "{fix}");
    let all = "links: {grafana: 'https://g.example.com', prometheus: 'https://p.example.com', alertmanager: 'https://a.example.com'}\n";
    assert_eq!(told(all, slack), None);
    assert!(told(&all.replace("g.example.com", "localhost:3002"), slack).is_some());
}

#[test]
fn a_line_of_dotenv_that_wins_over_a_setting_is_said() {
    let file = "images: {grafana: 'docker.io/grafana/grafana:13.2.0'}\n";
    let told = |dotenv: &str| {
        resolved(file, dotenv, &[])
            .1
            .iter()
            .any(|problem| problem.message.contains("wins over `images.grafana`"))
    };
    assert!(told("CONFIDEXMON_IMAGE_GRAFANA=docker.io/grafana/grafana:12.0.0\n"));
    assert!(!told("CONFIDEXMON_IMAGE_GRAFANA=docker.io/grafana/grafana:13.2.0\n"));
    assert!(!told("CONFIDEXMON_IMAGE_REDIS=docker.io/library/redis:8\n"));
}

/// `init` writes every default into the settings file, and `.env.example` offers the variables.
#[test]
fn a_line_of_dotenv_wins_over_a_default_without_a_word() {
    let dotenv = "CONFIDEXMON_STACK=mine\nCONFIDEXMON_PORT_GRAFANA=4000\n";
    let told = |file: &str| -> Vec<String> {
        let problems = resolved(file, dotenv, &[]).1;
        problems.into_iter().map(|one| one.message).filter(|text| text.contains("wins over")).collect()
    };
    assert!(told("stack: confidex\nports: {grafana: 3002}\n").is_empty());
    assert_eq!(told("stack: chosen\nports: {grafana: 3003}\n").len(), 2);
}

#[test]
fn flags_that_contradict_each_other_are_refused() {
    let environment = BTreeMap::new();
    let redis = || vec![ServiceKind::Redis];
    let flags = FlagOverrides { with: redis(), without: redis(), ..FlagOverrides::default() };
    let sources = Sources { settings_file: None, dotenv: None, environment: &environment, flags: &flags };
    let (settings, problems) = resolve(&sources);
    assert!(
        settings.is_none() && problems.iter().any(|one| one.message.contains("contradict")),
        "{problems:?}"
    );
}

#[test]
fn a_transposed_name_is_recognized() {
    let problems = resolved("", "SLACK_WEBHOOK_ULR=https://hooks.slack.com/x\n", &[]).1;
    let fixes: Vec<_> = problems.into_iter().filter_map(|problem| problem.fix).collect();
    assert!(fixes.iter().any(|fix| fix.contains("SLACK_WEBHOOK_URL")), "{fixes:?}");
}

#[test]
fn every_problem_is_told_at_once() {
    let file = "stack: A\nbind: x\nports: {prometheus: 0, grafana: 99999}\nnonsense: 1\nlog_level: x\n";
    assert_eq!(errors(file, "REDIS_PASSWORD=a b\n").len(), 6);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_breaks_the_reader(file in "(?s).{0,200}", dotenv in "(?s).{0,100}") {
        let _ = resolved(&file, &dotenv, &[]);
    }

    #[test]
    fn no_structure_breaks_the_reader(lines in prop::collection::vec("( {0,6})(- )?(stack|ports|targets|job|url|redis|grafana|labels|[a-z]{1,4})?:?( [0-9a-z\\[\\]{}'\"#&*!|>-]{0,8})?", 0..12)) {
        let _ = resolved(&lines.join("\n"), "", &[]);
    }

    /// Whatever a secret or a label holds, it stays a value: the rendered files parse, and every other
    /// file of the stack is what it is with a harmless secret.
    #[test]
    fn no_value_breaks_out_of_its_file(secret in "[^\0]{1,40}", label in "\\PC{1,40}") {
        prop_assume!(!secret.trim().is_empty());
        let file = format!(
            "redis: {{enabled: true}}\nsecurity: {{web_auth: true}}\nreceivers: {{slack_channel: {quoted}}}\nprometheus: {{external_labels: {{team: {quoted}}}}}\n",
            quoted = serde_json::Value::String(label)
        );
        let variables = [("GRAFANA_ADMIN_PASSWORD", secret.as_str()), ("REDIS_PASSWORD", secret.as_str()), ("WEB_AUTH_PASSWORD", secret.as_str())];
        let (found, problems) = resolved(&file, "", &variables);
        for problem in &problems {
            prop_assert!(secret.len() < 6 || !problem.message.contains(&secret), "{}", problem.message);
        }
        // Some values are refused, with a reason; none that is accepted may break a file.
        if let Some(found) = found {
            let rendered = render_stack(&found, &ProjectFiles::embedded());
            prop_assert!(rendered.is_ok(), "{rendered:?}");
        }
    }
}
