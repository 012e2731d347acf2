//! What the project ships agrees with the code.

use std::collections::BTreeSet;

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
        assert!(problems.iter().all(|problem| problem.severity != settings::Severity::Error), "{problems:?}");
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
