//! `config/output.schema.json` holds for what the commands really print: every JSON that any test reads is
//! checked against it, and here every command prints one.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde_json::Value;

use crate::lab::{Lab, repository};

/// The schema that is shipped.
static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let text = std::fs::read_to_string(repository().join("config/output.schema.json")).unwrap();
    serde_json::from_str(&text).unwrap()
});

/// What a schema may say here, so that no word of it goes unheard.
const WORDS: [&str; 13] = [
    "$ref",
    "additionalProperties",
    "anyOf",
    "const",
    "description",
    "enum",
    "format",
    "items",
    "oneOf",
    "properties",
    "required",
    "title",
    "type",
];

/// Why `value` is not what `schema` says; nothing when it is.
fn faults(schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    for word in schema.as_object().unwrap().keys() {
        assert!(WORDS.contains(&word.as_str()), "{at}: the test does not know `{word}`");
    }
    if let Some(name) = schema["$ref"].as_str() {
        let pointer = name.strip_prefix('#').unwrap();
        found.extend(faults(SCHEMA.pointer(pointer).unwrap_or_else(|| panic!("no {name}")), value, at));
    }
    if let Some(choices) = schema.get("anyOf").or(schema.get("oneOf")).and_then(Value::as_array) {
        let tried: Vec<Vec<String>> = choices.iter().map(|one| faults(one, value, at)).collect();
        if tried.iter().all(|faults| !faults.is_empty()) {
            found.push(format!("{at}: none of {tried:#?}"));
        }
    }
    if let Some(types) = schema.get("type") {
        let kind = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        if types != kind && !types.as_array().is_some_and(|types| types.iter().any(|one| one == kind)) {
            found.push(format!("{at}: {value} is no {types}"));
        }
    }
    let allowed = schema.get("enum").and_then(Value::as_array);
    if allowed.is_some_and(|allowed| !allowed.contains(value)) {
        found.push(format!("{at}: {value} is none of {}", schema["enum"]));
    }
    if schema.get("const").is_some_and(|wanted| wanted != value) {
        found.push(format!("{at}: {value} is not {}", schema["const"]));
    }
    if let (Some(format), Some(text)) = (schema.get("format"), value.as_str()) {
        assert_eq!(format, "date-time");
        if text.parse::<jiff::Timestamp>().is_err() {
            found.push(format!("{at}: `{text}` is no time"));
        }
    }
    if let (Some(items), Some(list)) = (schema.get("items"), value.as_array()) {
        let each = list.iter().enumerate();
        found.extend(each.flat_map(|(index, item)| faults(items, item, &format!("{at}/{index}"))));
    }
    found.extend(faults_of_keys(schema, value, at));
    found
}

fn faults_of_keys(schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let Some(object) = value.as_object() else { return Vec::new() };
    let mut found = Vec::new();
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !object.contains_key(name) {
            found.push(format!("{at}: there is no `{name}`"));
        }
    }
    for (name, inner) in object {
        let at = format!("{at}/{name}");
        match (schema["properties"].get(name), schema.get("additionalProperties")) {
            (Some(known), _) => found.extend(faults(known, inner, &at)),
            (None, Some(Value::Bool(false))) => found.push(format!("{at}: unknown key")),
            (None, Some(others)) if others.is_object() => found.extend(faults(others, inner, &at)),
            _ => {}
        }
    }
    found
}

/// The same for a definition of the schema.
fn faults_of(definition: &str, value: &Value) -> Vec<String> {
    let schema = SCHEMA["$defs"].get(definition).unwrap_or_else(|| panic!("no `{definition}` in the schema"));
    faults(schema, value, definition)
}

/// The command in a line of arguments, when it prints JSON of its own.
fn command<'a>(arguments: &[&'a str]) -> Option<&'a str> {
    let is_json =
        arguments.windows(2).any(|two| two == ["--format", "json"]) || arguments.contains(&"--format=json");
    let name = arguments.iter().find(|word| SCHEMA["$defs"].get(**word).is_some())?;
    // Its own formats, and a file for a pipe.
    let is_other = arguments.iter().any(|word| ["--report", "--help", "--to"].contains(word));
    (is_json && !is_other).then_some(name)
}

