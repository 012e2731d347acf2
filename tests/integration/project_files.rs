//! What the project ships agrees with the code.

use std::collections::BTreeSet;

use confidexmon::model::Severity;
use confidexmon::settings::{self, FlagOverrides, Sources, env_vars, schema};

use crate::lab::repository;

fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap()
}

#[test]
fn env_example_lists_exactly_what_the_code_reads() {
    let text = read(".env.example");
    let listed: BTreeSet<&str> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name)
        .collect();
    let read: BTreeSet<&str> = env_vars::VARIABLES.iter().map(|variable| variable.name).collect();
    assert_eq!(listed, read);
    for variable in env_vars::VARIABLES.iter().filter(|variable| variable.secret) {
        let doc = variable.doc;
        assert!(text.contains(&format!("# {doc}")), "{} is not explained as `{doc}`", variable.name);
    }
}

#[test]
fn the_shipped_settings_are_the_defaults() {
    let environment = std::collections::BTreeMap::new();
    let flags = FlagOverrides::default();
    let resolve = |file: Option<(&str, &str)>| {
        let sources = Sources { settings_file: file, dotenv: None, environment: &environment, flags: &flags };
        let (settings, problems) = settings::resolve(&sources);
        assert!(problems.iter().all(|problem| problem.severity != Severity::Bug), "{problems:?}");
        settings.unwrap()
    };
    assert_eq!(resolve(Some(("config/confidexmon.yml", &read("config/confidexmon.yml")))), resolve(None));
}

#[test]
fn every_setting_stands_in_the_shipped_file() {
    let text = read("config/confidexmon.yml");
    for field in settings::fields::FIELDS.iter().chain(settings::fields::TARGET_FIELDS) {
        let last = field.path.rsplit('.').next().unwrap();
        assert!(text.contains(&format!("{last}:")), "{} is missing", field.path);
    }
}

#[test]
fn the_schema_is_up_to_date() {
    let path = repository().join("config/confidexmon.schema.json");
    let wanted = format!("{:#}\n", schema::schema());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), wanted, "run the tests with UPDATE=1");
}

/// A stat is red or yellow while its alert holds, so it asks over the alert's own range: over another one
/// the two contradict each other, and over a short one rare events leave nothing to show.
#[test]
fn a_stat_asks_over_the_range_of_its_alert() {
    let ranges = |expression: &str| -> BTreeSet<String> {
        expression.split('[').skip(1).filter_map(|rest| rest.split(']').next()).map(str::to_owned).collect()
    };
    let mut alerts = std::collections::BTreeMap::new();
    for file in ["rules/confidex.yml", "rules/stack.yml"] {
        let rules: serde_json::Value = serde_yaml::from_str(&read(file)).unwrap();
        for rule in
            rules["groups"].as_array().unwrap().iter().flat_map(|group| group["rules"].as_array().unwrap())
        {
            if let Some(name) = rule["alert"].as_str() {
                alerts.insert(name.to_owned(), ranges(rule["expr"].as_str().unwrap()));
            }
        }
    }
    let mut compared = 0;
    for file in ["dashboards/confidex-overview.json", "dashboards/confidexmon-stack.json"] {
        let dashboard: serde_json::Value = serde_json::from_str(&read(file)).unwrap();
        let panels = dashboard["panels"].as_array().unwrap().iter();
        // Those of a folded row lie in it.
        let folded = panels.clone().flat_map(|row| row["panels"].as_array().into_iter().flatten());
        for panel in panels.chain(folded).filter(|panel| panel["type"] == "stat") {
            let asked = panel["targets"].as_array().unwrap().iter();
            let asked: BTreeSet<String> =
                asked.flat_map(|target| ranges(target["expr"].as_str().unwrap())).collect();
            let links = panel["links"].as_array().into_iter().flatten();
            let linked = links.filter_map(|link| link["title"].as_str()?.strip_prefix("Alert "));
            let checked: BTreeSet<String> = linked.flat_map(|name| alerts[name].clone()).collect();
            // A day of restarts is no verdict.
            if asked.contains("24h") || asked.is_empty() {
                continue;
            }
            assert!(asked.is_subset(&checked), "{}: {asked:?}, its alert {checked:?}", panel["title"]);
            compared += 1;
        }
    }
    assert!(compared >= 5, "{compared}");
}

/// What quickstart writes into `.env` itself, the example must not set a second time.
#[test]
fn quickstart_takes_every_image_line_out_of_the_example() {
    let script = std::fs::read_to_string(repository().join("scripts/quickstart")).unwrap();
    let line =
        script.lines().find(|line| line.trim_start().starts_with("sed -i '/^CONFIDEXMON_IMAGE_")).unwrap();
    let expression = line.split('\'').nth(1).unwrap();
    let left = std::process::Command::new("sed")
        .arg(expression)
        .arg(repository().join(".env.example"))
        .output()
        .unwrap();
    let left = String::from_utf8(left.stdout).unwrap();
    assert!(left.contains("CONFIDEXMON_"), "{left}");
    assert!(!left.lines().any(|line| line.starts_with("CONFIDEXMON_IMAGE_")), "{left}");
}