/// Every path is as seen from the working directory, without `./`, or absolute.
fn odd_paths(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.starts_with("./") => found.push(format!("the path `{text}`")),
        Value::Array(list) => list.iter().for_each(|inner| odd_paths(inner, found)),
        Value::Object(map) => map.values().for_each(|inner| odd_paths(inner, found)),
        _ => {}
    }
}

/// Called for each run of a lab: what it printed is what the schema says.
pub(crate) fn check_run(arguments: &[&str], stdout: &str, stderr: &str) {
    let Some(name) = command(arguments) else { return };
    let is_stream = name == "logs" || arguments.contains(&"--watch");
    let values: Vec<&str> = if is_stream {
        stdout.lines().collect()
    } else {
        vec![stdout].into_iter().filter(|text| !text.is_empty()).collect()
    };
    for text in values {
        let value: Value =
            serde_json::from_str(text).unwrap_or_else(|error| panic!("{arguments:?}: {error} in:\n{text}"));
        let mut faults = faults_of(name, &value);
        odd_paths(&value, &mut faults);
        assert!(faults.is_empty(), "`{arguments:?}` does not keep to the schema: {faults:#?}\n{value:#}");
    }
    for line in stderr.lines() {
        let value: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{arguments:?}: {error} in:\n{stderr}"));
        let definition = if value.get("event").is_some() { "event" } else { "log" };
        let faults = faults_of(definition, &value);
        assert!(faults.is_empty(), "`{arguments:?}` on stderr: {faults:#?}\n{value:#}");
    }
}

/// The names of all commands, as clap knows them.
fn commands() -> BTreeSet<String> {
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_confidexmon")).arg("--help").output().unwrap();
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let list = help.split("Commands:").nth(1).unwrap().split("\n\n").next().unwrap().to_owned();
    let is_name = |line: &&str| line.starts_with("  ") && !line.starts_with("   ");
    list.lines()
        .filter(is_name)
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

/// These say what they did on stderr alone, or print what is no JSON.
const WITHOUT: [&str; 4] = ["restart", "completions", "demo-backend", "help"];

#[test]
fn every_command_has_its_definition() {
    let missing: Vec<String> = commands()
        .into_iter()
        .filter(|name| !WITHOUT.contains(&name.as_str()) && SCHEMA["$defs"].get(name).is_none())
        .collect();
    assert!(missing.is_empty(), "config/output.schema.json lacks {missing:?}");
    assert!(commands().len() > 25, "{:?}", commands());
}

#[test]
fn the_services_of_the_schema_are_those_that_there_are() {
    let names = confidexmon::model::ServiceKind::ALL.map(confidexmon::model::ServiceKind::name);
    assert_eq!(SCHEMA["$defs"]["service"]["enum"], serde_json::json!(names));
}

/// An object that may hold anything would let every key pass.
#[test]
fn every_object_of_the_schema_says_which_keys_it_has() {
    fn walk(value: &Value, at: &str, open: &mut Vec<String>) {
        if value["type"] == "object" || value["type"] == serde_json::json!(["object", "null"]) {
            let others = value.get("additionalProperties");
            if others.is_none_or(|others| others == true) {
                open.push(at.to_owned());
            }
        }
        match value {
            Value::Object(map) => {
                map.iter().for_each(|(name, inner)| walk(inner, &format!("{at}/{name}"), open));
            }
            Value::Array(list) => list.iter().for_each(|inner| walk(inner, at, open)),
            _ => {}
        }
    }
    let mut open = Vec::new();
    walk(&SCHEMA, "", &mut open);
    // Fields of a log line are the program's own affair.
    assert_eq!(open, ["/$defs/log/properties/fields"]);
}

const TARGETS: &str = "prometheus: {scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}\n\
                       targets: [{job: api, url: 'http://host.docker.internal:9/metrics'}]\n";
const RULES: &str = "groups:\n  - name: g\n    rules:\n      - {alert: ApiDown, expr: 'up{job=\"api\"} == 0', for: 1s, labels: {severity: critical}, annotations: {summary: s}}\n";
const RULE_TEST: &str = "rule_files: [../api.yml]\nevaluation_interval: 1s\ntests:\n  - name: down\n    interval: 1s\n    input_series: [{series: 'up{job=\"api\"}', values: '0x9'}]\n    alert_rule_test:\n      - {eval_time: 5s, alertname: ApiDown, exp_alerts: [{exp_labels: {severity: critical, job: api}, exp_annotations: {summary: t}}]}\n";

/// Lines of which each is checked by [`check_run`]; their codes are other tests' business.
const LINES: &[&str] = &[
    "plan",
    "up --dry-run",
    "up",
    "plan",
    "status",
    "ls",
    "open prometheus --print",
    "alerts",
    "silence ApiDown --why x",
    "silences",
    "silences --end all",
    "reload",
    "reload-rules",
    "restart alertmanager",
    "logs --tail 3",
    "check",
    "check --list",
    "check --routes",
    "check --live",
    "test-rules --coverage",
    "generate test ApiDown",
    "drill ApiDown",
    "doctor",
    "doctor --list",
    "update --check",
    "update --dry-run",
    "update",
    "rollback",
    "render --output rendered",
    "init other",
    "init . --force",
    "init other",
    "images save images.tar",
    "images load images.tar",
    "backup-grafana",
    "backups",
    "backups --verify",
    "down --dry-run",
    "down --volumes",
    "status",
    "up --no-such-flag",
    "silence NoSuch --why x",
    "reload",
    "-v ls",
];

#[test]
fn what_every_command_prints_keeps_to_the_schema() {
    let Some(lab) = Lab::open() else { return };
    lab.write("config/confidexmon.yml", TARGETS);
    lab.write("rules/api.yml", RULES);
    lab.write("rules/tests/api.yml", RULE_TEST);
    let mut printed: BTreeSet<String> = BTreeSet::new();
    let mut run = |line: &str| {
        let arguments: Vec<&str> = ["--format", "json"].into_iter().chain(line.split(' ')).collect();
        let run = lab.run(&arguments);
        if !run.stdout.is_empty() {
            printed.extend(command(&arguments).map(str::to_owned));
        }
        run
    };
    for line in LINES {
        run(line);
        if *line == "backups" {
            let archive = newest_archive(&lab);
            for more in ["--prove-only", "--yes"] {
                run(&format!("restore-grafana {archive} {more}"));
            }
        }
    }
    // Nothing was updated before, so there is nothing to go back to; `update` prints the same.
    let silent: Vec<String> = commands()
        .into_iter()
        .filter(|name| {
            !WITHOUT.contains(&name.as_str()) && name != "rollback" && !printed.contains(name.as_str())
        })
        .collect();
    assert!(silent.is_empty(), "nothing was printed by {silent:?}");
}

fn newest_archive(lab: &Lab) -> String {
    let run = lab.run(&["backups", "--format", "json"]).expect(0).json();
    run["backups"][0]["path"].as_str().unwrap().to_owned()
}

/// The check itself finds what it is there for.
#[test]
fn a_key_too_much_or_too_few_is_told() {
    let mut value = serde_json::json!({"service": "grafana", "url": "http://localhost"});
    assert_eq!(faults_of("open", &value), [""; 0]);
    value["port"] = 1.into();
    assert_eq!(faults_of("open", &value), ["open/port: unknown key"]);
    let value = serde_json::json!({"service": "nginx"});
    assert_eq!(faults_of("open", &value).len(), 2, "{:?}", faults_of("open", &value));
    let value = serde_json::json!({"service": "grafana", "time": "yesterday", "text": 1});
    assert_eq!(faults_of("logs", &value).len(), 2, "{:?}", faults_of("logs", &value));
}
